/** Where a passphrase comes from: SOTTO_PASSPHRASE for scripts, a hidden prompt for people. Never a flag: others could see it. */
import type { Context } from "./context.ts";
import { usageFailure } from "./errors.ts";
import { canAsk } from "./io/io.ts";
import { askSecret } from "./io/prompt.ts";

/** The passphrase of the account in use. */
export const currentPassphrase = (context: Context): Promise<string> =>
  givenPassphrase(context, "SOTTO_PASSPHRASE", "Passphrase:");

/** A passphrase that is set already, of the account or of a file. @param variable the environment variable for scripts. */
export async function givenPassphrase(context: Context, variable: string, question: string): Promise<string> {
  const given = context.io.env[variable];
  if (given !== undefined && given !== "") return given;
  requireTerminal(context, "the passphrase", variable);
  return await askSecret(context.io, question);
}

/** The passphrase typed once more before something that must not happen by itself; scripts confirm with SOTTO_PASSPHRASE. */
export async function repeatedPassphrase(context: Context): Promise<string> {
  if (canAsk(context.io)) return await askSecret(context.io, "Passphrase again, to confirm:");
  return await currentPassphrase(context);
}

/** A passphrase to be set, asked for twice. @param variable the environment variable for scripts. @param what it protects. */
export async function newPassphrase(
  context: Context,
  variable: string,
  what = "this device",
): Promise<string> {
  const given = context.io.env[variable];
  if (given !== undefined && given !== "") return given;
  requireTerminal(context, "a passphrase", variable);
  for (;;) {
    const first = await askSecret(
      context.io,
      `New passphrase (it protects ${what}; it cannot be recovered):`,
    );
    if (first === "") {
      context.io.stderr.write("It must not be empty.\n");
      continue;
    }
    if (first === (await askSecret(context.io, "The same again:"))) return first;
    context.io.stderr.write("The two differ. Once more:\n");
  }
}

function requireTerminal(context: Context, what: string, variable: string): void {
  if (canAsk(context.io)) return;
  throw usageFailure(
    `${what} is missing, and there is no terminal to ask at`,
    `set the environment variable ${variable}, or run the command at a terminal.`,
  );
}
