/**
 * Bytes to the library's structs and back, strictly: sizes are checked first, every byte must be used, and what was decoded encodes to
 * the same bytes again. The ratchet tree is coded here node by node, since the library's list encoder calls itself once per element.
 */
import { CodecError, concatBytes, equalBytes } from "@sotto/protocol";
import { decodeOptional, optionalEncoder } from "ts-mls/codec/optional.js";
import type { Decoder } from "ts-mls/codec/tlsDecoder.js";
import { type BufferEncoder, encode } from "ts-mls/codec/tlsEncoder.js";
import { determineLength, lengthEncoder } from "ts-mls/codec/variableLength.js";
import { type MLSMessage, decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import { type Node, type RatchetTree, decodeNode, nodeEncoder, stripBlankNodes } from "ts-mls/ratchetTree.js";
import { guardedSync } from "./checks.ts";
import { MLS_LIMITS } from "./limits.ts";

/** Decodes all bytes with a decoder of the library. @throws CodecError `malformed`. */
export function decodeAll<T>(decoder: Decoder<T>, bytes: Uint8Array, what: string): T {
  const decoded = guardedSync("MLS-WIRE-1", `not ${what}`, () => decoder(bytes, 0));
  if (decoded === undefined || decoded[1] !== bytes.length) throw malformed(`MLS-WIRE-1: not ${what}`);
  return decoded[0];
}

/** Reads an MLSMessage of one wire format. @throws CodecError `malformed`, `too_large`. */
export function decodeMessage<Format extends MLSMessage["wireformat"]>(
  bytes: Uint8Array,
  format: Format,
  maxBytes: number,
): Extract<MLSMessage, { wireformat: Format }> {
  checkSize(bytes, maxBytes);
  // A copy, so that what is kept of it does not change under us.
  const own = Uint8Array.from(bytes);
  const message = decodeAll(decodeMlsMessage, own, "an MLSMessage");
  if (message.version !== "mls10" || message.wireformat !== format) {
    throw malformed("MLS-WIRE-2: another kind of MLSMessage");
  }
  if (
    !equalBytes(
      guardedSync("MLS-WIRE-3", "not canonical", () => encodeMlsMessage(message)),
      own,
    )
  ) {
    throw malformed("MLS-WIRE-3: not encoded canonically");
  }
  return message as Extract<MLSMessage, { wireformat: Format }>;
}

/** @throws CodecError `too_large`. */
export function checkSize(bytes: Uint8Array, maxBytes: number): void {
  if (bytes.length > maxBytes) throw new CodecError("too_large", `MLS-WIRE-4: more than ${maxBytes} bytes`);
}

const optionalNode = encode(optionalEncoder(nodeEncoder));
const nodeBytes = new WeakMap<Node, Uint8Array>();
const blank = Uint8Array.of(0);

/** An optional<Node> that is there; remembered, since nodes are values and are asked for again. */
export function encodeNode(node: Node): Uint8Array {
  const known = nodeBytes.get(node);
  if (known !== undefined) return known;
  const bytes = optionalNode(node);
  nodeBytes.set(node, bytes);
  return bytes;
}

/** A ratchet_tree (RFC 9420 §12.4.3.3) without the blanks at its end. */
export function encodeTree(tree: RatchetTree): Uint8Array {
  const nodes = stripBlankNodes(tree).map((node) => (node === undefined ? blank : encodeNode(node)));
  const content = concatBytes(...nodes);
  return concatBytes(encode(lengthEncoder as BufferEncoder<number>)(content.length), content);
}

const decodeOptionalNode = decodeOptional(decodeNode);

/** The nodes of a ratchet_tree as they were sent. @throws CodecError `malformed`, `too_large`. */
export function decodeTreeNodes(bytes: Uint8Array): RatchetTree {
  checkSize(bytes, MLS_LIMITS.maxTreeBytes);
  const own = Uint8Array.from(bytes);
  const nodes = guardedSync("MLS-WIRE-5", "not a ratchet tree", () => {
    const { length, lengthFieldSize } = determineLength(own, 0);
    if (lengthFieldSize + length !== own.length) return undefined;
    const content = own.subarray(lengthFieldSize);
    const list: RatchetTree = [];
    let at = 0;
    while (at < content.length) {
      const item = decodeOptionalNode(content, at);
      if (item === undefined || list.length === 2 * MLS_LIMITS.maxLeaves - 1) return undefined;
      list.push(item[0]);
      at += item[1];
    }
    return list;
  });
  if (nodes === undefined || nodes.at(-1) === undefined) {
    throw malformed("MLS-WIRE-5: not a ratchet tree of at most 4,096 leaves");
  }
  if (!equalBytes(encodeTree(nodes), own)) throw malformed("MLS-WIRE-3: not encoded canonically");
  return nodes;
}

function malformed(what: string): CodecError {
  return new CodecError("malformed", what);
}
