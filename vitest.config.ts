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
    // Real processes, sockets and clocks on a machine that others use: what fails once and then holds is told as flaky.
    retry: process.env["CI"] ? 1 : 0,
    reporters: process.env["CI"] ? ["default", ["json", { outputFile: "test-report.json" }]] : ["default"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
