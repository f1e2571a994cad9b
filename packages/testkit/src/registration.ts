/** RegistrationService by plain HTTP, as curl would: sealed requests made by hand, and their answers opened. */
import {
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  create,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type CryptoProvider,
  type SealedMethod,
  type SealedRequest,
  sealRequest,
  verifyServerKey,
} from "@sotto/crypto";
import {
  RegisterPayloadSchema,
  RequestCodePayloadSchema,
  RequestCodeResultSchema,
  SottoError,
  parseBase64,
  toBase64,
} from "@sotto/protocol";
import type { Person } from "./person.ts";

/** What people know of a server. */
export interface ServerFacts {
  /** http://host:port */
  readonly origin: string;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of it, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/** POSTs JSON to a method of the service; the status and the answer's JSON (or text). */
export async function post(
  origin: string,
  method: string,
  body: string,
): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${origin}/sotto.v1.RegistrationService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const text = await response.text();
  try {
    return { status: response.status, json: JSON.parse(text) as unknown };
  } catch {
    return { status: response.status, json: text };
  }
}

/** Asks a server for its key and trusts the answer: for tests that start the server themselves. */
export async function learnServer(provider: CryptoProvider, origin: string): Promise<ServerFacts> {
  const { json } = await post(origin, "GetServer", "{}");
  const publicKey = parseBase64((json as { publicKey: string }).publicKey) ?? new Uint8Array();
  return { origin, publicKey, fingerprint: await provider.sha256(publicKey) };
}

/** A sealed request that can be sent as often as one likes. */
export interface Prepared {
  readonly method: SealedMethod;
  readonly body: string;
  readonly request: SealedRequest;
}

/** Seals a payload. */
export async function prepare(
  provider: CryptoProvider,
  server: ServerFacts,
  method: SealedMethod,
  payload: Uint8Array,
): Promise<Prepared> {
  const key = await verifyServerKey(provider, server.fingerprint, server.publicKey);
  const request = await sealRequest(provider, key, method, payload);
  const { wrappedSecret, ciphertext } = request.sealed;
  const sealed = { wrappedSecret: toBase64(wrappedSecret), ciphertext: toBase64(ciphertext) };
  return { method, body: JSON.stringify({ sealed }), request };
}

export const requestCodePayload = (identifier: string, forExisting = false): Uint8Array =>
  toBinary(RequestCodePayloadSchema, create(RequestCodePayloadSchema, { identifier, forExisting }));

export const registerPayload = (person: Person, code: string, identifier = person.identifier): Uint8Array => {
  const deviceList = person.lists[0];
  if (deviceList === undefined) throw new Error("no device list");
  return toBinary(RegisterPayloadSchema, create(RegisterPayloadSchema, { identifier, code, deviceList }));
};

/** Sends a prepared request: the result's bytes, or the code of the refusal (inside the seal or outside of it). */
export async function submit(server: ServerFacts, prepared: Prepared): Promise<Uint8Array | string> {
  const { status, json } = await post(server.origin, prepared.method, prepared.body);
  if (status !== 200) return problemCode(json) ?? `HTTP ${status}`;
  const answer = parseBase64((json as { answer: string }).answer) ?? new Uint8Array();
  try {
    return await prepared.request.openAnswer(answer);
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
}

/** The code of the Problem in a Connect error. */
export function problemCode(json: unknown): string | undefined {
  const details = (json as { details?: { debug?: { code?: string } }[] } | undefined)?.details;
  return details?.[0]?.debug?.code;
}

/** Asks for a code. "ok", or the code of the refusal. */
export async function requestCode(
  provider: CryptoProvider,
  server: ServerFacts,
  identifier: string,
  forExisting = false,
): Promise<string> {
  const answer = await submit(
    server,
    await prepare(provider, server, "RequestCode", requestCodePayload(identifier, forExisting)),
  );
  if (typeof answer === "string") return answer;
  fromBinary(RequestCodeResultSchema, answer);
  return "ok";
}

/** Seals a payload, sends it and reads the result; or the code of the refusal. */
export async function callSealed<Payload extends DescMessage, Result extends DescMessage>(
  provider: CryptoProvider,
  server: ServerFacts,
  method: SealedMethod,
  payload: { readonly schema: Payload; readonly value: MessageInitShape<Payload> },
  result: Result,
): Promise<MessageShape<Result> | string> {
  const bytes = toBinary(payload.schema, create(payload.schema, payload.value));
  const answer = await submit(server, await prepare(provider, server, method, bytes));
  return typeof answer === "string" ? answer : fromBinary(result, answer);
}

/** Registers somebody with a code. "ok", or the code of the refusal. @param identifier claimed instead of their own */
export async function register(
  provider: CryptoProvider,
  server: ServerFacts,
  person: Person,
  code: string,
  identifier?: string,
): Promise<string> {
  const payload = registerPayload(person, code, identifier);
  const answer = await submit(server, await prepare(provider, server, "Register", payload));
  return typeof answer === "string" ? answer : "ok";
}
