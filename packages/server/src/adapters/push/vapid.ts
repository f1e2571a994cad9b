/** How a server names itself to push services (RFC 8292): a token signed by its P-256 key, for one service and half a day. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";

const lifetimeSec = 43_200;
const coordinateBytes = 32;

/** Makes a private key, as PEM (PKCS #8). */
export function generateVapidPem(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/** The server's key for push services. */
export class VapidKey {
  /** An uncompressed point: 65 bytes. */
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  /** @throws when it is not a P-256 key in PEM. */
  constructor(pem: string) {
    this.#key = createPrivateKey(pem);
    const { crv, x, y } = createPublicKey(this.#key).export({ format: "jwk" });
    if (crv !== "P-256" || x === undefined || y === undefined) throw new TypeError("not a P-256 key");
    this.publicKey = Buffer.concat([Buffer.of(4), coordinate(x), coordinate(y)]);
  }

  /** The value of `Authorization` for a service. @param subject who runs the server: an https or mailto URL. */
  authorization(endpoint: string, subject: string, nowSec: number): string {
    const claims = { aud: new URL(endpoint).origin, exp: nowSec + lifetimeSec, sub: subject };
    const signed = `${json({ typ: "JWT", alg: "ES256" })}.${json(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: this.#key, dsaEncoding: "ieee-p1363" });
    const key = Buffer.from(this.publicKey).toString("base64url");
    return `vapid t=${signed}.${signature.toString("base64url")}, k=${key}`;
  }
}

const json = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const coordinate = (text: string): Buffer => {
  const bytes = Buffer.from(text, "base64url");
  return Buffer.concat([Buffer.alloc(coordinateBytes - bytes.length), bytes]);
};
