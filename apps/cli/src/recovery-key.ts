/** The recovery key at the terminal: shown once when an account is made, asked for when every device is lost. Never a flag. */
import type { Context } from "./context.ts";
import { usageFailure } from "./errors.ts";
import { canAsk } from "./io/io.ts";
import { printLine, remark } from "./io/output.ts";
import { askSecret } from "./io/prompt.ts";

const groupsInRow = 4;

/** Shows the recovery key to a person, with what it is for. */
export async function showRecoveryKey({ io }: Context, recoveryKey: string): Promise<void> {
  const groups = recoveryKey.split("-");
  await remark(io, "\nYour recovery key, shown now and never again:\n");
  for (let from = 0; from < groups.length; from += groupsInRow) {
    await printLine(io, `    ${groups.slice(from, from + groupsInRow).join("  ")}`);
  }
  await remark(
    io,
    "\nWrite it on paper and keep it away from your devices. When all of them are lost, it is the only way " +
      "back to this account ('sotto recover'); whoever has it and your number or address can take the account.\n",
  );
}

/** The recovery key from SOTTO_RECOVERY_KEY, or a hidden prompt. */
export async function askRecoveryKey({ io }: Context): Promise<string> {
  const given = io.env["SOTTO_RECOVERY_KEY"];
  if (given !== undefined && given !== "") return given;
  if (!canAsk(io)) {
    throw usageFailure(
      "the recovery key is missing, and there is no terminal to ask at",
      "set the environment variable SOTTO_RECOVERY_KEY, or run the command at a terminal.",
    );
  }
  return await askSecret(io, "Your recovery key (eight groups of four; it is not shown):");
}
