/** Sections of documents that commands write: text between two markers, everything else as it was. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** Which section, and by which command it is written. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly command: string;
}

/** bench/RESULTS.md, where the measurements of this repository are. */
export const RESULTS = fileURLToPath(new URL("../../RESULTS.md", import.meta.url));

/** Writes a section into a document, which is made with its folder when it is not there. */
export function writeSection(file: string, section: Section, markdown: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, withSection(contentOf(file), section, markdown));
}

/** A document with the section in it: in its old place, or at the end. @throws Error when its end is missing. */
export function withSection(document: string, { name, title, command }: Section, markdown: string): string {
  const section = `${beginOf(name)}(written by ${command}) -->\n\n${markdown.trim()}\n\n${endOf(name)}`;
  const place = placeOf(document, name);
  if (place === undefined) return `${document.trimEnd()}\n\n## ${title}\n\n${section}\n`;
  return document.slice(0, place.from) + section + document.slice(place.to);
}

/** What stands between a section's markers. @throws Error when the document lacks them. */
export function sectionOf(document: string, name: string): string {
  const place = placeOf(document, name);
  if (place === undefined) throw new Error(`the document lacks the section ${name}`);
  const [begin = ""] = document.slice(place.from).split("\n", 1);
  return document.slice(place.from + begin.length, place.to - endOf(name).length).trim();
}

/** Where a section lies, its markers included. */
function placeOf(document: string, name: string): { from: number; to: number } | undefined {
  const [from, end] = [document.indexOf(beginOf(name)), document.indexOf(endOf(name))];
  if (from < 0) return undefined;
  if (end < from) throw new Error(`the document lacks the end of the section ${name}`);
  return { from, to: end + endOf(name).length };
}

const beginOf = (name: string): string => `<!-- ${name}: begin `;
const endOf = (name: string): string => `<!-- ${name}: end -->`;

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "# Results of the bench\n";
    throw cause;
  }
}
