/** The documents keep their word: links lead somewhere, and tables say what the code says. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { serveCommand } from "../apps/cli/src/commands/serve.ts";
import { checkConfig, envName } from "../packages/server/src/config.ts";
import { anchorsOf, linksOf, markdownFiles, readDocument, root, tableAfter } from "./documents.ts";

describe("links", () => {
  test.each(markdownFiles())("%s leads somewhere", (file) => {
    const broken = linksOf(readDocument(file)).filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = "", anchor] = target.split("#");
      const linked = path === "" ? file : join(dirname(file), path);
      if (!existsSync(join(root, linked))) return true;
      return anchor !== undefined && linked.endsWith(".md") && !anchorsOf(readDocument(linked)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("the check itself can fail", () => {
    expect(linksOf("[a](b.md#c) `[no](link)` ![d](e.svg)")).toEqual(["b.md#c", "e.svg"]);
    expect(anchorsOf("## The server's key, `x` and more\n")).toContain("the-servers-key-x-and-more");
  });
});

test("docs/sdk.md shows the echo bot as it is", () => {
  expect(readDocument("docs/sdk.md")).toContain(
    `\`\`\`ts\n${readDocument("docs/examples/echo-bot.ts")}\`\`\`\n`,
  );
});

describe("docs/operate.md", () => {
  const document = readDocument("docs/operate.md");
  const flags = new Map(serveCommand().options.map((option) => [option.attributeName(), option.long]));
  const rows = tableAfter(document, "<!-- test:config -->");
  const defaults = checkConfig({}) as Readonly<Record<string, unknown>>;
  test("lists every setting that has a default, and none that does not exist", () => {
    const listed = rows.map(([key = ""]) => key);
    expect(Object.keys(defaults).filter((key) => !listed.includes(key))).toEqual([]);
    expect(listed.filter((key) => !known(key))).toEqual([]);
    expect([...flags.keys()].filter((key) => key !== "config" && !listed.includes(key))).toEqual([]);
    expect(known("noSuchSetting")).toBe(false);
  });

  test.each(rows)("%s: flag %s, environment %s, default %s", (key = "", flag, env, value = "") => {
    expect(env).toBe(envName(key));
    expect(flag).toBe(flags.get(key) ?? "none");
    expect(showsDefault(key, value, defaults[key])).toBe(true);
  });

  test("lists every limit with its figures", () => {
    const listed = tableAfter(document, "### Limits").map(([name = "", burst, perHour]) => [
      /\w+/.exec(name)?.[0] ?? "",
      { burst: Number(burst), perHour: Number(perHour) },
    ]);
    expect(Object.fromEntries(listed)).toEqual(defaults["limits"]);
  });
});

/** Whether the server's configuration has such a setting. */
function known(key: string): boolean {
  try {
    checkConfig({ [key]: Symbol("no setting takes this") });
    return true;
  } catch (error) {
    return !String(error).includes("is not a known key");
  }
}

/** How a default is written in the table: in words where there is none. */
function showsDefault(key: string, written: string, value: unknown): boolean {
  if (key === "limits") return written === "see below";
  const absent = value === undefined || (Array.isArray(value) && value.length === 0);
  return absent ? /^(?:none|no limit|from |`sotto@`)/.test(written) : written === String(value);
}
