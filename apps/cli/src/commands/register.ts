/**
 * `sotto register`: makes an account on a server. The server must have the key that the person knows beforehand; without
 * one, the terminal shows the key it got and asks, and scripts may trust it only on this very machine.
 */
import { Command } from "commander";
import { parseIdentifier, type Identifier } from "@sotto/protocol";
import type { ServerChoice } from "@sotto/client";
import { contextOf, type Context } from "../context.ts";
import { Failure, usageFailure } from "../errors.ts";
import { canAsk } from "../io/io.ts";
import { printJson, printLine, remark } from "../io/output.ts";
import { ask } from "../io/prompt.ts";
import { examples } from "../options.ts";
import { newPassphrase } from "../passphrases.ts";
import { chooseServer } from "../server-choice.ts";

interface RegisterFlags {
  readonly server?: string;
  readonly serverKey?: string;
  readonly phone?: string;
  readonly email?: string;
  readonly code?: string;
  readonly requestOnly?: boolean;
}

/** The command `register`. */
export function registerCommand(): Command {
  return new Command("register")
    .description(
      "Makes an account on a server; the server sends a one-time code to prove the number or address.",
    )
    .option("--server <url>", "invite link (sotto://…) or address (https://…) of the server (SOTTO_SERVER)")
    .option(
      "--server-key <key>",
      "fingerprint of the server's key, or a file with its public key (SOTTO_SERVER_KEY)",
    )
    .option("--phone <number>", "your phone number in international form")
    .option("--email <address>", "your e-mail address, instead of a phone number")
    .option("--code <digits>", "the one-time code, if you have it; - reads it from standard input")
    .option("--request-only", "only have the code sent; a later call gives it with --code")
    .addHelpText(
      "after",
      examples(
        "sotto register --server 'sotto://chat.example.org/#FINGERPRINT' --phone +15551230001",
        "sotto register --server http://127.0.0.1:8787 --phone +15551230001 --request-only",
        "sotto register --server http://127.0.0.1:8787 --phone +15551230001 --code 123456",
      ),
    )
    .action(async (flags: RegisterFlags, command: Command) => {
      const context = contextOf(command);
      await register(context, flags);
    });
}

async function register(context: Context, flags: RegisterFlags): Promise<void> {
  if (flags.requestOnly === true && flags.code !== undefined) {
    throw usageFailure("--request-only and --code exclude each other", "give one of them.");
  }
  const identifier = await chooseIdentifier(context, flags);
  const choice = await chooseServer(context, flags);
  if (flags.requestOnly === true) return await requestOnly(context, choice, identifier);
  if (flags.code === undefined && !canAsk(context.io)) {
    throw usageFailure(
      "the code is missing, and there is no terminal to ask at",
      "have it sent with --request-only, then give it with --code N (or --code - to read it from standard input).",
    );
  }
  const passphrase = await newPassphrase(context, "SOTTO_PASSPHRASE");
  const { register } = await import("@sotto/client/node");
  const self = await register({
    ...choice,
    home: context.home,
    identifier,
    passphrase,
    code: codeSource(context, flags.code, identifier),
  });
  if (context.json) {
    await printJson(context.io, {
      type: "registered",
      identifier: self.identifier,
      account_id: self.accountId,
      device_id: self.deviceId,
      server: self.serverOrigin,
      server_fingerprint: self.serverFingerprint,
      home: context.home,
    });
    return;
  }
  await printLine(context.io, `Registered ${self.identifier} at ${self.serverOrigin}.`);
  await remark(
    context.io,
    `Your account is in ${context.home}. Next: sotto send +15551230002 "Hello", or sotto chat.`,
  );
}

async function chooseIdentifier(context: Context, flags: RegisterFlags): Promise<Identifier> {
  if (flags.phone !== undefined && flags.email !== undefined) {
    throw usageFailure("--phone and --email exclude each other", "an account has one of them.");
  }
  if (flags.phone !== undefined) return checked(flags.phone, "phone");
  if (flags.email !== undefined) return checked(flags.email, "email");
  if (!canAsk(context.io)) {
    throw usageFailure(
      "the phone number is missing, and there is no terminal to ask at",
      "give --phone +15551230001 or --email ann@example.org.",
    );
  }
  return parseIdentifier(await ask(context.io, "Your phone number (+15551230001) or e-mail address:"));
}

function checked(text: string, flag: "phone" | "email"): Identifier {
  const identifier = parseIdentifier(text);
  if (identifier.includes("@") === (flag === "email")) return identifier;
  throw new Failure(
    "identifier_invalid",
    `--${flag} does not look like ${flag === "email" ? "an e-mail address" : "a phone number"}`,
    "a phone number goes with --phone +15551230001, an e-mail address with --email ann@example.org.",
  );
}

async function requestOnly(context: Context, choice: ServerChoice, identifier: Identifier): Promise<void> {
  const { requestCode } = await import("@sotto/client/node");
  const { expiresInSec, resendAfterSec } = await requestCode({ ...choice, identifier });
  if (context.json) {
    const members = { identifier, expires_in_sec: expiresInSec, resend_after_sec: resendAfterSec };
    await printJson(context.io, { type: "code_requested", ...members });
    return;
  }
  await printLine(
    context.io,
    `A code is on its way to ${identifier}; it works for ${Math.round(expiresInSec / 60)} minutes.`,
  );
  await remark(context.io, "Next: the same command with --code N instead of --request-only.");
}

/** The code itself, or how to get it once the server has sent it. */
function codeSource(
  context: Context,
  code: string | undefined,
  identifier: Identifier,
): string | (() => Promise<string>) {
  if (code !== undefined && code !== "-") return code.trim();
  if (code === "-") return () => readLine(context);
  return () => ask(context.io, `The six digits that the server sent to ${identifier}:`);
}

async function readLine(context: Context): Promise<string> {
  let text = "";
  for await (const chunk of context.io.stdin) {
    text += String(chunk);
    if (text.includes("\n") || text.length > 100) break;
  }
  return (text.split("\n")[0] ?? "").trim();
}
