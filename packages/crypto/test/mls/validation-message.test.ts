/** The checks of messages (spec/VALIDATION.md), and that nothing moves on before a message is authenticated. */
import { utf8 } from "@sotto/protocol";
import { encodeMlsMessage } from "ts-mls/message.js";
import { protectApplicationData, protectProposal } from "ts-mls/messageProtection.js";
import { encryptSenderData, encodePrivateMessageContent } from "ts-mls/privateMessage.js";
import type { PrivateMessage } from "ts-mls/privateMessage.js";
import type { SenderData } from "ts-mls/sender.js";
import { beforeAll, describe, expect, test } from "vitest";
import { stateOf } from "../../src/mls/group-state.ts";
import type { MlsGroup } from "../../src/mls/port.ts";
import { padmeLength } from "../../src/padme.ts";
import { takeGeneration } from "../../src/mls/ratchet.ts";
import { asSecretTree } from "../../src/mls/secret-tree.ts";
import { openRatchets } from "../../src/mls/snapshot.ts";
import { decodeMessage } from "../../src/mls/wire.ts";
import { flipped } from "../support/bytes.ts";
import { type Device, addAll, device, follow, mlsProviders, newGroup } from "../support/mls.ts";

const [provider] = mlsProviders;
let [ann, bob]: Device[] = [];
let [a, b]: MlsGroup[] = [];
const none = new Uint8Array();
const noPadding = { kind: "padUntilLength", padUntilLength: 0 } as const;

beforeAll(async () => {
  [ann, bob] = await Promise.all([1, 2].map((n) => device(provider!, n)));
  [a, b] = (await addAll(ann!, await newGroup(ann!, "x25519"), [bob!])).groups;
});

const refused = (id: string, code = "mls_invalid") => ({ code, message: expect.stringContaining(`${id}:`) });
const encoded = (privateMessage: PrivateMessage) =>
  encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });

/** A message of Ann's whose sender data say something else. */
async function withSenderData(alter: Partial<SenderData>): Promise<Uint8Array> {
  const { epoch } = stateOf(a!);
  const { privateMessage } = decodeMessage(
    (await ann!.engine.protect(a!, utf8("x"))).message,
    "mls_private_message",
    10_000,
  );
  const senderData = { leafIndex: 0, generation: 0, reuseGuard: new Uint8Array(4) as never, ...alter };
  const encryptedSenderData = await encryptSenderData(
    epoch.keySchedule.senderDataSecret,
    senderData,
    privateMessage,
    privateMessage.ciphertext,
    epoch.suite.impl,
  );
  return encoded({ ...privateMessage, encryptedSenderData });
}

/** A message of Ann's with any bytes as content. */
async function withContent(content: Uint8Array): Promise<Uint8Array> {
  const { epoch } = stateOf(a!);
  const { impl } = epoch.suite;
  const { ratchets } = await openRatchets(stateOf(a!), 0);
  const senderData: SenderData = { leafIndex: 0, generation: 0, reuseGuard: new Uint8Array(4) as never };
  const { key, nonce } = (await takeGeneration(ratchets.application, 0, impl))!;
  const frame = { ...epoch.groupContext, contentType: "application" as const, authenticatedData: none };
  const { encodePrivateContentAAD } = await import("ts-mls/privateMessage.js");
  const ciphertext = await impl.hpke.encryptAead(key, nonce, encodePrivateContentAAD(frame), content);
  const { senderDataSecret } = epoch.keySchedule;
  const encryptedSenderData = await encryptSenderData(senderDataSecret, senderData, frame, ciphertext, impl);
  return encoded({ ...frame, ciphertext, encryptedSenderData });
}

async function length(n: number): Promise<number> {
  return (await ann!.engine.protect(a!, new Uint8Array(n))).message.length;
}

