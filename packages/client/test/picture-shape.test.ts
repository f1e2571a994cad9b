/** How large a picture is, is known from its own bytes before anybody decodes it; whatever cannot be told is no picture. */
import { concatBytes, utf8 } from "@sotto/protocol";
import { mutatedBytes, withSeed } from "@sotto/testkit";
import { describe, expect, test } from "vitest";
import { pictureShape } from "../src/web-media.ts";
import { JPEG, PNG, WEBP } from "./support/pictures.ts";

const shapeOf = (bytes: Uint8Array) => pictureShape(new Blob([Uint8Array.from(bytes)]));
const gif = (width: number, height: number): Uint8Array =>
  concatBytes(
    utf8("GIF89a"),
    Uint8Array.of(width & 0xff, width >> 8, height & 0xff, height >> 8, 0, 0, 0),
    utf8(";"),
  );

const corpus = [JPEG, PNG, WEBP, gif(3, 4)];

describe("pictureShape", () => {
  test.each([
    ["a JPEG", JPEG, "image/jpeg"],
    ["a PNG", PNG, "image/png"],
    ["a WebP", WEBP, "image/webp"],
  ] as const)("tells how large %s is, and that it is sent without what it tells", async (_, bytes, type) => {
    expect(await shapeOf(bytes)).toEqual({ type, width: 24, height: 12, stripped: true });
  });

  test("tells how large a GIF says it is, and that it goes as it is", async () => {
    expect(await shapeOf(gif(65_535, 300))).toEqual({
      type: "image/gif",
      width: 65_535,
      height: 300,
      stripped: false,
    });
    expect(await shapeOf(gif(1, 1).subarray(0, 9))).toBeUndefined();
  });

  test.each([
    ["nothing", ""],
    ["a drawing", '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ["a page", "<!doctype html>"],
    ["a film", "\0\0\0\u0018ftypmp42"],
  ])("%s is no picture", async (_, text) => {
    expect(await shapeOf(utf8(text))).toBeUndefined();
  });

  test("whatever is done to a picture, the answer is a shape or nothing", async () => {
    await withSeed(2028, async (random) => {
      for (let i = 0; i < 500; i++) {
        const { width, height } = (await shapeOf(mutatedBytes(random, corpus))) ?? { width: 0, height: 0 };
        expect(Number.isInteger(width * height)).toBe(true);
      }
    });
  });
});
