/** `sotto contacts`: whom one knows, and the one thing a changed identity key asks of a person: to look and accept. */
import { Command } from "commander";
import type { Contact } from "@sotto/client";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { confirm } from "../io/prompt.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { examples, parsePeer } from "../options.ts";
import { withSession } from "../session.ts";
import { printSafetyNumber } from "./verify.ts";

/** The command `contacts`. */
export function contactsCommand(): Command {
  const command = new Command("contacts")
    .description("Lists whom you know, and whether you verified them.")
    .addHelpText("after", examples("sotto contacts", "sotto contacts add +15551230002"))
    .action((_options: object, command: Command) => list(contextOf(command)));
  command
    .command("add")
    .description("Looks somebody up on the server and remembers them.")
    .argument("<contact>", "phone number, e-mail address or account id")
    .addHelpText("after", examples("sotto contacts add +15551230002"))
    .action((peer: string, _options: object, command: Command) => add(contextOf(command), parsePeer(peer)));
  command
    .command("acknowledge")
    .description("Accepts a contact's changed identity key, so that messages go out again.")
    .argument("<contact>", "phone number, e-mail address or account id")
    .option("--yes", "do not ask (for scripts)")
    .addHelpText("after", examples("sotto contacts acknowledge +15551230002"))
    .action((peer: string, options: { readonly yes?: boolean }, command: Command) =>
      acknowledge(contextOf(command), parsePeer(peer), options.yes === true),
    );
  for (const [name, what] of [
    ["block", "Nothing that they write reaches you any more, but in groups with others. They are not told."],
    ["unblock", "Takes what they write again; what they wrote meanwhile is lost."],
  ] as const) {
    command
      .command(name)
      .description(what)
      .argument("<contact>", "phone number, e-mail address or account id")
      .addHelpText("after", examples(`sotto contacts ${name} +15551230002`))
      .action((peer: string, _options: object, command: Command) =>
        setBlocked(contextOf(command), parsePeer(peer), name),
      );
  }
  return command;
}

/** How long to wait until the other devices are told. */
const flushTimeoutSec = 10;

async function setBlocked(context: Context, peer: string, work: "block" | "unblock"): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    const contact = await messenger.contact(peer);
    await messenger[work](peer);
    await printContact(context, { ...contact, blocked: work === "block" });
    await session.within(flushTimeoutSec, (signal) => messenger.flushed({ signal }), { firstTryOnly: true });
  });
}

async function list(context: Context): Promise<void> {
  await withSession(context, { connect: false }, async ({ messenger }) => {
    const contacts = await messenger.contacts();
    for (const contact of contacts) await printContact(context, contact);
    if (contacts.length === 0 && !context.json) {
      await remark(context.io, "No contacts yet. 'sotto contacts add NUMBER' looks somebody up.");
    }
  });
}

async function add(context: Context, peer: string): Promise<void> {
  await withSession(context, { connect: true }, async ({ messenger }) => {
    await printContact(context, await messenger.contact(peer));
  });
}

async function acknowledge(context: Context, peer: string, yes: boolean): Promise<void> {
  await withSession(context, { connect: true }, async ({ messenger }) => {
    const contact = await messenger.contact(peer);
    if (!contact.identityChanged) {
      await remark(
        context.io,
        "Their identity key did not change since you last accepted it: nothing to do.",
      );
    } else {
      if (!yes) await askFirst(context, await messenger.safetyNumber(peer));
      await messenger.acknowledgeIdentity(peer);
    }
    await printContact(context, await messenger.contact(peer));
  });
}

async function askFirst(context: Context, safetyNumber: string): Promise<void> {
  if (!canAsk(context.io)) {
    throw usageFailure(
      "accepting a changed identity key needs a person, and there is no terminal to ask at",
      "compare numbers with 'sotto verify CONTACT', then give --yes.",
    );
  }
  await remark(
    context.io,
    "Their identity key changed: they set up Sotto anew, or somebody takes their place.",
  );
  await remark(context.io, "Call them and compare this number with theirs ('sotto verify'):");
  await printSafetyNumber(context, safetyNumber);
  if (!(await confirm(context.io, "Accept the new key?"))) {
    throw usageFailure(
      "nothing was accepted",
      "compare the numbers, and run the command again when they are equal.",
    );
  }
}

async function printContact(context: Context, contact: Contact): Promise<void> {
  const { identifier, name, accountId, verified, blocked, identityChanged, devices } = contact;
  if (context.json) {
    const members = {
      identifier,
      name,
      account_id: accountId,
      verified,
      blocked,
      identity_changed: identityChanged,
      devices,
    };
    await printJson(context.io, members);
    return;
  }
  const state = blocked
    ? "blocked"
    : identityChanged
      ? "IDENTITY CHANGED, sending stopped"
      : verified
        ? "verified"
        : "not verified";
  await printLine(
    context.io,
    `${sanitiseLine(identifier)}${name === "" ? "" : `  (${sanitiseLine(name)})`}  ${state}  ${devices} device${devices === 1 ? "" : "s"}  ${accountId}`,
  );
}