describe("messages", () => {
  test("MLS-MSG-1: a message of another group or epoch", async () => {
    const { message } = await ann!.engine.protect(a!, utf8("x"));
    const frame = decodeMessage(message, "mls_private_message", 10_000).privateMessage;
    for (const other of [
      { ...frame, groupId: utf8("other") },
      { ...frame, epoch: frame.epoch + 1n },
    ]) {
      await expect(bob!.engine.unprotect(b!, encoded(other))).rejects.toMatchObject(refused("MLS-MSG-1"));
    }
    const { commit, next } = await ann!.engine.commit(a!, {});
    const later = await follow(bob!, b!, commit);
    await expect(bob!.engine.unprotect(later, message)).rejects.toMatchObject(refused("MLS-MSG-1"));
    expect(next.epoch).toBe(later.epoch);
  });

  test("MLS-MSG-2: a Proposal by itself", async () => {
    const { epoch } = stateOf(a!);
    const { ratchets } = await openRatchets(stateOf(a!), 0);
    const { privateMessage } = await protectProposal(
      epoch.signaturePrivateKey,
      epoch.keySchedule.senderDataSecret,
      { proposalType: "remove", remove: { removed: 1 } },
      none,
      epoch.groupContext,
      asSecretTree(0, ratchets),
      0,
      noPadding,
      epoch.suite.impl,
    );
    await expect(bob!.engine.unprotect(b!, encoded(privateMessage))).rejects.toMatchObject(
      refused("MLS-MSG-2"),
    );
  });

  test("MLS-MSG-3: a sender that is no leaf", async () => {
    for (const leafIndex of [7, 0xffff_ffff]) {
      await expect(bob!.engine.unprotect(b!, await withSenderData({ leafIndex }))).rejects.toMatchObject(
        refused("MLS-MSG-3"),
      );
    }
  });

  test("MLS-MSG-4: sender data that do not open, or are cut", async () => {
    const { message } = await ann!.engine.protect(a!, utf8("x"));
    const frame = decodeMessage(message, "mls_private_message", 10_000).privateMessage;
    const altered = encoded({ ...frame, encryptedSenderData: flipped(frame.encryptedSenderData, 0) });
    await expect(bob!.engine.unprotect(b!, altered)).rejects.toMatchObject({ code: "decryption_failed" });
    const { epoch } = stateOf(a!);
    const { impl } = epoch.suite;
    const { expandSenderDataKey, expandSenderDataNonce, encodeSenderDataAAD } =
      await import("ts-mls/sender.js");
    const { senderDataSecret } = epoch.keySchedule;
    const [key, nonce] = await Promise.all([
      expandSenderDataKey(impl, senderDataSecret, frame.ciphertext),
      expandSenderDataNonce(impl, senderDataSecret, frame.ciphertext),
    ]);
    const short = await impl.hpke.encryptAead(key, nonce, encodeSenderDataAAD(frame), new Uint8Array(5));
    await expect(
      bob!.engine.unprotect(b!, encoded({ ...frame, encryptedSenderData: short })),
    ).rejects.toMatchObject(refused("MLS-MSG-4"));
  });

  test("MLS-MSG-5: authenticated data in the open", async () => {
    const { epoch } = stateOf(a!);
    const { ratchets } = await openRatchets(stateOf(a!), 0);
    const { privateMessage } = await protectApplicationData(
      epoch.signaturePrivateKey,
      epoch.keySchedule.senderDataSecret,
      utf8("x"),
      utf8("in the open"),
      epoch.groupContext,
      asSecretTree(0, ratchets),
      0,
      noPadding,
      epoch.suite.impl,
    );
    await expect(bob!.engine.unprotect(b!, encoded(privateMessage))).rejects.toMatchObject(
      refused("MLS-MSG-5"),
    );
  });

  test("MLS-MSG-6: a sender who is 2,001 messages ahead; 2,000 are well", async () => {
    await expect(
      bob!.engine.unprotect(b!, await withSenderData({ generation: 2_001 })),
    ).rejects.toMatchObject(refused("MLS-MSG-6"));
    await expect(
      bob!.engine.unprotect(b!, await withSenderData({ generation: 0xffff_ffff })),
    ).rejects.toMatchObject(refused("MLS-MSG-6"));
    await expect(
      bob!.engine.unprotect(b!, await withSenderData({ generation: 2_000 })),
    ).rejects.toMatchObject({ code: "decryption_failed" });
  });

  test("MLS-MSG-7: a ciphertext that was altered opens nothing and moves nothing", async () => {
    const { message } = await ann!.engine.protect(a!, utf8("x"));
    const before = bob!.engine.snapshot(b!);
    for (const at of [-1, -40, 30]) {
      const error = await bob!.engine.unprotect(b!, flipped(message, at)).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(Error);
    }
    expect(bob!.engine.snapshot(b!)).toEqual(before);
    expect(await bob!.engine.unprotect(b!, message)).toMatchObject({ plaintext: utf8("x") });
  });

  test("MLS-MSG-8: a content that is malformed, or padded with anything but zeros", async () => {
    await expect(bob!.engine.unprotect(b!, await withContent(Uint8Array.of(63)))).rejects.toMatchObject({
      code: "malformed",
    });
    const content = encodePrivateMessageContent(noPadding)({
      contentType: "application",
      applicationData: utf8("x"),
      auth: { contentType: "application", signature: new Uint8Array(64) },
    } as Parameters<ReturnType<typeof encodePrivateMessageContent>>[0]);
    const padded = await withContent(Uint8Array.of(...content, 0, 1));
    await expect(bob!.engine.unprotect(b!, padded)).rejects.toMatchObject(refused("MLS-MSG-8", "malformed"));
  });

  test("MLS-MSG-9: a message that another member signed", async () => {
    const { epoch } = stateOf(a!);
    const { ratchets } = await openRatchets(stateOf(a!), 0);
    const { privateMessage } = await protectApplicationData(
      bob!.signatureKey.privateKey,
      epoch.keySchedule.senderDataSecret,
      utf8("x"),
      none,
      epoch.groupContext,
      asSecretTree(0, ratchets),
      0,
      noPadding,
      epoch.suite.impl,
    );
    const before = bob!.engine.snapshot(b!);
    await expect(bob!.engine.unprotect(b!, encoded(privateMessage))).rejects.toMatchObject(
      refused("MLS-MSG-9", "signature_invalid"),
    );
    expect(bob!.engine.snapshot(b!)).toEqual(before);
  });

  test("lengths leak by Padmé alone", async () => {
    for (let n = 2; n < 100_000; n += 1 + Math.floor(n / 50)) {
      const padded = padmeLength(n);
      expect(padded).toBeGreaterThanOrEqual(n);
      expect(padded).toBeLessThan(1.13 * n + 1);
      expect(padmeLength(padded)).toBe(padded);
    }
    // With 66 bytes of signature and 2 of length, 1,024 and 1,088 in all are steps.
    const [over, middle, last, next] = [
      await length(957),
      await length(980),
      await length(1_020),
      await length(1_021),
    ];
    expect([middle, last, next]).toEqual([over, over, over + 64]);
    // Commits are padded as well.
    const commits = new Set<number>();
    for (let n = 3_000; n < 3_320; n += 20) {
      commits.add((await ann!.engine.commit(a!, { groupData: new Uint8Array(n) })).commit.length);
    }
    expect(commits.size).toBeLessThan(5);
  });
});
