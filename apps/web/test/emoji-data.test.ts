/** The emoji and their names belong together, each is one that reactions take, and words of both languages find them. */
import { describe, expect, test } from "vitest";
import { findEmoji, loadEmoji } from "../src/emoji/emoji-data.ts";

describe("emoji", async () => {
  const groups = await loadEmoji("de");
  const names = (text: string): readonly string[] => findEmoji(groups, text, 400).map(({ emoji }) => emoji);

  test("there is one name for each, in the form that Unicode recommends, and none twice", () => {
    const all = groups.flat();
    expect(all.length).toBeGreaterThan(1_800);
    expect(new Set(all.map(({ emoji }) => emoji)).size).toBe(all.length);
    for (const { emoji, name } of all) {
      expect(emoji).toMatch(/^\p{RGI_Emoji}$/v);
      expect(name).toMatch(/\p{L}/u);
    }
    expect(groups.map((group) => group[0]?.emoji)).toEqual([
      "😀",
      "👋",
      "🐵",
      "🍇",
      "🌍",
      "🎃",
      "👓",
      "🏧",
      "🏁",
    ]);
  });

  test("the name is the language's, the words are of all", () => {
    const [thumb] = findEmoji(groups, "👍 thumbs up", 1);
    expect(thumb).toMatchObject({ emoji: "👍", name: "Daumen hoch" });
    expect(names("Daumen hoch")).toContain("👍");
    expect(names("schmetterling")).toEqual(["🦋"]);
    expect(names("butterfly")).toEqual(["🦋"]);
  });

  test("marks and case do not matter, every word must be there, and nothing finds nothing", () => {
    expect(names("LACHELN").length).toBeGreaterThan(3);
    expect(names("red heart")).toContain("❤️");
    expect(names("red qqqq")).toEqual([]);
    expect(names(" ")).toEqual([]);
    expect(findEmoji(groups, "a", 7)).toHaveLength(7);
  });
});
