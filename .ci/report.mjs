// Reads vitest's JSON reports for .ci/run.
//   failed-files REPORT      the files that failed, when they are one or two; nothing when it is more, or when something else failed
//   count REPORT [AGAIN]     says how many tests passed, failed and were skipped, and which files held when run again; fails unless all did
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";

const most = 2;
const [what, ...paths] = process.argv.slice(2);
const [report, again] = paths.map((path) =>
  existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined,
);
const failedIn = ({ testResults }) =>
  testResults.filter(({ status }) => status !== "passed").map(({ name }) => name);
const counts = ({ numPassedTests, numFailedTests, numPendingTests }) => ({
  passed: numPassedTests,
  failed: numFailedTests,
  skipped: numPendingTests,
});

if (what === "failed-files") {
  const files = report ? failedIn(report) : [];
  if (files.length <= most) console.log(files.map((file) => relative(process.cwd(), file)).join(" "));
} else {
  if (!report) throw new Error("no test was run");
  let { passed, failed, skipped } = counts(report);
  if (again) {
    const files = failedIn(report);
    const first = report.testResults
      .filter(({ name }) => files.includes(name))
      .flatMap((file) => file.assertionResults);
    const second = counts(again);
    passed += second.passed - first.filter(({ status }) => status === "passed").length;
    failed = second.failed + failedIn(again).length;
    if (failed === 0)
      console.log(
        `flaky, held when run again: ${files.map((file) => relative(process.cwd(), file)).join(", ")}`,
      );
  }
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
}
