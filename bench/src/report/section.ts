/** Sections of RESULTS.md that commands write: text between two markers, everything else as it was. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Which section, and by which command it is written. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly command: string;
}

/** Writes a section into the RESULTS.md of a folder, which is made when it is not there. */
export function writeSection(folder: string, section: Section, markdown: string): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "RESULTS.md");
  writeFileSync(file, withSection(contentOf(file), section, markdown));
}

/** A file's text with the section in it: in its old place, or at the end. @throws Error when its end is missing. */
export function withSection(old: string, { name, title, command }: Section, markdown: string): string {
  const begin = `<!-- ${name}: begin (written by ${command}) -->`;
  const end = `<!-- ${name}: end -->`;
  const section = `${begin}\n\n${markdown}\n${end}`;
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  if (from < 0) return `${old.trimEnd()}\n\n## ${title}\n\n${section}\n`;
  if (to < from) throw new Error(`RESULTS.md lacks the end of the section ${name}`);
  return `${old.slice(0, from)}${section}${old.slice(to + end.length)}`;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "# Results of the bench\n";
    throw cause;
  }
}
