/** Names of files from anybody are harmless to show and to save under, whatever they are. */
import { utf8 } from "@sotto/protocol";
import { assert, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { numberedName, safeFileName } from "../src/core/attachments/file-name.ts";

describe("safeFileName", () => {
  test.each([
    ["photo.jpg", "photo.jpg"],
    ["Ein schöner Tag – 日本.png", "Ein schöner Tag – 日本.png"],
    ["../../.ssh/authorized_keys", "authorized_keys"],
    ["C:\\Windows\\System32\\cmd.exe", "cmd.exe"],
    ["..", "file"],
    [" . ", "file"],
    ["/", "file"],
    [".profile", "profile"],
    ["trailing. . ", "trailing"],
    ["two\nlines\tand\0more", "twolinesandmore"],
    ["\u001b]0;title\u0007\u001b[2Jx", "]0;title[2Jx"],
    ["photo\u202Egnp.exe", "photognp.exe"],
    ["a\u200b\u2066b\u00adc\ufeff", "abc"],
    ['a:b*c?d"e<f>g|h', "a_b_c_d_e_f_g_h"],
    ["NUL", "_NUL"],
    ["com1.tar.gz", "_com1.tar.gz"],
    ["half \ud800 of one", "half of one"],
    ["e\u0301.txt", "\u00e9.txt"],
  ])("%j becomes %j", (name, harmless) => {
    expect(safeFileName(name)).toBe(harmless);
  });

  test("cuts a long name before its extension", () => {
    const name = safeFileName(`${"ä".repeat(400)}.tar`);
    expect(name).toMatch(/^ä+\.tar$/);
    expect(utf8(name).length).toBeLessThanOrEqual(150);
    expect(utf8(safeFileName(`a.${"b".repeat(400)}`)).length).toBeLessThanOrEqual(150);
  });

  const anything = oneof(
    string({ unit: "binary", maxLength: 300 }),
    string({
      unit: constantFrom(".", "/", "\\", " ", "\0", "\u202e", "a", "\ud800", "é", "con"),
      maxLength: 40,
    }),
  );

  test("whatever comes, it is one visible part of a path, and stays as it is a second time", () => {
    assert(
      property(anything, (text) => {
        const name = safeFileName(text);
        expect(name).not.toBe("");
        expect(name).not.toMatch(
          /[/\\:*?"<>|]|^[.\s]|[.\s]$|\p{Cc}|\p{Cs}|[\u202a-\u202e\u2066-\u2069\u200b]/u,
        );
        expect(utf8(name).length).toBeLessThanOrEqual(151);
        expect(safeFileName(name)).toBe(name);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a number goes before the extension", () => {
    expect([1, 2, 10].map((n) => numberedName("a.b.txt", n))).toEqual([
      "a.b.txt",
      "a.b (2).txt",
      "a.b (10).txt",
    ]);
    expect(numberedName("noextension", 3)).toBe("noextension (3)");
  });
});
