/** Reading our own documents: Markdown files, their links and headings, and the code blocks that tests run. */
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The repository's folder. */
export const root = resolve(import.meta.dirname, "..");

/** A fenced block with the comment before it: `<!-- test:NAME -->`. */
export interface MarkedBlock {
  readonly file: string;
  readonly name: string;
  readonly code: string;
}

const skipped = (file: string): boolean => /(?:^|\/)(?:node_modules|coverage)\//.test(`${file}/`);

/** All Markdown files, relative to the root. */
export function markdownFiles(): string[] {
  return globSync("**/*.md", { cwd: root, exclude: skipped })
    .filter((file) => !skipped(file))
    .toSorted();
}

/** The text of a document. */
export const readDocument = (file: string): string => readFileSync(join(root, file), "utf8");

/** The document without its code, fenced or not, so that brackets in code are no links. */
function prose(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
}

/** Targets of links and images. */
export function linksOf(markdown: string): string[] {
  return Array.from(prose(markdown).matchAll(/\]\(([^()\s]+)\)/g), ([, target = ""]) => target);
}

/** Anchors of headings as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** The fenced blocks that a comment marks for tests, in order. */
export function markedBlocks(file: string): MarkedBlock[] {
  const found = readDocument(file).matchAll(/^<!-- test:([\w-]+) -->\n+```\w*\n([\s\S]*?)^```/gm);
  return Array.from(found, ([, name = "", code = ""]) => ({ file, name, code }));
}

/** Rows of the table that follows a mark or heading: cells, without the backticks around them. */
export function tableAfter(markdown: string, mark: string): string[][] {
  const start = markdown.indexOf(mark);
  if (start < 0) throw new Error(`no "${mark}" in the document`);
  const table = /(?:^\|.*\n)+/m.exec(markdown.slice(start))?.[0] ?? "";
  const rows = table.trim().split("\n").slice(2);
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, "$1")),
  );
}

/** `name = value` lines of the code blocks under a heading; values in quotation marks are JSON. */
export function valuesUnder(markdown: string, heading: string): Record<string, string> {
  const section = markdown.split(new RegExp(`^#+ ${heading}$`, "m"))[1]?.split(/^#+ /m)[0] ?? "";
  const lines = section.matchAll(/^(\w+) += (.+)$/gm);
  return Object.fromEntries(
    Array.from(lines, ([, name = "", value = ""]) => [
      name,
      value.startsWith('"') ? (JSON.parse(value) as string) : value,
    ]),
  );
}
