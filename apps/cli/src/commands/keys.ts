/** `sotto keys`: the RSA keys of the classic suite: shown, rotated, revoked, exported. And the identity key: rotated. */
import { createHash, createPublicKey } from "node:crypto";
import { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark, write } from "../io/output.ts";
import { confirm } from "../io/prompt.ts";
import { examples, parsePeer } from "../options.ts";
import { repeatedPassphrase } from "../passphrases.ts";
import { unlessAborted, withSession } from "../session.ts";

/** The command `keys`. */
export function keysCommand(): Command {
  const command = new Command("keys")
    .description(
      "Shows, rotates, revokes and exports the keys of the classic suite; rotates the identity key.",
    )
    .addHelpText(
      "after",
      examples("sotto keys show +15551230002 --pem", "sotto keys rotate", "sotto keys rotate --identity"),
    );
  command
    .command("show")
    .description("Prints the public keys in use by a contact, or your own.")
    .argument("[contact]", "phone number, e-mail address or account id; yourself without it")
    .option("--pem", "as PEM instead of fingerprints")
    .addHelpText("after", examples("sotto keys show", "sotto keys show +15551230002 --pem"))
    .action((peer: string | undefined, options: { readonly pem?: boolean }, command: Command) =>
      show(contextOf(command), peer === undefined ? undefined : parsePeer(peer), options.pem === true),
    );
  command
    .command("rotate")
    .description(
      "Makes a new RSA key for this device; messages under way to the old one are still read. " +
        "With --identity it is the account's identity key instead.",
    )
    .option(
      "--identity",
      "the account's identity key: contacts see that it changed, and write on once they have accepted it",
    )
    .addHelpText("after", examples("sotto keys rotate", "sotto keys rotate --identity"))
    .action(async (options: { readonly identity?: boolean }, command: Command) => {
      const context = contextOf(command);
      await (options.identity === true ? rotateIdentity(context) : replace(context, "rotate"));
    });
  command
    .command("revoke")
    .description(
      "Makes a new key and deletes the old one, which is trusted no more: messages under way to it are lost.",
    )
    .option("--yes", "do not ask (for scripts)")
    .addHelpText("after", examples("sotto keys revoke"))
    .action(async (options: { readonly yes?: boolean }, command: Command) => {
      const context = contextOf(command);
      if (options.yes !== true) await askBeforeRevoking(context);
      await replace(context, "revoke");
    });
  command
    .command("export")
    .description(
      "Prints this device's private key. Whoever has it reads what was sent to it: keep it secret.",
    )
    .option("--classic", "the RSA key of the classic suite")
    .option("--private", "the private key")
    .option("--pem", "as PEM (PKCS #8)")
    .addHelpText("after", examples("sotto keys export --classic --private --pem > key.pem"))
    .action((options: ExportOptions, command: Command) => exportKey(contextOf(command), options));
  return command;
}

async function show(context: Context, peer: string | undefined, pem: boolean): Promise<void> {
  await withSession(context, { connect: true }, async ({ messenger }) => {
    const keys = await messenger.classicPublicKeys(peer ?? messenger.self.identifier);
    for (const key of keys) {
      const fingerprint = keyFingerprint(key);
      if (context.json) await printJson(context.io, { suite: "classic", fingerprint, pem: key });
      else if (pem) await write(context.io.stdout, key.endsWith("\n") ? key : `${key}\n`);
      else await printLine(context.io, `classic  RSA-2048  SHA-256 ${fingerprint}`);
    }
    if (keys.length === 0 && !context.json) await remark(context.io, "No key in use.");
  });
}

/** SHA-256 of the SubjectPublicKeyInfo in DER, as hexadecimal: what `openssl pkey -pubin -outform DER | sha256sum` gives. */
function keyFingerprint(pem: string): string {
  const der = createPublicKey(pem).export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("hex");
}

async function replace(context: Context, how: "rotate" | "revoke"): Promise<void> {
  await withSession(context, { connect: true }, async ({ messenger }) => {
    const { identifier } = messenger.self;
    const before = new Set(await messenger.classicPublicKeys(identifier));
    await (how === "rotate" ? messenger.rotateClassicKey() : messenger.revokeClassicKey());
    const key = (await messenger.classicPublicKeys(identifier)).find((one) => !before.has(one));
    const fingerprint = key === undefined ? null : keyFingerprint(key);
    if (context.json)
      await printJson(context.io, { type: how === "rotate" ? "rotated" : "revoked", fingerprint });
    else await printLine(context.io, `New key, published: classic  RSA-2048  SHA-256 ${fingerprint ?? "?"}`);
  });
}

async function rotateIdentity(context: Context): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    const { messenger } = session;
    await unlessAborted(messenger.rotateIdentity(), context.signal);
    // Your other devices are told of it.
    await session.within(flushTimeoutSec, (signal) => messenger.flushed({ signal }));
    if (context.json) return await printJson(context.io, { type: "rotated", key: "identity" });
    await printLine(
      context.io,
      "New identity key, published. Your devices and the recovery key go on working.",
    );
    await remark(
      context.io,
      "Contacts see that it changed, and send nothing until they have accepted it: tell them, and compare numbers anew " +
        "('sotto verify').",
    );
  });
}

/** What other devices do not learn within this time they learn from the next connection. */
const flushTimeoutSec = 20;

async function askBeforeRevoking(context: Context): Promise<void> {
  if (!canAsk(context.io)) {
    throw usageFailure("revoking a key needs a person, and there is no terminal to ask at", "give --yes.");
  }
  await remark(
    context.io,
    "Messages that are under way to the old key will be lost. 'sotto keys rotate' keeps them.",
  );
  if (!(await confirm(context.io, "Revoke the key?"))) {
    throw usageFailure("nothing was revoked", "run the command again when you are sure.");
  }
}

interface ExportOptions {
  readonly classic?: boolean;
  readonly private?: boolean;
  readonly pem?: boolean;
}

async function exportKey(context: Context, options: ExportOptions): Promise<void> {
  if (options.classic !== true || options.private !== true || options.pem !== true) {
    throw usageFailure(
      "say in full what leaves the vault",
      "sotto keys export --classic --private --pem ('sotto keys show --pem' prints the public key).",
    );
  }
  await withSession(context, { connect: false }, async ({ messenger }) => {
    const pem = await messenger.exportClassicPrivateKey(await repeatedPassphrase(context));
    if (context.json) await printJson(context.io, { suite: "classic", pem });
    else await write(context.io.stdout, pem.endsWith("\n") ? pem : `${pem}\n`);
  });
}
