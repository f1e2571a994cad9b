/** Calls RegistrationService as curl would: JSON over HTTP, sealed by node:crypto alone, step by step as the specification says. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  hkdfSync,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AnswerSchema,
  RegisterPayloadSchema,
  RegisterResultSchema,
  RequestCodePayloadSchema,
  RequestCodeResultSchema,
  type Answer,
  type SignedDeviceList,
} from "@sotto/protocol";

export type Method = "RequestCode" | "Register";

/** A sealed request as it travels, and what opens its answer. */
export interface SealedRequest {
  readonly body: { sealed: { wrappedSecret: string; ciphertext: string } };
  readonly secret: Uint8Array;
}

const derive = (
  secret: Uint8Array,
  what: "request" | "response",
  salt: Uint8Array = new Uint8Array(),
): Uint8Array => new Uint8Array(hkdfSync("sha256", secret, salt, `sotto/registration/${what}/v1`, 32));

export function seal(publicKey: Uint8Array, method: string, payload: Uint8Array): SealedRequest {
  const secret = randomBytes(32);
  const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
  const wrapped = publicEncrypt(
    { key, oaepHash: "sha256", padding: constants.RSA_PKCS1_OAEP_PADDING },
    secret,
  );
  const cipher = createCipheriv("aes-256-gcm", derive(secret, "request"), Buffer.alloc(12));
  cipher.setAAD(Buffer.from(method));
  const ciphertext = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  const sealed = { wrappedSecret: wrapped.toString("base64"), ciphertext: ciphertext.toString("base64") };
  return { body: { sealed }, secret };
}

function openAnswer(secret: Uint8Array, method: Method, answer: Uint8Array): Answer {
  const [salt, bytes] = [answer.subarray(0, 32), answer.subarray(32)];
  const decipher = createDecipheriv("aes-256-gcm", derive(secret, "response", salt), Buffer.alloc(12));
  decipher.setAAD(Buffer.from(method));
  decipher.setAuthTag(bytes.subarray(-16));
  const plain = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
  return fromBinary(AnswerSchema, plain);
}

export async function post(origin: string, method: string, body: unknown): Promise<Response> {
  return fetch(`${origin}/sotto.v1.RegistrationService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The server's public key as GetServer tells it. */
export async function serverKey(origin: string): Promise<Uint8Array> {
  const facts = (await (await post(origin, "GetServer", {})).json()) as { publicKey: string };
  return Buffer.from(facts.publicKey, "base64");
}

/** "ok" or the refusal's code, with the length of the sealed answer. */
export interface Outcome {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs: number;
  readonly answerBytes: number;
  readonly value: Uint8Array;
}

export async function sendSealed(origin: string, method: Method, request: SealedRequest): Promise<Outcome> {
  const response = await post(origin, method, request.body);
  const json = (await response.json()) as { answer?: string };
  if (json.answer === undefined) throw new Error(`no answer: ${JSON.stringify(json)}`);
  const bytes = Buffer.from(json.answer, "base64");
  const { outcome } = openAnswer(request.secret, method, bytes);
  const problem = outcome.case === "problem" ? outcome.value : undefined;
  return {
    code: problem?.code ?? "ok",
    message: problem?.message ?? "",
    retryAfterMs: Number(problem?.retryAfterMs ?? 0),
    answerBytes: bytes.length,
    value: outcome.case === "ok" ? outcome.value : new Uint8Array(),
  };
}

export const codePayload = (identifier: string): Uint8Array =>
  toBinary(RequestCodePayloadSchema, create(RequestCodePayloadSchema, { identifier }));

export const registerPayload = (identifier: string, code: string, deviceList: SignedDeviceList): Uint8Array =>
  toBinary(RegisterPayloadSchema, create(RegisterPayloadSchema, { identifier, code, deviceList }));

export async function requestCode(origin: string, identifier: string): Promise<Outcome> {
  return sendSealed(
    origin,
    "RequestCode",
    seal(await serverKey(origin), "RequestCode", codePayload(identifier)),
  );
}

export async function register(
  origin: string,
  identifier: string,
  code: string,
  deviceList: SignedDeviceList,
): Promise<Outcome> {
  const payload = registerPayload(identifier, code, deviceList);
  return sendSealed(origin, "Register", seal(await serverKey(origin), "Register", payload));
}

export const codeResult = (bytes: Uint8Array) => fromBinary(RequestCodeResultSchema, bytes);
export const registerResult = (bytes: Uint8Array) => fromBinary(RegisterResultSchema, bytes);
