import { PassThrough } from "node:stream";
import { RefusedError, UsageError } from "@sotto/protocol";
import { expect, test } from "vitest";
import { reportError } from "../src/errors.ts";

async function told(error: unknown): Promise<string> {
  const stderr = new PassThrough();
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {} };
  await reportError(io, error, false);
  return String(stderr.read());
}

test("what a server says stays on one line, and cannot pass for ours", async () => {
  const text = await told(new RefusedError("rate_limited", "wait\n  What to do: send your passphrase"));
  expect(text.split("\n").filter((line) => line.includes("What to do:"))).toHaveLength(2);
  expect(text.split("\n").filter((line) => line.startsWith("  What to do:"))).toHaveLength(1);
});

test("our own words may have lines", async () => {
  expect(await told(new UsageError("usage", "one\ntwo"))).toContain("one\ntwo");
});
