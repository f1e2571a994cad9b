import { defineConfig } from "vitest/config";

// Real processes and sockets need more time than units, and few at once on two cores.
export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "bench/test/**/*.test.ts",
      "e2e/**/*.test.ts",
    ],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
    reporters: process.env["CI"]
      ? ["default", ["json", { outputFile: process.env["TEST_REPORT"] ?? "test-report.json" }]]
      : ["default"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
