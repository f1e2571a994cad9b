/** The structures of application messages in bytes: as the library writes them, and read only where the library reads the same. */
import * as fc from "fast-check";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { framedContentTBSEncoder } from "ts-mls/framedContent.js";
import type { GroupContext } from "ts-mls/groupContext.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import {
  type PrivateMessage,
  decodePrivateMessageContent,
  encodePrivateContentAAD,
  encodePrivateMessageContent,
} from "ts-mls/privateMessage.js";
import { encodeSenderData, encodeSenderDataAAD } from "ts-mls/sender.js";
import { concatBytes, equalBytes, utf8 } from "@sotto/protocol";
import { expect, test } from "vitest";
import {
  contentAad,
  contentLength,
  frameBytes,
  readContent,
  readPrivateMessage,
  readSenderData,
  signedBytes,
  writeContent,
  writePrivateMessage,
  writeSenderData,
} from "../../src/mls/message-bytes.ts";

const none = new Uint8Array();
// About where the length of a vector gets longer.
const length = fc.oneof(
  fc.nat(70),
  fc.integer({ min: 16_380, max: 16_390 }),
  fc.integer({ min: 60, max: 70 }),
);
const bytes = length.chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
const short = fc.uint8Array({ maxLength: 80 });
const frame = fc.record({
  groupId: short,
  epoch: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  contentType: fc.constantFrom("application" as const, "commit" as const),
});

const libraryMessage = (privateMessage: PrivateMessage): Uint8Array =>
  encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
const messageOf = (given: Omit<PrivateMessage, "authenticatedData">): PrivateMessage => ({
  ...given,
  authenticatedData: none,
});

test("frames and what is authenticated with them", () => {
  fc.assert(
    fc.property(frame, (given) => {
      const own = frameBytes(given);
      expect(own).toEqual(encodeSenderDataAAD(given));
      expect(contentAad(own)).toEqual(encodePrivateContentAAD({ ...given, authenticatedData: none }));
    }),
  );
});

test("messages are written as the library writes them, and read back", () => {
  fc.assert(
    fc.property(frame, short, bytes, (given, encryptedSenderData, ciphertext) => {
      const message = messageOf({ ...given, encryptedSenderData, ciphertext });
      const written = writePrivateMessage(frameBytes(given), encryptedSenderData, ciphertext);
      expect(equalBytes(written, libraryMessage(message))).toBe(true);
      const read = readPrivateMessage(written);
      expect(read).toMatchObject({ epoch: given.epoch, contentType: given.contentType });
      expect(read?.groupId).toEqual(given.groupId);
      expect(read?.encryptedSenderData).toEqual(encryptedSenderData);
      expect(equalBytes(read?.ciphertext ?? none, ciphertext)).toBe(true);
    }),
  );
});

test("what is read encodes to the same bytes again, whatever came in; the library reads the same", () => {
  const changes = fc.array(fc.tuple(fc.nat(120), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(
      frame,
      short,
      short,
      changes,
      fc.nat(3),
      (given, encryptedSenderData, ciphertext, edits, cut) => {
        const written = libraryMessage(messageOf({ ...given, encryptedSenderData, ciphertext }));
        const altered = written.slice(0, written.length - cut);
        for (const [at, byte] of edits) if (at < altered.length) altered[at] = byte;
        const read = readPrivateMessage(altered);
        if (read === undefined) return;
        expect(libraryMessage(read)).toEqual(altered);
        const [decoded] = decodeMlsMessage(altered, 0) ?? [];
        expect(decoded?.wireformat === "mls_private_message" && decoded.privateMessage).toEqual(read);
      },
    ),
    { numRuns: 20_000 },
  );
});

test("a length in more bytes than it needs is not canonical", () => {
  const [head, epoch] = [Uint8Array.of(0, 1, 0, 2), new Uint8Array(8)];
  const rest = concatBytes(epoch, Uint8Array.of(1, 0, 0, 0));
  expect(readPrivateMessage(concatBytes(head, Uint8Array.of(1, 7), rest))).toBeDefined();
  for (const longer of [
    [0x40, 1, 7],
    [0x80, 0, 0, 1, 7],
    [0xc0, 1, 7],
  ]) {
    expect(readPrivateMessage(concatBytes(head, Uint8Array.from(longer), rest))).toBeUndefined();
  }
  expect(readContent(Uint8Array.of(0x40, 1, 7, 0))).toBeUndefined();
});

test("content is padded and read as the library does it; padding is zeros", () => {
  const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(bytes, signature, fc.nat(40), (data, signed, padding) => {
      const total = contentLength(data) + padding;
      const written = writeContent(data, signed, total);
      const auth = { contentType: "application" as const, signature: signed };
      const content = { contentType: "application" as const, applicationData: data, auth };
      const config = { kind: "padUntilLength" as const, padUntilLength: total };
      expect(equalBytes(written, encodePrivateMessageContent(config)(content as never))).toBe(true);
      const read = readContent(written);
      expect(read?.signature).toEqual(signed);
      expect(equalBytes(read?.data ?? none, data)).toBe(true);
      const decoded = decodePrivateMessageContent("application")(written, 0)?.[0];
      expect(decoded?.auth.signature).toEqual(signed);
      if (padding === 0) return;
      written[total - 1] = 1;
      expect(readContent(written)).toBeUndefined();
    }),
  );
});

test("sender data has 12 bytes", () => {
  const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const guard = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(uint32, uint32, guard, (leafIndex, generation, reuseGuard) => {
      const data = { leafIndex, generation, reuseGuard: reuseGuard as never };
      expect(writeSenderData(data)).toEqual(encodeSenderData(data));
      expect(readSenderData(writeSenderData(data))).toEqual(data);
    }),
  );
  expect(readSenderData(new Uint8Array(11))).toBeUndefined();
  expect(readSenderData(new Uint8Array(13))).toBeUndefined();
});

test("what is signed", () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 64 });
  const leaf = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(frame, leaf, bytes, hash, ({ groupId, epoch }, leafIndex, applicationData, someHash) => {
      const context: GroupContext = {
        version: "mls10",
        cipherSuite: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
        groupId,
        epoch,
        treeHash: someHash,
        confirmedTranscriptHash: someHash,
        extensions: [{ extensionType: 0xf501, extensionData: someHash }],
      };
      const content = {
        groupId,
        epoch,
        sender: { senderType: "member" as const, leafIndex },
        authenticatedData: none,
        contentType: "application" as const,
        applicationData,
      };
      const tbs = encode(framedContentTBSEncoder)({
        protocolVersion: "mls10",
        wireformat: "mls_private_message",
        content,
        senderType: "member",
        context,
      });
      const label = utf8("MLS 1.0 FramedContentTBS");
      const own = signedBytes(context, leafIndex, applicationData);
      expect(
        equalBytes(own.subarray(0, 1 + label.length), concatBytes(Uint8Array.of(label.length), label)),
      ).toBe(true);
      expect(equalBytes(own.subarray(own.length - tbs.length), tbs)).toBe(true);
      const field = own.length - tbs.length - 1 - label.length;
      expect(field).toBe(tbs.length < 64 ? 1 : tbs.length < 16_384 ? 2 : 4);
    }),
  );
});
