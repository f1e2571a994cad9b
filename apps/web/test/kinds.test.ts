/** Files are shown as what they may be shown as, whatever they are called and say of themselves. */
import type { Attachment } from "@sotto/client/web";
import { describe, expect, test } from "vitest";
import { clockText, extensionOf, kindOf, mayRun, sizeText } from "../src/media/kinds.ts";

const file = (given: Partial<Attachment>): Attachment => ({
  name: "a",
  type: "application/pdf",
  size: 1,
  thumbnail: false,
  ...given,
});

describe("kinds of files", () => {
  test.each([
    [{ type: "image/jpeg" }, "picture"],
    [{ type: "image/gif", width: 10, height: 10 }, "picture"],
    [{ type: "image/png", width: 8_000, height: 8_000 }, "picture"],
    [{ type: "image/png", width: 8_001, height: 8_000 }, "file"],
    [{ type: "image/png", width: 65_535, height: 1 }, "file"],
    [{ type: "image/svg+xml" }, "file"],
    [{ type: "image/heic" }, "file"],
    [{ type: "text/html" }, "file"],
    [{ type: "video/mp4" }, "file"],
    [{ type: "audio/webm" }, "file"],
    [{ type: "audio/webm", voice: true }, "voice"],
    [{ type: "text/html", voice: true }, "file"],
  ] as const)("%j is a %s", (given, kind) => {
    expect(kindOf(file(given))).toBe(kind);
  });

  test.each([
    ["photo.jpg", "jpg", false],
    ["photo.jpg.EXE", "exe", true],
    ["drawing.svg", "svg", true],
    ["page.xhtml", "xhtml", true],
    ["letter.docx", "docx", false],
    ["no ending", "", false],
    [".exe", "", false],
  ])("%s ends with %j, and may run: %s", (name, extension, runs) => {
    expect([extensionOf(name), mayRun(name)]).toEqual([extension, runs]);
  });

  test("sizes and times read as people write them", () => {
    expect([0, 1, 999, 1_000, 300_000, 2_140_000, 3e9, 5e12].map((size) => sizeText(size, "en"))).toEqual([
      "0 bytes",
      "1 byte",
      "999 bytes",
      "1 kB",
      "300 kB",
      "2.1 MB",
      "3 GB",
      "5,000 GB",
    ]);
    expect(sizeText(2_140_000, "de")).toBe("2,1 MB");
    expect([0, 499, 59_600, 3_600_000, -1].map(clockText)).toEqual(["0:00", "0:00", "1:00", "60:00", "0:00"]);
  });
});
