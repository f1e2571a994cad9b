/**
 * What is inside a classic message: JSON of type text, receipt or typing. `id`, `from` and `n` are Sotto's optional
 * extensions; members that are not known are passed over, types that are not known are reported as such, so that people
 * see that something came.
 * @see spec/PROTOCOL.md "The classic suite"
 */
import { CodecError, LIMITS, UsageError, parseBase64, toBase64, utf8 } from "@sotto/protocol";
import { parseStrictJson } from "./strict-json.ts";

/** What every plaintext may carry. */
interface Claims {
  /** Identifier of the sender, as the sender says: believe it only after looking it up. */
  readonly from?: string;
}

/** What every stored plaintext may carry. */
interface Numbered extends Claims {
  /** 1, 2, 3 … per pair of devices, over texts and receipts. */
  readonly n?: number;
}

export interface ClassicText extends Numbered {
  readonly type: "text";
  readonly body: string;
  /** 32 hexadecimal digits in lower case. */
  readonly id?: string;
}

export interface ClassicReceipt extends Numbered {
  readonly type: "receipt";
  readonly status: "delivered" | "read";
  /** SHA-256 of the signatures of the messages meant, 32 bytes each. */
  readonly of: readonly Uint8Array[];
}

export interface ClassicTyping extends Claims {
  readonly type: "typing";
}

/** A type that this version does not know. */
export interface ClassicUnknown extends Numbered {
  readonly type: "unknown";
  /** The type's name as it came, at most 64 characters. */
  readonly name: string;
  readonly id?: string;
}

/** A plaintext that can be sent. */
export type ClassicPlaintext = ClassicText | ClassicReceipt | ClassicTyping;

// A text of nothing but control characters takes six bytes each.
const maxBytes = 6 * LIMITS.maxTextBytes + 4_096;
const maxNameLength = 64;
const hashBytes = 32;

/** JSON in UTF-8. @throws UsageError `message_too_large` for a body over LIMITS.maxTextBytes, `usage` for other bounds. */
export function encodeClassicPlaintext(plaintext: ClassicPlaintext): Uint8Array {
  const value = plaintext.type === "receipt" ? { ...plaintext, of: plaintext.of.map(toBase64) } : plaintext;
  const bytes = utf8(JSON.stringify(value));
  if (plaintext.type === "text" && utf8(plaintext.body).length > LIMITS.maxTextBytes) {
    throw new UsageError("message_too_large", `a text has at most ${LIMITS.maxTextBytes} bytes`);
  }
  try {
    parseClassicPlaintext(bytes);
  } catch (cause) {
    throw new UsageError("usage", "a message that its reader would refuse", { cause });
  }
  return bytes;
}

/** Reads the plaintext of a verified message. @throws CodecError `message_refused`. */
export function parseClassicPlaintext(bytes: Uint8Array): ClassicPlaintext | ClassicUnknown {
  const value = parseStrictJson(bytes, { maxBytes, maxDepth: 16, naturalNumbersOnly: false });
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused("is no JSON object");
  const object = value as Record<string, unknown>;
  const from = optional(object, "from", isIdentifierText);
  const n = optional(object, "n", isCounter);
  const claims = { ...(from !== undefined && { from }) };
  const numbered = { ...claims, ...(n !== undefined && { n }) };
  switch (object.type) {
    case "text": {
      const { body } = object;
      if (typeof body !== "string") throw refused("has no body");
      if (utf8(body).length > LIMITS.maxTextBytes) throw refused("has a body that is too long");
      return { type: "text", body, ...idOf(object), ...numbered };
    }
    case "receipt": {
      const { status } = object;
      if (status !== "delivered" && status !== "read") throw refused("has an unknown status");
      return { type: "receipt", status, of: hashesOf(object.of), ...numbered };
    }
    case "typing":
      return { type: "typing", ...claims };
    default: {
      const name = object.type;
      if (typeof name !== "string" || name.length > maxNameLength) throw refused("has no type");
      return { type: "unknown", name, ...idOf(object), ...numbered };
    }
  }
}

function idOf(object: Record<string, unknown>): { id?: string } {
  const id = optional(object, "id", isMessageId);
  return id === undefined ? {} : { id };
}

function hashesOf(value: unknown): Uint8Array[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > LIMITS.maxReceiptsPerMessage) {
    throw refused("names no messages, or too many");
  }
  return value.map((text: unknown) => {
    const hash = typeof text === "string" ? parseBase64(text) : undefined;
    if (hash?.length !== hashBytes) throw refused("names a message by something else than a hash");
    return hash;
  });
}

function optional<T>(
  object: Record<string, unknown>,
  member: string,
  fits: (value: unknown) => value is T,
): T | undefined {
  if (!Object.hasOwn(object, member)) return undefined;
  const value = object[member];
  if (!fits(value)) throw refused(`has a wrong ${member}`);
  return value;
}

function isMessageId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
}

function isIdentifierText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && utf8(value).length <= LIMITS.maxIdentifierBytes;
}

function isCounter(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}

function refused(what: string): CodecError {
  return new CodecError("message_refused", `the content of a message ${what}`);
}
