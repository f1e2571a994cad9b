/**
 * Proves that the server holds its key: a fresh Ed25519 challenge key, certified by the RSA key, signs the challenges.
 * The challenge key lives in memory only and is replaced every day; its certificate holds for five more.
 * @see spec/PROTOCOL.md "Signing in"
 */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { LABELS, ServerCertificateBodySchema, ServerCertificateSchema, labelled } from "@sotto/protocol";
import type { ChallengerPort } from "../core/session/ports.ts";
import type { ServerKey } from "./server-key.ts";

const lifetimeSec = 7 * 86_400;
const replaceAfterSec = 86_400;
// The certificate begins two days before our clock, for clients whose clocks are behind: they can sign in, and are told.
const backdatedSec = 2 * 86_400;

interface ChallengeKey {
  readonly privateKey: KeyObject;
  /** A serialized ServerCertificate. */
  readonly certificate: Uint8Array;
  readonly madeAtSec: number;
}

/** The server's challenger. */
export class Challenger implements ChallengerPort {
  readonly fingerprint: Uint8Array;
  readonly #serverKey: ServerKey;
  readonly #nowMs: () => number;
  #key: ChallengeKey;

  constructor(serverKey: ServerKey, nowMs: () => number) {
    this.fingerprint = serverKey.fingerprint;
    this.#serverKey = serverKey;
    this.#nowMs = nowMs;
    this.#key = this.#make();
  }

  /** The certificate of the key that the next `sign` uses, serialized. */
  certificate(): Uint8Array {
    const ageSec = Math.floor(this.#nowMs() / 1000) - this.#key.madeAtSec;
    // A clock that was set back would make a certificate that is not valid yet.
    if (ageSec >= replaceAfterSec || ageSec < 0) this.#key = this.#make();
    return this.#key.certificate;
  }

  sign(data: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, data, this.#key.privateKey));
  }

  #make(): ChallengeKey {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const madeAtSec = Math.floor(this.#nowMs() / 1000);
    const notBeforeSec = madeAtSec - backdatedSec;
    const body = toBinary(
      ServerCertificateBodySchema,
      create(ServerCertificateBodySchema, {
        // The last 32 bytes of the SubjectPublicKeyInfo are the key itself (RFC 8410 §4).
        challengeKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" }).subarray(-32)),
        notBeforeSec: BigInt(notBeforeSec),
        notAfterSec: BigInt(notBeforeSec + lifetimeSec),
      }),
    );
    const signature = this.#serverKey.sign(labelled(LABELS.serverCertificate, body));
    const certificate = toBinary(
      ServerCertificateSchema,
      create(ServerCertificateSchema, { body, signature }),
    );
    return { privateKey, madeAtSec, certificate };
  }
}
