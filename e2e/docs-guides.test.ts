/**
 * The commands of the guides do what the guides tell: against a real server, started with the README's command, typed at a
 * real (pseudo-)terminal.
 */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { markedBlocks } from "./documents.ts";
import { START_MS, startGuide, type Guide } from "./guide.ts";

describe.each([
  { file: "README.md", parts: [] },
  { file: "docs/getting-started.md", parts: ['"body":"The backup is done."', '"encrypted_aes_key"'] },
])("the commands of $file", ({ file, parts }) => {
  let guide: Guide;
  const blocks = markedBlocks(file).filter(({ name }) => name === "pty");

  beforeAll(async () => {
    guide = await startGuide();
  }, START_MS + 30_000);
  afterAll(() => guide?.stop());

  test("do what it tells", { timeout: 180_000 }, async () => {
    expect(blocks.length).toBeGreaterThan(2);
    const shown: string[] = [];
    for (const { code } of blocks) shown.push(...(await guide.run(code)));
    const output = shown.join("\n");
    expect(output).toContain("Registered +15551230001");
    expect(output).toMatch(/← \+15551230001\s+Lunch at noon\?/);
    expect(output).toMatch(/→ me to \+15551230002 {2}\[✓✓ (?:delivered|read)\]\s+Lunch at noon\?/);
    expect(output).toMatch(/(?:\d{5}\s+){12}/);
    expect(output).toContain("+15551230002 is verified.");
    for (const part of parts) expect(output).toContain(part);
  });
});

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

test.skipIf(!hasCurl)(
  "the curl example of spec/PROTOCOL.md gets an answer",
  { timeout: START_MS + 60_000 },
  async () => {
    const guide = await startGuide();
    try {
      const block = markedBlocks("spec/PROTOCOL.md").find(({ name }) => name === "curl");
      const [answer = ""] = await guide.run(block?.code ?? "");
      expect(JSON.parse(answer)).toMatchObject({
        publicKey: expect.any(String),
        protocolVersion: 1,
        classicAllowed: true,
      });
    } finally {
      await guide.stop();
    }
  },
);
