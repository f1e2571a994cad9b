/** `sotto verify`: the safety number that is equal on both sides when nobody stands between. */
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { confirm } from "../io/prompt.ts";
import { sanitiseLine } from "../io/sanitise.ts";
import { examples, parsePeer } from "../options.ts";
import { safetyNumberRows } from "../safety-number.ts";
import { withSession } from "../session.ts";

interface VerifyOptions {
  readonly confirm?: boolean;
  readonly revoke?: boolean;
}

/** The command `verify`. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description(
      "Shows the safety number with a contact. Compare it by another way (a call, face to face), then confirm.",
    )
    .argument("<contact>", "phone number, e-mail address or account id")
    .option("--confirm", "mark the contact as verified: you have compared the numbers")
    .option("--revoke", "take the mark away again")
    .addHelpText("after", examples("sotto verify +15551230002", "sotto verify +15551230002 --confirm"))
    .action((peer: string, options: VerifyOptions, command: Command) =>
      verify(contextOf(command), parsePeer(peer), options),
    );
}

async function verify(context: Context, peer: string, options: VerifyOptions): Promise<void> {
  if (options.confirm === true && options.revoke === true) {
    throw usageFailure("--confirm and --revoke exclude each other", "give one of them.");
  }
  await withSession(context, { connect: true }, async ({ messenger }) => {
    let contact = await messenger.contact(peer);
    const safetyNumber = await messenger.safetyNumber(peer);
    if (!context.json) await printSafetyNumber(context, safetyNumber);
    const wanted =
      options.confirm ??
      (options.revoke ? false : undefined) ??
      (await askWhetherEqual(context, contact.verified));
    if (wanted !== undefined && wanted !== contact.verified) {
      await messenger.setVerified(peer, wanted);
      contact = { ...contact, verified: wanted };
    }
    if (context.json) {
      const { identifier, verified } = contact;
      await printJson(context.io, { peer: identifier, safety_number: safetyNumber, verified });
    } else {
      await remark(
        context.io,
        `${sanitiseLine(contact.identifier)} is ${contact.verified ? "verified" : "not verified"}.`,
      );
    }
  });
}

async function askWhetherEqual(context: Context, verified: boolean): Promise<true | undefined> {
  if (verified || context.json || !canAsk(context.io)) return undefined;
  const equal = await confirm(context.io, "Does the other side see the same number?");
  return equal ? true : undefined;
}

/** Prints the 60 digits in rows that are easy to read to each other. */
export async function printSafetyNumber(context: Context, safetyNumber: string): Promise<void> {
  for (const row of safetyNumberRows(safetyNumber)) await printLine(context.io, row);
}
