import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CodecError, ID_BYTES, accountId, deviceId, formatId, logId, parseId, slotId } from "../src/index.ts";

const makers = { accountId, deviceId, logId, slotId };

test.each(Object.entries(makers))("%s takes 16 bytes, as a view, and nothing else", (_, make) => {
  const bytes = new Uint8Array(ID_BYTES).fill(7);
  expect(make(bytes)).toBe(bytes);
  for (const length of [0, 1, 15, 17, 32]) {
    expect(() => make(new Uint8Array(length))).toThrow(CodecError);
    expect(() => make(new Uint8Array(length))).toThrow(expect.objectContaining({ code: "malformed" }));
  }
});

test("the text of an id is 32 lower-case digits, and only that is read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = formatId(accountId(bytes));
      expect(text).toMatch(/^[0-9a-f]{32}$/);
      expect(parseId(text)).toEqual(bytes);
      expect(parseId(`A${text.slice(1)}`)).toBeUndefined();
      expect(parseId(`${text}0`)).toBeUndefined();
      expect(parseId(text.slice(1))).toBeUndefined();
      expect(parseId(`${text}\n`)).toBeUndefined();
    }),
    { seed: 2 },
  );
});
