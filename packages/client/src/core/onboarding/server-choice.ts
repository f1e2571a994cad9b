/** Which server, and how its key is known: from an invite link, a fingerprint, or the key itself. */
import {
  exportPublicKey,
  fingerprintOf,
  importPublicKey,
  verifyServerKey,
  type ServerKey,
} from "@sotto/crypto";
import {
  UsageError,
  equalBytes,
  formatFingerprint,
  parseFingerprint,
  parseServerAddress,
  type ServerAddress,
} from "@sotto/protocol";
import type { ServerChoice } from "../../api.ts";
import { checkClock } from "../clock.ts";
import type { Env } from "../env.ts";
import type { Transport } from "../transport.ts";
import type { OnboardingWorld } from "./world.ts";

/** What a server says of itself, before anything of it is trusted. */
export interface PublicServerFacts {
  /** `https://host[:port]`. */
  readonly origin: string;
  /** SHA-256 of the server's public key: 43 characters of base64url. */
  readonly fingerprint: string;
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string;
  readonly version: string;
  readonly protocolVersion: number;
  readonly serverTimeMs: number;
  readonly registrationOpen: boolean;
  readonly classicAllowed: boolean;
}

/** A server whose key is the expected one. */
export interface TrustedServer {
  readonly origin: string;
  readonly transport: Transport;
  readonly serverKey: ServerKey;
}

/** What reaching a server takes. */
type ServerWorld = Pick<OnboardingWorld, "env" | "transportTo">;

/** Asks a server for its public facts. @throws as fetchServerFacts in node.ts. */
export async function factsOf(
  { env, transportTo }: ServerWorld,
  choice: ServerChoice,
): Promise<PublicServerFacts> {
  const { origin, fingerprint } = await resolve(env, choice);
  const { publicKey, ...facts } = await transportTo(origin).getServer();
  const actual = await fingerprintOf(env.crypto, publicKey);
  const key = await verifyServerKey(env.crypto, fingerprint ?? actual, publicKey);
  return {
    origin,
    fingerprint: formatFingerprint(key.fingerprint),
    publicKeyPem: exportPublicKey(publicKey),
    ...facts,
  };
}

/**
 * Gets a server's key and holds it against what is known.
 * @throws UsageError `usage` when nothing is known, `clock_wrong`; CryptoError `server_key_mismatch`.
 */
export async function trustServer(
  { env, transportTo }: ServerWorld,
  choice: ServerChoice,
): Promise<TrustedServer> {
  const { origin, fingerprint } = await resolve(env, choice);
  if (fingerprint === undefined) {
    throw new UsageError(
      "usage",
      "the server's key must be known: give its fingerprint, its public key, or an invite link",
    );
  }
  const transport = transportTo(origin);
  const askedAtMs = env.nowMs();
  const { publicKey, serverTimeMs } = await transport.getServer();
  const serverKey = await verifyServerKey(env.crypto, fingerprint, publicKey);
  checkClock(serverTimeMs, askedAtMs, env.nowMs());
  return { origin, transport, serverKey };
}

async function resolve(env: Env, { server, serverKey }: ServerChoice): Promise<ServerAddress> {
  const address = parseServerAddress(server);
  if (serverKey === undefined) return address;
  const fingerprint = serverKey.includes("-----BEGIN")
    ? await fingerprintOf(env.crypto, importPublicKey(serverKey))
    : parseFingerprint(serverKey);
  if (fingerprint === undefined) {
    throw new UsageError(
      "usage",
      "the server's key must be a fingerprint (43 characters) or a public key in PEM",
    );
  }
  if (address.fingerprint !== undefined && !equalBytes(address.fingerprint, fingerprint)) {
    throw new UsageError("usage", "the invite link and the server key name different keys");
  }
  return { origin: address.origin, fingerprint };
}
