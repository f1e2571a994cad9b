/** Which server, and which key it must have: from flags, environment or the person at the terminal. */
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { parseFingerprint, parseServerAddress } from "@sotto/protocol";
import type { ServerChoice } from "@sotto/client";
import type { Context } from "./context.ts";
import { Failure, Interrupted, usageFailure } from "./errors.ts";
import { canAsk } from "./io/io.ts";
import { remark } from "./io/output.ts";
import { ask, confirm } from "./io/prompt.ts";

/** What register was given. */
interface ServerFlags {
  readonly server?: string;
  readonly serverKey?: string;
}

/** The server with its pinned key. @throws Failure `usage` when no key is known and nobody can be asked. */
export async function chooseServer(context: Context, flags: ServerFlags): Promise<ServerChoice> {
  const server = await serverAddress(context, flags.server ?? context.io.env["SOTTO_SERVER"]);
  const { origin, fingerprint } = parseServerAddress(server);
  const given = flags.serverKey ?? context.io.env["SOTTO_SERVER_KEY"];
  if (given !== undefined && given !== "") return { server, serverKey: readServerKey(given) };
  if (fingerprint !== undefined) return { server };
  return { server, serverKey: await trustOnFirstUse(context, origin) };
}

async function serverAddress(context: Context, given: string | undefined): Promise<string> {
  if (given !== undefined && given !== "") return given;
  if (!canAsk(context.io)) {
    throw usageFailure(
      "the server is missing, and there is no terminal to ask at",
      "give --server URL, or set the environment variable SOTTO_SERVER.",
    );
  }
  return await ask(context.io, "Invite link or address of the server:");
}

/** A fingerprint as it is, or the text of the file with the public key. */
function readServerKey(given: string): string {
  if (parseFingerprint(given) !== undefined) return given.trim();
  if (!existsSync(given)) {
    throw usageFailure(
      "the server's key is neither a fingerprint (43 characters) nor a file",
      "take the fingerprint that 'sotto serve' prints, or its server_public_key.pem.",
    );
  }
  return readFileSync(given, "utf8");
}

async function trustOnFirstUse(context: Context, origin: string): Promise<string> {
  const { fetchServerFacts } = await import("@sotto/client/node");
  const { fingerprint } = await fetchServerFacts({ server: origin });
  if (canAsk(context.io)) {
    await remark(context.io, `The server at ${origin} shows this key:\n\n  ${fingerprint}\n`);
    await remark(
      context.io,
      "Compare it with what its operator told you: 'sotto serve' prints it at every start.",
    );
    if (await confirm(context.io, "Is it the same?")) return fingerprint;
    await remark(context.io, "Nothing was sent to the server.");
    throw new Interrupted("SIGINT");
  }
  if (!isLoopback(origin)) {
    throw new Failure(
      "usage",
      "the server's key is not known, and there is no terminal to ask at",
      "give --server-key FINGERPRINT (SOTTO_SERVER_KEY), or the whole invite link with --server.",
    );
  }
  const warning = `the key of the server on this machine was not known, and is trusted from now on: ${fingerprint}`;
  await remark(
    context.io,
    context.json ? JSON.stringify({ type: "warning", message: warning }) : `Note: ${warning}`,
  );
  return fingerprint;
}

/** Whether the origin is this very machine, where nobody stands between. */
export function isLoopback(origin: string): boolean {
  const host = new URL(origin).hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
