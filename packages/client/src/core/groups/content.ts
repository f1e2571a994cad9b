/** What application messages hold: `Content` of spec/proto, read and written. Pure. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ContentSchema,
  GroupEntrySchema,
  ID_BYTES,
  LIMITS,
  ReceiptStatus,
  TextSchema,
  UsageError,
  ValidationError,
  decode,
  parseIdentifier,
  toHex,
  utf8,
  type Content,
  type GroupEntry,
  type MessageRef,
  type Text,
} from "@sotto/protocol";
import { checkedAttachments, wireAttachments, type CarriedAttachment } from "../attachments/wire.ts";
import { isDisplayName } from "../display-name.ts";
import { isEmoji } from "../emoji.ts";
import { bytesOf } from "../hex.ts";
import type { MessageName } from "../records.ts";

/** A message's content, checked. Ids in hexadecimal. */
export interface CheckedContent {
  readonly id: string;
  readonly sentAtMs: number;
  /** An identifier in its normal form that the sender claims; undefined when there is none. */
  readonly claim: string | undefined;
  readonly body:
    | TextBody
    | { readonly type: "receipt"; readonly status: "delivered" | "read"; readonly ids: readonly string[] }
    | { readonly type: "leave" }
    | { readonly type: "profile"; readonly name: string; readonly changedAtMs: number }
    | { readonly type: "account-sync"; readonly sync: AccountSyncChange }
    /** `emoji`: empty when it is taken back. */
    | { readonly type: "reaction"; readonly target: MessageName; readonly emoji: string }
    | { readonly type: "edit"; readonly message: string; readonly text: string }
    | { readonly type: "delete"; readonly message: string }
    | { readonly type: "join-refused"; readonly request: string }
    | { readonly type: "group-picture"; readonly image: Uint8Array }
    /** Of a kind that this version does not know. */
    | { readonly type: "unknown" };
}

/** A text as it travels. */
export interface TextBody {
  readonly type: "text";
  readonly text: string;
  readonly replyTo?: MessageName & { readonly excerpt: string };
  readonly forwarded?: true;
  readonly expiresAfterSec?: number;
  readonly attachments?: readonly CarriedAttachment[];
}

type AccountSyncChange = Extract<Content["body"], { case: "accountSync" }>["value"]["change"];

const latestMs = 253_402_300_799_999n;

/** Serializes content. */
export function encodeContent(
  content: Omit<CheckedContent, "body" | "claim"> & {
    readonly from: string;
    readonly body: Exclude<CheckedContent["body"], { readonly type: "unknown" }>;
  },
): Uint8Array {
  return toBinary(
    ContentSchema,
    create(ContentSchema, {
      id: bytesOf(content.id),
      sentAtMs: BigInt(content.sentAtMs),
      from: content.from,
      body: wireBody(content.body),
    }),
  );
}

function wireBody(
  body: Exclude<CheckedContent["body"], { readonly type: "unknown" }>,
): Parameters<typeof create<typeof ContentSchema>>[1] extends infer Init
  ? NonNullable<Init> extends { body?: infer Body }
    ? NonNullable<Body>
    : never
  : never {
  switch (body.type) {
    case "text": {
      const { text, replyTo, forwarded = false, expiresAfterSec = 0, attachments } = body;
      const quote = replyTo && { message: wireName(replyTo), excerpt: replyTo.excerpt };
      const value = {
        body: text,
        forwarded,
        expiresAfterSec,
        ...(quote !== undefined && { replyTo: quote }),
      };
      return attachments === undefined
        ? { case: "text", value }
        : { case: "attachments", value: { text: value, items: wireAttachments(attachments) } };
    }
    case "reaction":
      return { case: "reaction", value: { message: wireName(body.target), emoji: body.emoji } };
    case "edit":
      return { case: "edit", value: { messageId: bytesOf(body.message), body: body.text } };
    case "delete":
      return { case: "delete", value: { messageId: bytesOf(body.message) } };
    case "receipt":
      return {
        case: "receipt",
        value: {
          status: body.status === "read" ? ReceiptStatus.READ : ReceiptStatus.DELIVERED,
          messageIds: body.ids.map(bytesOf),
        },
      };
    case "leave":
      return { case: "leave", value: {} };
    case "group-picture":
      return { case: "groupPicture", value: { image: body.image } };
    case "join-refused":
      return { case: "joinRefused", value: { requestId: bytesOf(body.request) } };
    case "profile":
      return { case: "profile", value: { name: body.name, changedAtMs: BigInt(body.changedAtMs) } };
    case "account-sync":
      return { case: "accountSync", value: { change: body.sync } };
  }
}

const wireName = ({ account, id }: MessageName) => ({ accountId: bytesOf(account), messageId: bytesOf(id) });

