import { fstatSync } from "node:fs";
import { expect, test } from "vitest";
import { createLogger } from "../../src/adapters/log.ts";

function lines(isTTY: boolean): { logger: ReturnType<typeof createLogger>; written: string[] } {
  const written: string[] = [];
  return { logger: createLogger("info", { isTTY, write: (text) => written.push(text) }), written };
}

test("JSON for machines", () => {
  const { logger, written } = lines(false);
  logger.debug("too small");
  logger.warn({ rows: 3 }, "expired");
  expect(written.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: "warn", time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), rows: 3, msg: "expired" },
  ]);
  expect(written[0]).toMatch(/\n$/);
});

test("short lines for a person", () => {
  const { logger, written } = lines(true);
  logger.error({ channel: "smtp" }, "code delivery failed");
  logger.info("stopped");
  expect(written[0]).toMatch(/^\d\d:\d\d:\d\d error: code delivery failed \{"channel":"smtp"\}\n$/);
  expect(written[1]).toMatch(/^\d\d:\d\d:\d\d info: stopped\n$/);
});

test("the journal of systemd learns how grave a line is, and nothing else does", () => {
  const { dev, ino } = fstatSync(2, { bigint: true });
  const written: string[] = [];
  const stream = { fd: 2, write: (text: string) => written.push(text) };
  const journal = createLogger("debug", stream, `${dev}:${ino}`);
  journal.error("one");
  journal.warn("two");
  journal.info("three");
  journal.debug("four");
  expect(written.map((line) => line.slice(0, 3))).toEqual(["<3>", "<4>", "<6>", "<7>"]);
  expect(JSON.parse(written[0]?.slice(3) ?? "")).toMatchObject({ level: "error", msg: "one" });
  createLogger("info", stream, `${dev}:${ino + 1n}`).info("elsewhere");
  expect(written.at(-1)).toMatch(/^\{/);
});
