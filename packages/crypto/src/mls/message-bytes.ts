/**
 * The bytes of application messages (RFC 9420 §6), each structure written and read in one piece: a message needs six of them, and the
 * library's encoders take as long as the cryptography beside the signature. A test holds the two equal. What is read here is canonical; what
 * these readers do not take is left to the library, which says what is wrong with it.
 */
import { concatBytes, utf8 } from "@sotto/protocol";
import { type GroupContext, encodeGroupContext } from "ts-mls/groupContext.js";
import type { PrivateMessage } from "ts-mls/privateMessage.js";
import type { ReuseGuard, SenderData } from "ts-mls/sender.js";

/** Which message it is, as its frame says. */
export type Frame = Pick<PrivateMessage, "groupId" | "epoch" | "contentType">;

const contentTypes = { application: 1, proposal: 2, commit: 3 } as const;
/** MLS 1.0, and mls_private_message. */
const privateMessageHead = Uint8Array.of(0, 1, 0, 2);
const noBytes = Uint8Array.of(0);
const senderDataBytes = 12;

/** The length in front of a vector (§2.1.2), in 1, 2 or 4 bytes. */
export function lengthBytes(length: number): Uint8Array {
  if (length < 0x40) return Uint8Array.of(length);
  if (length < 0x4000) return Uint8Array.of(0x40 | (length >> 8), length);
  return Uint8Array.of(0x80 | (length >>> 24), length >> 16, length >> 8, length);
}

function uint64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** Four bytes, big-endian. */
export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >> 16, value >> 8, value);
}

/** SenderDataAAD (§6.3.2): what every other structure of a PrivateMessage begins with. */
export function frameBytes({ groupId, epoch, contentType }: Frame): Uint8Array {
  const type = Uint8Array.of(contentTypes[contentType]);
  return concatBytes(lengthBytes(groupId.length), groupId, uint64(epoch), type);
}

/** PrivateContentAAD (§6.3.1), without authenticated data. @param frame as frameBytes gives it. */
export function contentAad(frame: Uint8Array): Uint8Array {
  return concatBytes(frame, noBytes);
}

/** An MLSMessage with a PrivateMessage, without authenticated data. @param frame as frameBytes gives it. */
export function writePrivateMessage(
  frame: Uint8Array,
  encryptedSenderData: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  return concatBytes(
    privateMessageHead,
    frame,
    noBytes,
    lengthBytes(encryptedSenderData.length),
    encryptedSenderData,
    lengthBytes(ciphertext.length),
    ciphertext,
  );
}

/** Reads one. Its parts are views. undefined: it is something else, or not canonical. */
export function readPrivateMessage(bytes: Uint8Array): PrivateMessage | undefined {
  if (privateMessageHead.some((byte, i) => bytes[i] !== byte)) return undefined;
  const reader = new Reader(bytes, privateMessageHead.length);
  const groupId = reader.vector();
  const epoch = reader.uint64();
  const type = reader.byte();
  const authenticatedData = reader.vector();
  const encryptedSenderData = reader.vector();
  const ciphertext = reader.vector();
  const contentType = type === 1 ? "application" : "commit";
  if (!reader.ended || contentTypes[contentType] !== type) return undefined;
  return { groupId, epoch, contentType, authenticatedData, encryptedSenderData, ciphertext };
}

/** SenderData in its 12 bytes. */
export function writeSenderData({ leafIndex, generation, reuseGuard }: SenderData): Uint8Array {
  return concatBytes(uint32(leafIndex), uint32(generation), reuseGuard);
}

/** Reads SenderData; undefined when there are not 12 bytes. */
export function readSenderData(bytes: Uint8Array): SenderData | undefined {
  if (bytes.length !== senderDataBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, senderDataBytes);
  return {
    leafIndex: view.getUint32(0),
    generation: view.getUint32(4),
    reuseGuard: bytes.subarray(8) as ReuseGuard,
  };
}

/** How long application content is without padding: the data and a signature of 64 bytes, each with its length. */
export function contentLength(data: Uint8Array): number {
  return lengthBytes(data.length).length + data.length + 2 + 64;
}

/** PrivateMessageContent of application data (§6.3.1). @param length with its padding. */
export function writeContent(data: Uint8Array, signature: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(concatBytes(lengthBytes(data.length), data, lengthBytes(signature.length), signature));
  return bytes;
}

/** Reads application content. Its parts are views. undefined: not canonical, or its padding is not zeros. */
export function readContent(bytes: Uint8Array): { data: Uint8Array; signature: Uint8Array } | undefined {
  const reader = new Reader(bytes, 0);
  const data = reader.vector();
  const signature = reader.vector();
  return reader.endedWithZeros ? { data, signature } : undefined;
}

const contextBytes = new WeakMap<GroupContext, Uint8Array>();
const signLabel = utf8("MLS 1.0 FramedContentTBS");
/** Of a sender that is a member. */
const memberType = Uint8Array.of(1);
const applicationType = Uint8Array.of(contentTypes.application);

/** What the sender of application data signs (§6.1, §5.1.2): SignContent over FramedContentTBS. */
export function signedBytes(context: GroupContext, leafIndex: number, data: Uint8Array): Uint8Array {
  let group = contextBytes.get(context);
  if (group === undefined) contextBytes.set(context, (group = encodeGroupContext(context)));
  const { groupId, epoch } = context;
  const head = [privateMessageHead, lengthBytes(groupId.length), groupId, uint64(epoch)];
  const sender = [memberType, uint32(leafIndex)];
  const content = [noBytes, applicationType, lengthBytes(data.length), data];
  const parts = [...head, ...sender, ...content, group];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return concatBytes(lengthBytes(signLabel.length), signLabel, lengthBytes(length), ...parts);
}

/** Reads from front to back; whatever is not there, or not canonical, shows at the end. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  #broken = false;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = at;
  }

  /** Whether everything was there, and nothing is left. */
  get ended(): boolean {
    return !this.#broken && this.#at === this.#bytes.length;
  }

  /** Whether everything was there, and nothing is left but zeros. */
  get endedWithZeros(): boolean {
    if (this.#broken) return false;
    for (let i = this.#at; i < this.#bytes.length; i++) if (this.#bytes[i] !== 0) return false;
    return true;
  }

  byte(): number {
    return this.#take(1) ? this.#view.getUint8(this.#at - 1) : 0;
  }

  uint64(): bigint {
    return this.#take(8) ? this.#view.getBigUint64(this.#at - 8) : 0n;
  }

  vector(): Uint8Array {
    const first = this.byte();
    const field = first >> 6;
    let length = first & 0x3f;
    if (field === 1 && this.#take(1)) length = (length << 8) | this.#view.getUint8(this.#at - 1);
    else if (field === 2 && this.#take(3)) length = this.#view.getUint32(this.#at - 4) & 0x3fff_ffff;
    // In as few bytes as can be.
    const least = [0, 0x40, 0x4000][field];
    if (least === undefined || length < least || !this.#take(length)) {
      this.#broken = true;
      return new Uint8Array();
    }
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #take(count: number): boolean {
    this.#broken ||= this.#at + count > this.#bytes.length;
    if (!this.#broken) this.#at += count;
    return !this.#broken;
  }
}
