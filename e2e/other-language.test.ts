/**
 * The specification is enough to write a client in another language: docs/examples/minimal_client.py, written from it,
 * talks with our own client over a real server. Skipped where Python has no `cryptography`.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { root } from "./documents.ts";
import { START_MS, startGuide } from "./guide.ts";

const python = ["/usr/bin/python3", "python3"].find(
  (command) => spawnSync(command, ["-c", "import cryptography"]).status === 0,
);

// Never skipped in CI, where .ci/run installs it.
test.skipIf(python === undefined && !process.env["CI"])(
  "a client in Python and `sotto` read and answer each other",
  { timeout: START_MS + 60_000 },
  async () => {
    const guide = await startGuide();
    const script = join(root, "docs/examples/minimal_client.py");
    const client = spawn(python ?? "", [script, guide.origin, guide.fingerprint, "+15551230009"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      client.stdin.write(`${await guide.latestCode("+15551230009")}\n`);
      const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toMatch(/ready$/);
      await guide.run(`npx sotto register --home ann --server http://127.0.0.1:8787 --phone +15551230001
npx sotto send --home ann --suite classic +15551230009 "Grüße aus TypeScript"`);
      const content = JSON.parse(String((await lines.next()).value)) as object;
      expect(content).toMatchObject({
        type: "text",
        body: "Grüße aus TypeScript",
        from: "+15551230001",
        n: 1,
      });
      expect((await lines.next()).value).toBe("answered");
      const [received = "", history = ""] = await guide.run(`npx sotto receive --home ann
npx sotto history --home ann +15551230009`);
      expect(received).toMatch(/← \+15551230009\s+You said: Grüße aus TypeScript/);
      expect(history).toMatch(/→ me to \+15551230009 {2}\[✓✓ read\]\s+Grüße aus TypeScript/);
    } finally {
      if (client.exitCode === null && client.kill()) await once(client, "exit");
      await guide.stop();
    }
  },
);
