/** `sotto verify`: the safety number that is equal on both sides when nobody stands between. */
import { SottoError } from "@sotto/protocol";
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { confirm } from "../io/prompt.ts";
import { renderQr } from "../io/qr.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { examples, parsePeer } from "../options.ts";
import { safetyNumberRows } from "../safety-number.ts";
import { withSession } from "../session.ts";

interface VerifyOptions {
  readonly compare?: string;
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
    .option("--compare <number>", "what the other side shows, typed or scanned: verified when it is equal")
    .option("--confirm", "mark the contact as verified: you have compared the numbers")
    .option("--revoke", "take the mark away again")
    .addHelpText(
      "after",
      examples(
        "sotto verify +15551230002",
        "sotto verify +15551230002 --confirm",
        "sotto verify +15551230002 --compare SOTTO-SAFETY:1:0123…    (as a QR scanner read it)",
      ),
    )
    .action((peer: string, options: VerifyOptions, command: Command) =>
      verify(contextOf(command), parsePeer(peer), options),
    );
}

async function verify(context: Context, peer: string, options: VerifyOptions): Promise<void> {
  const chosen = [options.compare, options.confirm, options.revoke].filter((one) => one !== undefined);
  if (chosen.length > 1) {
    throw usageFailure("--compare, --confirm and --revoke exclude each other", "give one of them.");
  }
  await withSession(context, { connect: true }, async ({ messenger }) => {
    let contact = await messenger.contact(peer);
    const safetyNumber = await messenger.safetyNumber(peer);
    if (options.compare !== undefined) await requireEqual(options.compare, safetyNumber);
    else if (!context.json) await printSafetyNumber(context, safetyNumber);
    const wanted =
      (options.compare === undefined ? options.confirm : true) ??
      (options.revoke ? false : undefined) ??
      (await askWhetherEqual(context, contact.verified));
    if (wanted !== undefined && wanted !== contact.verified) {
      await messenger.setVerified(peer, wanted);
      contact = { ...contact, verified: wanted };
    }
    if (context.json) {
      await printJson(context.io, { safety_number: safetyNumber, verified: contact.verified });
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

/** @throws Failure `usage` for what is no safety number; SottoError `safety_number_differs`. */
async function requireEqual(given: string, safetyNumber: string): Promise<void> {
  const { parseSafetyNumberQr } = await import("@sotto/client");
  const digits = (parseSafetyNumberQr(given.trim()) ?? given).replaceAll(/[\s-]/g, "");
  if (!/^[0-9]{60}$/.test(digits)) {
    throw usageFailure(
      "that is no safety number",
      "give the 60 digits that 'sotto verify' shows on the other side, or what a scanner reads from its QR code.",
    );
  }
  if (digits === safetyNumber.replaceAll(" ", "")) return;
  throw new SottoError("safety_number_differs", "the numbers differ: nothing was marked");
}

/** Prints the 60 digits in rows that are easy to read to each other; at a terminal also as a QR code, to be scanned. */
export async function printSafetyNumber({ io }: Context, safetyNumber: string): Promise<void> {
  if (io.stdout.isTTY === true) {
    const { formatSafetyNumberQr } = await import("@sotto/client");
    await printLine(io, renderQr(formatSafetyNumberQr(safetyNumber)));
  }
  for (const row of safetyNumberRows(safetyNumber)) await printLine(io, row);
}
