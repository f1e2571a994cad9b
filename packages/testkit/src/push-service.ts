/**
 * A push service of the test's own (RFC 8030): it stands for the browser's, and for the browser itself, whose keys it holds. Each message is
 * checked as those would do it: the server's token by its signature (RFC 8292), the body by decrypting it (RFC 8291), both by WebCrypto,
 * while the server uses node:crypto.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const { subtle } = globalThis.crypto;
const curve = { name: "ECDH", namedCurve: "P-256" } as const;
const [saltBytes, keyBytes, headerBytes] = [16, 65, 86];
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const fromBase64Url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.from(text, "base64url"));

/** A subscription, as a browser makes it. */
export interface TestSubscription {
  readonly endpoint: string;
  readonly p256dh: Uint8Array;
  readonly auth: Uint8Array;
}

/** A message that came, and was found right. */
export interface PushedMessage {
  readonly endpoint: string;
  readonly plaintext: Uint8Array;
  /** The key that signed the token: 65 bytes. */
  readonly serverKey: Uint8Array;
  /** Of the token. */
  readonly subject: string;
  readonly ttlSec: number;
  readonly urgency: string | undefined;
  readonly topic: string | undefined;
}

/** A running service. */
export class TestPushService {
  /** Messages that came, and were right. */
  readonly received: PushedMessage[] = [];
  /** What was wrong with others. */
  readonly problems: string[] = [];
  /** What is answered next; then 201 again. */
  readonly answers: { readonly status: number; readonly headers?: Readonly<Record<string, string>> }[] = [];
  readonly #server: Server;
  readonly #keys = new Map<
    string,
    { readonly keys: CryptoKeyPair; readonly auth: Uint8Array<ArrayBuffer> }
  >();
  #subscriptions = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  /** Starts one on this machine, without TLS. */
  static async start(): Promise<TestPushService> {
    const service = new TestPushService();
    service.#server.listen(0, "127.0.0.1");
    await once(service.#server, "listening");
    return service;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** As a browser subscribes. */
  async subscribe(): Promise<TestSubscription> {
    const keys = (await subtle.generateKey(curve, true, ["deriveBits"])) as CryptoKeyPair;
    const auth = globalThis.crypto.getRandomValues(new Uint8Array(saltBytes));
    const path = `/push/${++this.#subscriptions}`;
    this.#keys.set(path, { keys, auth });
    const p256dh = new Uint8Array(await subtle.exportKey("raw", keys.publicKey));
    return { endpoint: this.origin + path, p256dh, auth };
  }

  /** As many as came, once there are so many. @throws after ten seconds. */
  async messages(count: number): Promise<readonly PushedMessage[]> {
    for (let tries = 0; this.received.length < count; tries++) {
      if (tries === 200) {
        throw new Error(`${this.received.length} came, not ${count}; ${this.problems.join(", ")}`);
      }
      await new Promise((later) => setTimeout(later, 50));
    }
    return this.received;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const status = await this.#take(request);
    const answer = status === 201 ? this.answers.shift() : undefined;
    response.writeHead(answer?.status ?? status, answer?.headers).end();
  }

  async #take(request: IncomingMessage): Promise<number> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { url = "", headers } = request;
      const known = this.#keys.get(url);
      if (known === undefined) return 404;
      if (headers["content-encoding"] !== "aes128gcm") throw new Error("not aes128gcm");
      const { serverKey, subject } = await this.#checkToken(headers.authorization ?? "");
      const plaintext = await decrypt(Uint8Array.from(Buffer.concat(chunks)), known.keys, known.auth);
      this.received.push({
        endpoint: this.origin + url,
        plaintext,
        serverKey,
        subject,
        ttlSec: Number(headers["ttl"]),
        urgency: headers["urgency"] as string | undefined,
        topic: headers["topic"] as string | undefined,
      });
      return 201;
    } catch (cause) {
      this.problems.push(String(cause));
      return 400;
    }
  }

  async #checkToken(authorization: string): Promise<{ serverKey: Uint8Array; subject: string }> {
    const [, token = "", key = ""] = /^vapid t=(\S+), k=(\S+)$/.exec(authorization) ?? [];
    const [header = "", claims = "", signature = ""] = token.split(".");
    const serverKey = fromBase64Url(key);
    const verifier = await subtle.importKey("raw", serverKey, { name: "ECDSA", namedCurve: "P-256" }, false, [
      "verify",
    ]);
    const right = await subtle.verify(
      { name: "ECDSA", hash: "SHA-256" },
      verifier,
      fromBase64Url(signature),
      utf8(`${header}.${claims}`),
    );
    if (!right) throw new Error("the token's signature is wrong");
    const { alg } = JSON.parse(Buffer.from(header, "base64url").toString());
    const { aud, exp, sub } = JSON.parse(Buffer.from(claims, "base64url").toString());
    if (alg !== "ES256" || aud !== this.origin) throw new Error("the token is for another service");
    const leftSec = exp - Date.now() / 1000;
    if (leftSec < 0 || leftSec > 86_400) throw new Error("the token is too old, or for too long");
    if (!/^(?:mailto:|https:)/.test(sub)) throw new Error("nobody can be reached");
    return { serverKey, subject: sub };
  }
}

/** RFC 8291, section 3.4, and RFC 8188, for one record. */
async function decrypt(
  body: Uint8Array<ArrayBuffer>,
  keys: CryptoKeyPair,
  auth: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const salt = body.slice(0, saltBytes);
  if (body[saltBytes + 4] !== keyBytes) throw new Error("the key has another length");
  const theirs = body.slice(saltBytes + 5, headerBytes);
  const publicKey = await subtle.importKey("raw", theirs, curve, false, []);
  const shared = await subtle.deriveBits({ name: "ECDH", public: publicKey }, keys.privateKey, 256);
  const ours = new Uint8Array(await subtle.exportKey("raw", keys.publicKey));
  const derive = async (secret: BufferSource, salt: BufferSource, info: BufferSource, bits: number) => {
    const base = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
    return subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, base, bits);
  };
  const info = Uint8Array.from(Buffer.concat([utf8("WebPush: info\0"), ours, theirs]));
  const secret = await derive(shared, auth, info, 256);
  const key = await derive(secret, salt, utf8("Content-Encoding: aes128gcm\0"), 128);
  const iv = await derive(secret, salt, utf8("Content-Encoding: nonce\0"), 96);
  const opener = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const record = new Uint8Array(
    await subtle.decrypt({ name: "AES-GCM", iv }, opener, body.slice(headerBytes)),
  );
  const end = record.findLastIndex((byte) => byte !== 0);
  if (record[end] !== 2) throw new Error("the record does not end as the last one does");
  return record.subarray(0, end);
}
