/** The generated code is what `buf generate` makes of spec/proto today: nobody edits it, and nobody forgets to generate. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");

/** Every file below a folder, by its path in it. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]),
  );
}

test("packages/protocol/src/gen is current", () => {
  const folder = mkdtempSync(join(tmpdir(), "sotto-generate-"));
  try {
    const out = "packages/protocol/src/gen";
    const template = readFileSync(join(root, "buf.gen.yaml"), "utf8");
    expect(template).toContain(`out: ${out}`);
    const moved = join(folder, "buf.gen.yaml");
    writeFileSync(moved, template.replace(`out: ${out}`, `out: ${join(folder, "gen")}`));
    const path = `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`;
    execFileSync("buf", ["generate", "--template", moved], {
      cwd: root,
      env: { ...process.env, PATH: path },
    });
    const generated = contents(join(folder, "gen"));
    expect(Object.keys(generated).length).toBeGreaterThan(5);
    expect(generated).toEqual(contents(join(root, out)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
