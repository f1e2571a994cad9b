/** `sotto chat` in a folder without an account: a person is asked how to begin, and led through it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "./context.ts";
import { usageFailure } from "./errors.ts";
import { printLine, remark } from "./io/output.ts";
import { ask } from "./io/prompt.ts";
import { sanitiseLine } from "@sotto/client/readable";

/** @returns the passphrase of an account that was made or joined now; undefined when there was one. */
export async function firstSteps(context: Context): Promise<string | undefined> {
  const { home, io } = context;
  if (existsSync(join(home, "vault.key"))) return undefined;
  await remark(io, `There is no account in ${sanitiseLine(home)} yet. You can`);
  await printLine(io, "  r  register: make an account");
  await printLine(io, "  l  link: join an account that you have on another device");
  await printLine(io, "  c  come back: all your devices are lost, and you have the recovery key");
  const passphrase = await begin(context, (await ask(io, "Which of them? [r/l/c]")).toLowerCase());
  // The chat covers what stands here: the recovery key, whose account this is.
  if (passphrase !== undefined) await ask(io, "Enter opens the chat.");
  return passphrase;
}

async function begin(context: Context, choice: string): Promise<string | undefined> {
  switch (choice) {
    case "r":
      return await (await import("./commands/register.ts")).register(context);
    case "l":
      return await (await import("./commands/devices-link.ts")).link(context);
    case "c":
      return await (await import("./commands/recover.ts")).recover(context);
    default:
      throw usageFailure("nothing was begun", "run 'sotto chat' again, and answer r, l or c.");
  }
}
