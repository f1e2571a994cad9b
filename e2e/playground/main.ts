/**
 * A place to look around in: `npm run demo:web`. A server, seven people, their groups and a year of what they said, made through the real
 * protocol. Where a browser is found it opens as Ann, and as Ben beside her; anywhere else, a browser is linked by its code. Ctrl+C ends it,
 * and nothing stays behind.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { cast } from "./cast.ts";
import { PASSPHRASE } from "./people.ts";
import { makePlayground, type Playground } from "./playground.ts";
import { linkTo } from "./windows.ts";
import { startWindow } from "../web/support/browser.ts";

const { values } = parseArgs({
  options: {
    days: { type: "string", default: "365" },
    seed: { type: "string", default: "1" },
    port: { type: "string", default: "8788" },
    "no-window": { type: "boolean", default: false },
  },
});

const playground = await makePlayground({
  days: Number(values.days),
  seed: Number(values.seed),
  port: Number(values.port),
  progress: (text) => console.log(text),
});
const profiles = mkdtempSync(join(tmpdir(), "sotto-windows-"));
const { server, messages } = playground;
const address = server.webApp ?? server.address;
console.log(`\n${messages} messages. The app is at ${address}`);

process.once("SIGINT", () => void end());
process.once("SIGTERM", () => void end());

const opened = !values["no-window"] && (await openWindows(playground));
if (opened) {
  console.log(`Two windows are open: Ann's, and Ben's on a phone. Their passphrase: ${PASSPHRASE}`);
} else {
  console.log(
    'Open it in a browser, choose "Link to an existing device" and any passphrase, and type its code here.',
  );
}
console.log("Ctrl+C ends the playground.\n");
await approveCodes(playground);

/** Windows of Ann and Ben; false where no browser can show one. */
async function openWindows({ people }: Playground): Promise<boolean> {
  for (const [who, size] of [
    ["Ann", { width: 1100, height: 760 }],
    ["Ben", { width: 400, height: 780 }],
  ] as const) {
    const person = people.get(who);
    const context = await startWindow(join(profiles, who), size).catch(() => undefined);
    if (context === undefined || person === undefined) return false;
    await linkTo(context, address, person);
  }
  return true;
}

/** More browsers: a code makes one Ann's, or Ben's with his name before it. */
async function approveCodes({ people }: Playground): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  lines.setPrompt("Code of a browser to be Ann's (or: Ben CODE): ");
  lines.prompt();
  for await (const line of lines) {
    const [, name = "Ann", code = ""] = /^\s*(Ann|Ben)?\s*(\S*)\s*$/i.exec(line) ?? [];
    const person = people.get(/ben/i.test(name) ? "Ben" : "Ann");
    if (code !== "" && person !== undefined) {
      try {
        await person.messenger.approveLink(code);
        console.log(`It is ${person.who}'s now (${cast[person.who]}).`);
      } catch (cause) {
        console.log(`That did not work: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
    }
    lines.prompt();
  }
}

async function end(): Promise<void> {
  console.log("\nThe playground ends …");
  await playground.close();
  rmSync(profiles, { recursive: true, force: true });
  process.exit(0);
}