/** Reads content. @throws ValidationError `message_refused` (SOTTO-CONTENT-1). */
export function parseContent(bytes: Uint8Array): CheckedContent {
  let content: Content;
  try {
    content = decode(ContentSchema, bytes, LIMITS.maxEntryBytes);
  } catch (cause) {
    throw refused("cannot be decoded", cause);
  }
  if (content.id.length !== ID_BYTES) throw refused("has a malformed id");
  if (content.sentAtMs > latestMs) throw refused("has an impossible time");
  return {
    id: toHex(content.id),
    sentAtMs: Number(content.sentAtMs),
    claim: claimed(content.from),
    body: checkedBody(content),
  };
}

function checkedBody({ body }: Content): CheckedContent["body"] {
  switch (body.case) {
    case "text":
      return checkedText(body.value);
    case "attachments": {
      const { text, items } = body.value;
      return { ...checkedText(text ?? create(TextSchema)), attachments: checkedAttachments(items) };
    }
    case "reaction": {
      const { message, emoji } = body.value;
      if (emoji !== "" && !isEmoji(emoji)) throw refused("is a reaction that is no emoji");
      return { type: "reaction", target: checkedName(message), emoji };
    }
    case "edit":
      return {
        type: "edit",
        message: checkedId(body.value.messageId),
        text: checkedLength(body.value.body),
      };
    case "delete":
      return { type: "delete", message: checkedId(body.value.messageId) };
    case "receipt": {
      const { status, messageIds } = body.value;
      if (status !== ReceiptStatus.DELIVERED && status !== ReceiptStatus.READ) return { type: "unknown" };
      if (messageIds.length > LIMITS.maxReceiptsPerMessage) throw refused("names too many messages");
      return {
        type: "receipt",
        status: status === ReceiptStatus.READ ? "read" : "delivered",
        ids: messageIds.map(checkedId),
      };
    }
    case "leave":
      return { type: "leave" };
    case "groupPicture":
      return { type: "group-picture", image: body.value.image };
    case "joinRefused":
      return { type: "join-refused", request: checkedId(body.value.requestId) };
    case "profile": {
      const { name, changedAtMs } = body.value;
      if (name !== "" && !isDisplayName(name)) throw refused("has a name that is none");
      if (changedAtMs > latestMs) throw refused("has an impossible time");
      return { type: "profile", name, changedAtMs: Number(changedAtMs) };
    }
    case "accountSync":
      return { type: "account-sync", sync: body.value.change };
    default:
      return { type: "unknown" };
  }
}

function checkedText({ body, replyTo, forwarded, expiresAfterSec }: Text): TextBody {
  const text = checkedLength(body);
  if (expiresAfterSec > LIMITS.maxTimerSec) throw refused("is kept too long");
  if (replyTo !== undefined && utf8(replyTo.excerpt).length > LIMITS.maxExcerptBytes) {
    throw refused("quotes too much");
  }
  return {
    type: "text",
    text,
    ...(replyTo !== undefined && {
      replyTo: { ...checkedName(replyTo.message), excerpt: replyTo.excerpt },
    }),
    ...(forwarded && { forwarded }),
    ...(expiresAfterSec > 0 && { expiresAfterSec }),
  };
}

function checkedLength(text: string): string {
  if (utf8(text).length > LIMITS.maxTextBytes) throw refused("is too long a text");
  return text;
}

function checkedName(name: MessageRef | undefined): MessageName {
  if (name === undefined) throw refused("names no message");
  return { account: checkedId(name.accountId), id: checkedId(name.messageId) };
}

function checkedId(id: Uint8Array): string {
  if (id.length !== ID_BYTES) throw refused("names a malformed message");
  return toHex(id);
}

function claimed(from: string): string | undefined {
  try {
    return from !== "" && parseIdentifier(from) === from ? from : undefined;
  } catch {
    return undefined;
  }
}

/** Refuses a text that will never fit. @throws UsageError `message_too_large`. */
export function checkMlsText(text: string): void {
  if (utf8(text).length > LIMITS.maxTextBytes) {
    throw new UsageError("message_too_large", `a text may have ${LIMITS.maxTextBytes} bytes at most`);
  }
}

/** The body of a log's entry. */
export function groupEntry(mlsMessage: Uint8Array): Uint8Array {
  return toBinary(
    GroupEntrySchema,
    create(GroupEntrySchema, { entry: { case: "mlsMessage", value: mlsMessage } }),
  );
}

/** Reads the body of a log's entry. @throws CodecError `malformed`. */
export function parseGroupEntry(body: Uint8Array): GroupEntry["entry"] {
  return decode(GroupEntrySchema, body, LIMITS.maxCommitBytes).entry;
}

function refused(what: string, cause?: unknown): ValidationError {
  return new ValidationError("message_refused", `SOTTO-CONTENT-1: the message ${what}`, { cause });
}
