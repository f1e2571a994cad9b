/** RegistrationService over HTTP: Connect's binary form, with requests sealed as registration.proto tells. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  hkdfSync,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { Agent, request } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AnswerSchema,
  GetServerResponseSchema,
  LABELS,
  type Label,
  RegisterRequestSchema,
  RegisterResponseSchema,
  SealedSchema,
  utf8,
} from "@sotto/protocol";
import { sourceAddress } from "./websocket.ts";

const nonce = new Uint8Array(12);

/** Calls a server's RegistrationService. */
export class RegistrationClient {
  readonly #port: number;
  readonly #publicKey: Buffer;
  readonly #agents = new Map<string, Agent>();
  /** SHA-256 of the server's SubjectPublicKeyInfo, 32 bytes. */
  readonly serverFingerprint: Buffer;

  private constructor(port: number, publicKey: Buffer) {
    this.#port = port;
    this.#publicKey = publicKey;
    this.serverFingerprint = createHash("sha256").update(publicKey).digest();
  }

  static async connect(port: number): Promise<RegistrationClient> {
    const agent = new Agent();
    const bytes = await post(port, "GetServer", new Uint8Array(), agent, "127.0.0.1");
    agent.destroy();
    return new RegistrationClient(port, Buffer.from(fromBinary(GetServerResponseSchema, bytes).publicKey));
  }

  /** Seals a payload, sends it, opens the answer. The user decides the address that it comes from. */
  async call(user: number, method: "RequestCode" | "Register", payload: Uint8Array): Promise<Uint8Array> {
    const secret = randomBytes(32);
    const wrappedSecret = publicEncrypt(
      {
        key: createPublicKey({ key: this.#publicKey, format: "der", type: "spki" }),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: "sha256",
      },
      secret,
    );
    const cipher = createCipheriv("aes-256-gcm", derive(secret, LABELS.registrationRequest), nonce);
    cipher.setAAD(utf8(method));
    const ciphertext = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
    // RequestCode and Register have messages of the same form.
    const body = toBinary(
      RegisterRequestSchema,
      create(RegisterRequestSchema, { sealed: create(SealedSchema, { wrappedSecret, ciphertext }) }),
    );
    const address = sourceAddress(user);
    const agent = this.#agents.get(address) ?? new Agent({ keepAlive: true });
    this.#agents.set(address, agent);
    const response = fromBinary(RegisterResponseSchema, await post(this.#port, method, body, agent, address));
    return openAnswer(secret, method, response.answer);
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }
}

function openAnswer(secret: Buffer, method: string, answer: Uint8Array): Uint8Array {
  const [salt, sealed] = [answer.subarray(0, 32), answer.subarray(32)];
  const decipher = createDecipheriv("aes-256-gcm", derive(secret, LABELS.registrationResponse, salt), nonce);
  decipher.setAAD(utf8(method));
  decipher.setAuthTag(sealed.subarray(-16));
  const plaintext = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  const { outcome } = fromBinary(AnswerSchema, plaintext);
  if (outcome.case === "ok") return outcome.value;
  throw new Error(`${method}: ${outcome.value?.code} ${outcome.value?.message}`);
}

function derive(secret: Buffer, label: Label, salt: Uint8Array = new Uint8Array()): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, salt, label, 32));
}

/** An idle connection may end at the moment in which it is used again. */
class ReusedSocketError extends Error {}

async function post(...request: Parameters<typeof postOnce>): Promise<Uint8Array> {
  for (;;) {
    try {
      return await postOnce(...request);
    } catch (error) {
      if (!(error instanceof ReusedSocketError)) throw error;
    }
  }
}

function postOnce(
  port: number,
  method: string,
  body: Uint8Array,
  agent: Agent,
  localAddress: string,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        path: `/sotto.v1.RegistrationService/${method}`,
        method: "POST",
        agent,
        localAddress,
        headers: { "content-type": "application/proto", "connect-protocol-version": "1" },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          const bytes = Buffer.concat(chunks);
          if (response.statusCode === 200) resolve(bytes);
          else reject(new Error(`${method}: HTTP ${response.statusCode} ${bytes.toString("utf8")}`));
        });
      },
    );
    sent.once("error", (error) => reject(sent.reusedSocket ? new ReusedSocketError(error.message) : error));
    sent.end(body);
  });
}
