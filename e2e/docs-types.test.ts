/** The TypeScript in the SDK's guide compiles against the SDK as it is. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readDocument, root } from "./documents.ts";

// What the guide's readers have already.
const given = `
declare const passphrase: string, to: string, text: string, signal: AbortSignal;
declare function askSomebody(question: string): Promise<string>;
declare function askAPerson(about: string): Promise<void>;
`;

test("the examples of docs/sdk.md compile", { timeout: 60_000 }, async () => {
  const blocks = Array.from(
    readDocument("docs/sdk.md").matchAll(/^```ts\n([\s\S]*?)^```/gm),
    ([, code = ""]) => code,
  );
  const [bot = "", ...examples] = blocks;
  expect(examples.length).toBeGreaterThan(5);
  const imports = examples.flatMap((code) => code.match(/^import .*$/gm) ?? []);
  const bodies = examples.map((code) => code.replaceAll(/^import .*$/gm, ""));
  const folder = await mkdtemp(join(tmpdir(), "sotto-types-"));
  try {
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(root, "tsconfig.json"),
        // The imports of the guide serve all of its examples.
        compilerOptions: { noUnusedLocals: false },
        include: ["*.ts"],
        exclude: [],
      }),
    );
    await writeFile(join(folder, "bot.ts"), bot);
    await writeFile(join(folder, "guide.ts"), [...imports, given, ...bodies].join("\n"));
    const compiler = join(root, "node_modules/.bin/tsc");
    const { stdout, status } = spawnSync(compiler, ["--noEmit", "-p", folder], { encoding: "utf8" });
    expect(stdout.trim()).toBe("");
    expect(status).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
