// Reads vitest's JSON reports for .ci/run.
//   failed-files REPORT      the files that failed, when they are one or two; nothing when it is more, or when something else failed
//   count REPORT [AGAIN]     says how many tests passed, failed and were skipped, and which files held when run again; fails unless all did
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";

const most = 2;
const [what, ...paths] = process.argv.slice(2);
const [report, again] = paths.map((path) =>
  existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).testResults : undefined,
);
const failedIn = (files) => files.filter(({ status }) => status !== "passed");
const named = (files) => files.map(({ name }) => relative(process.cwd(), name));

if (what === "failed-files") {
  const files = failedIn(report ?? []);
  if (files.length <= most) console.log(named(files).join(" "));
} else {
  if (!report) throw new Error("no test was run");
  const outcome = report.map((file) => again?.find(({ name }) => name === file.name) ?? file);
  const tests = outcome.flatMap(({ assertionResults }) => assertionResults);
  const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
  // A file can fail without a test that does: it could not be read, or what its tests need did not come about.
  const untested = failedIn(outcome).filter(
    ({ assertionResults }) => !assertionResults.some(({ status }) => status === "failed"),
  );
  const [passed, failed] = [count("passed"), count("failed") + untested.length];
  const skipped = count("skipped", "pending");
  if (again && failed === 0) console.log(`flaky, held when run again: ${named(failedIn(report)).join(", ")}`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
}
