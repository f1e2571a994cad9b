/** What a refusal of the server may tell the client to do. */
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ProblemSchema } from "@sotto/protocol";
import { refusedError } from "../src/core/session.ts";

const hinted = (retryAfterMs: bigint) =>
  refusedError(create(ProblemSchema, { code: "rate_limited", retryAfterMs })).retryAfterMs;

test("a hint to stay away counts up to an hour: no server can make a timer overflow", () => {
  expect(hinted(90_000n)).toBe(90_000);
  expect(hinted(2n ** 31n)).toBe(3_600_000);
  expect(hinted(2n ** 64n - 1n)).toBe(3_600_000);
});
