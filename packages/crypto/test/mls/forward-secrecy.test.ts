/**
 * What is gone is gone: keys of messages that were read, of epochs that ended, and whatever a removed member could use. Each shows first
 * that the same attempt works where nothing was deleted.
 */
import { utf8 } from "@sotto/protocol";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { validateRatchetTree } from "ts-mls/clientState.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { describe, expect, test } from "vitest";
import { asClientState, stateOf } from "../../src/mls/group-state.ts";
import type { MlsDelta, MlsGroup, MlsSnapshot } from "../../src/mls/port.ts";
import { treeHashOf } from "../../src/mls/tree-hash.ts";
import { decodeMessage } from "../../src/mls/wire.ts";
import { openRatchets } from "../../src/mls/snapshot.ts";
import {
  accept,
  addAll,
  ciphersuites,
  device,
  follow,
  keyPackageOf,
  mlsProviders,
  newGroup,
  nowSec,
} from "../support/mls.ts";

const [provider] = mlsProviders;
const devices = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => device(provider!, i + 1)));

/** A disk: a base, and records by id. */
function diskOf({ base, secrets }: MlsSnapshot) {
  const records = new Map(secrets.map(({ id, bytes }) => [id, bytes]));
  return {
    write: (delta: MlsDelta) => delta.forEach(({ id, bytes }) => records.set(id, bytes)),
    read: (): MlsSnapshot => ({ base, secrets: Array.from(records, ([id, bytes]) => ({ id, bytes })) }),
  };
}

function holds(disk: MlsSnapshot, secret: Uint8Array): boolean {
  return [disk.base, ...disk.secrets.map(({ bytes }) => bytes)].some((bytes) =>
    Buffer.from(bytes).includes(Buffer.from(secret)),
  );
}

async function hear(by: Awaited<ReturnType<typeof device>>, group: MlsGroup, message: Uint8Array) {
  const opened = await by.engine.unprotect(group, message);
  if (opened.type !== "application") throw new Error("not a message");
  return opened;
}

describe.each(ciphersuites)("on disk, %s", (suite) => {
  test("after a message was read, what is stored cannot open it again", async () => {
    const people = await devices(9);
    const { groups } = await addAll(people[0]!, await newGroup(people[0]!, suite), people.slice(1));
    const [ann, bob] = [people[3]!, people[1]!];
    let [a, b] = [groups[3]!, groups[1]!];
    const disk = diskOf(bob.engine.snapshot(b));
    for (const text of ["one", "two", "three"]) {
      const before = disk.read();
      const state = stateOf(b);
      const held = state.secrets.flatMap((record) => Object.entries(record?.subtrees ?? {}));
      const { ratchets } = await openRatchets(state, 3);
      const sent = await ann.engine.protect(a, utf8(text));
      const heard = await hear(bob, b, sent.message);
      disk.write(heard.delta);
      [a, b] = [sent.group, heard.group];
      // The copy from before the message still opens it: that is what must not be left.
      const old = await bob.engine.restore(before, bob.signatureKey);
      expect((await hear(bob, old, sent.message)).plaintext).toEqual(utf8(text));
      const after = disk.read();
      const restored = await bob.engine.restore(after, bob.signatureKey);
      await expect(bob.engine.unprotect(restored, sent.message)).rejects.toMatchObject({
        code: "message_replayed",
      });
      // Nor is anything left from which the key could be had: neither the ratchet's secret nor a subtree's that held the leaf.
      expect(holds(after, ratchets.application.secret)).toBe(false);
      const kept = new Set(
        Object.keys(Object.assign({}, ...stateOf(b).secrets.map((record) => record?.subtrees))),
      );
      for (const [node, secret] of held) expect(holds(after, secret)).toBe(kept.has(node));
      expect(stateOf(restored).secrets).toEqual(stateOf(b).secrets);
    }
    const next = await ann.engine.protect(a, utf8("four"));
    const restored = await bob.engine.restore(disk.read(), bob.signatureKey);
    expect((await hear(bob, restored, next.message)).plaintext).toEqual(utf8("four"));
  });

  test("a message that was skipped leaves no key of those after it", async () => {
    const [ann, bob] = await devices(2);
    const { groups } = await addAll(ann!, await newGroup(ann!, suite), [bob!]);
    const skipped = await ann!.engine.protect(groups[0]!, utf8("skipped"));
    const read = await ann!.engine.protect(skipped.group, utf8("read"));
    const heard = await hear(bob!, groups[1]!, read.message);
    const { impl } = stateOf(heard.group).epoch.suite;
    const { ratchets } = await openRatchets(stateOf(groups[1]!), 0);
    const late = stateOf(heard.group).secrets[0]!.ratchets!.application.unusedGenerations;
    expect(Object.keys(late)).toEqual(["0"]);
    // What is kept is the skipped message's key and nonce; the library keeps the secret, from which the key of the read one follows.
    expect(late[0]!.length).toBe(impl.hpke.keyLength + impl.hpke.nonceLength);
    expect(holds(bob!.engine.snapshot(heard.group), ratchets.application.secret)).toBe(false);
    expect((await hear(bob!, heard.group, skipped.message)).plaintext).toEqual(utf8("skipped"));
  });

  test("one's own message cannot be opened from what is stored after it was sent, nor its key be used twice", async () => {
    const [ann, bob] = await devices(2);
    const { groups } = await addAll(ann!, await newGroup(ann!, suite), [bob!]);
    const disk = diskOf(ann!.engine.snapshot(groups[0]!));
    const sent = await ann!.engine.protect(groups[0]!, utf8("mine"));
    disk.write(sent.delta);
    const restored = await ann!.engine.restore(disk.read(), ann!.signatureKey);
    await expect(ann!.engine.unprotect(restored, sent.message)).rejects.toMatchObject({
      code: "message_replayed",
    });
    const second = await ann!.engine.protect(restored, utf8("mine"));
    await hear(bob!, (await hear(bob!, groups[1]!, sent.message)).group, second.message);
  });

  test("a message changes at most two records, of two kilobytes in all", async () => {
    const people = await devices(40);
    const { groups } = await addAll(people[0]!, await newGroup(people[0]!, suite), people.slice(1));
    let b = groups[1]!;
    expect(people[1]!.engine.snapshot(b).secrets.map(({ bytes }) => bytes.length < 128)).toEqual([true]);
    for (const from of [39, 0, 20, 2, 38, 3]) {
      let sender = groups[from]!;
      // Nine messages are lost on the way, and come later or never.
      for (let i = 0; i < 9; i++) sender = (await people[from]!.engine.protect(sender, utf8("lost"))).group;
      const sent = await people[from]!.engine.protect(sender, utf8("x"));
      const heard = await hear(people[1]!, b, sent.message);
      expect(heard.delta.length).toBeLessThanOrEqual(2);
      expect(heard.delta.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(2_048);
      b = heard.group;
    }
  });

  test("messages come in another order: each opens once, the oldest of many no more", async () => {
    const [ann, bob] = await devices(2);
    const { groups } = await addAll(ann!, await newGroup(ann!, suite), [bob!]);
    let [a, b] = groups as [MlsGroup, MlsGroup];
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 12; i++) {
      const { message, group } = await ann!.engine.protect(a, Uint8Array.of(i));
      sent.push(message);
      a = group;
    }
    for (const i of [11, 10, 4, 7]) {
      const heard = await hear(bob!, b, sent[i]!);
      expect(heard.plaintext).toEqual(Uint8Array.of(i));
      b = heard.group;
    }
    for (const i of [11, 10, 4, 7, 0, 2]) {
      await expect(bob!.engine.unprotect(b, sent[i]!)).rejects.toMatchObject({ code: "message_replayed" });
    }
  });
});

describe("epochs", () => {
  test("nothing of an epoch is left in the next one's state", async () => {
    const [ann, bob] = await devices(2);
    const { groups } = await addAll(ann!, await newGroup(ann!, "x25519"), [bob!]);
    const [a, b] = groups as [MlsGroup, MlsGroup];
    const late = await ann!.engine.protect(a, utf8("late"));
    const { ratchets } = await openRatchets(stateOf(b), 0);
    const { keySchedule } = stateOf(b).epoch;
    const { commit, next } = await ann!.engine.commit(a, {});
    for (const [who, state] of [
      [ann!, next],
      [bob!, await follow(bob!, b, commit)],
    ] as const) {
      const disk = who.engine.snapshot(state);
      for (const secret of [ratchets.application.secret, ...Object.values(keySchedule)])
        expect(holds(disk, secret)).toBe(false);
      await expect(who.engine.unprotect(state, late.message)).rejects.toMatchObject({ code: "mls_invalid" });
    }
    // The library keeps former epochs whatever it is told (slice(-0)); we hand it no former epoch.
    const { privateMessage } = decodeMessage(commit, "mls_private_message", 100_000);
    const state = asClientState(stateOf(b).epoch);
    const library = await processPrivateMessage(
      { ...state, secretTree: [ratchets, ratchets, ratchets] },
      privateMessage,
      emptyPskIndex,
      stateOf(b).epoch.suite.impl,
    );
    expect(library.newState.historicalReceiverData.size).toBe(1);
    expect(asClientState(stateOf(await follow(bob!, b, commit)).epoch).historicalReceiverData.size).toBe(0);
  });

  test("private keys of nodes that others filled anew are gone", async () => {
    const people = await devices(4);
    const { groups } = await addAll(people[0]!, await newGroup(people[0]!, "x25519"), people.slice(1));
    const mine = await people[1]!.engine.commit(groups[1]!, {});
    const c = await follow(people[2]!, groups[2]!, mine.commit);
    const before = stateOf(mine.next).epoch.privatePath.privateKeys;
    const theirs = await people[2]!.engine.commit(c, { remove: [0] });
    const after = stateOf(await follow(people[1]!, mine.next, theirs.commit)).epoch;
    for (const node of Object.keys(after.privatePath.privateKeys))
      expect(after.tree[Number(node)]).toBeDefined();
    expect(Object.values(after.privatePath.privateKeys)).not.toContainEqual(before[3]);
  });

  test("states are values: a Commit that was refused changes nothing, and the next one works", async () => {
    const [ann, bob, cyd] = await devices(3);
    const { groups } = await addAll(ann!, await newGroup(ann!, "x25519"), [bob!, cyd!]);
    const [a, b, c] = groups as [MlsGroup, MlsGroup, MlsGroup];
    const before = ann!.engine.snapshot(a);
    const lost = await ann!.engine.commit(a, {});
    expect(ann!.engine.snapshot(a)).toEqual(before);
    const won = await bob!.engine.commit(b, {});
    const later = await follow(ann!, lost.group, won.commit);
    expect(later.epoch).toBe(1 + a.epoch);
    const again = await ann!.engine.commit(later, {});
    await follow(cyd!, await follow(cyd!, c, won.commit), again.commit);
    // A second Commit of the same epoch takes another key than the first.
    const second = await ann!.engine.commit(lost.group, {});
    const generation = async (commit: Uint8Array) => {
      const opened = await bob!.engine.unprotect(b, commit);
      return opened.type;
    };
    expect([await generation(lost.commit), await generation(second.commit)]).toEqual(["commit", "commit"]);
    expect(stateOf(second.group).secrets[0]?.ratchets?.handshake.generation).toBe(2);
  });
});

describe("removed members", () => {
  test.each(ciphersuites)("a single Remove shuts out, with %s (upstream #436)", async (suite) => {
    const [ann, bob, eve] = await devices(3);
    const { groups } = await addAll(ann!, await newGroup(ann!, suite), [bob!, eve!]);
    const [a, b, e] = groups as [MlsGroup, MlsGroup, MlsGroup];
    const { commit, next } = await ann!.engine.commit(a, { remove: [2] });
    const sent = await ann!.engine.protect(next, utf8("without eve"));
    expect((await hear(bob!, await follow(bob!, b, commit), sent.message)).plaintext).toEqual(
      utf8("without eve"),
    );
    // With all that she has, by a program that does not stop at her removal: no private key of hers opens the path.
    const { epoch } = stateOf(e);
    const { privateMessage } = decodeMessage(commit, "mls_private_message", 100_000);
    const { ratchets } = await openRatchets(stateOf(e), 0);
    const { unprotectPrivateMessage } = await import("ts-mls/messageProtection.js");
    const { impl } = epoch.suite;
    const opened = await unprotectPrivateMessage(
      epoch.keySchedule.senderDataSecret,
      privateMessage,
      [ratchets],
      epoch.tree,
      epoch.groupContext,
      defaultClientConfig.keyRetentionConfig,
      impl,
    );
    if (opened.content.content.contentType !== "commit") throw new Error("no Commit");
    const { path } = opened.content.content.commit;
    expect(path).toBeDefined();
    const { decryptWithLabel } = await import("ts-mls/crypto/hpke.js");
    const { encodeGroupContext } = await import("ts-mls/groupContext.js");
    const context = encodeGroupContext({
      ...stateOf(next).epoch.groupContext,
      confirmedTranscriptHash: epoch.groupContext.confirmedTranscriptHash,
    });
    let opens = 0;
    const attempt = async (keys: Readonly<Record<number, Uint8Array>>) => {
      for (const node of path!.nodes) {
        for (const { kemOutput, ciphertext } of node.encryptedPathSecret) {
          for (const key of Object.values(keys)) {
            const got = await decryptWithLabel(
              key as never,
              "UpdatePathNode",
              context,
              kemOutput,
              ciphertext,
              impl.hpke,
            ).catch(() => undefined);
            if (got !== undefined) opens++;
          }
        }
      }
      return opens;
    };
    expect(await attempt(epoch.privatePath.privateKeys)).toBe(0);
    expect(await attempt(stateOf(b).epoch.privatePath.privateKeys)).toBeGreaterThan(0);
  });

  test("who remain alone have secrets that the removed cannot compute", async () => {
    const [ann, eve] = await devices(2);
    const { groups } = await addAll(ann!, await newGroup(ann!, "x25519"), [eve!]);
    const [a, e] = groups as [MlsGroup, MlsGroup];
    const { next } = await ann!.engine.commit(a, { remove: [1] });
    // ts-mls takes zeros as commit secret where nobody is left to seal to: then Eve's init secret gives the whole epoch.
    const { initializeEpoch } = await import("ts-mls/keySchedule.js");
    const { epoch } = stateOf(next);
    const { kdf } = epoch.suite.impl;
    const zeros = new Uint8Array(kdf.size);
    const { initSecret } = stateOf(e).epoch.keySchedule;
    const guess = await initializeEpoch(initSecret, zeros, epoch.groupContext, zeros, kdf);
    expect(guess.keySchedule.exporterSecret).not.toEqual(epoch.keySchedule.exporterSecret);
    expect(await deriveSecret(initSecret, "x", kdf)).toEqual(
      await deriveSecret(stateOf(a).epoch.keySchedule.initSecret, "x", kdf),
    );
  });
});

test("a valid tree with unmerged leaves at several levels is joined; the library alone refuses it", async () => {
  const people = await devices(9);
  const { groups } = await addAll(people[0]!, await newGroup(people[0]!, "x25519"), people.slice(1));
  const states = [...groups];
  const everybody = async (
    by: number,
    made: { commit: Uint8Array; next: MlsGroup },
    without: readonly number[] = [],
  ) => {
    for (let i = 0; i < 9; i++) {
      if (i === by || without.includes(i) || gone.has(i)) continue;
      states[i] = await follow(people[i]!, states[i]!, made.commit);
    }
    states[by] = made.next;
  };
  const gone = new Set([1, 5]);
  await everybody(8, await people[8]!.engine.commit(states[8]!, { remove: [1, 5] }));
  for (const by of [2, 6, 0]) await everybody(by, await people[by]!.engine.commit(states[by]!, {}));
  const [x, y] = await Promise.all([device(provider!, 31), device(provider!, 32)]);
  const [kx, ky] = await Promise.all([keyPackageOf(x, "x25519"), keyPackageOf(y, "x25519")]);
  const add = [await accept(people[8]!, x, kx.keyPackage), await accept(people[8]!, y, ky.keyPackage)];
  const made = await people[8]!.engine.commit(states[8]!, { add });
  const joined = await x.engine.join(
    await x.engine.openWelcome(made.welcomes[0]!, kx, x.signatureKey),
    made.tree,
    nowSec,
  );
  expect(joined.group.members).toEqual(made.next.members);
  const { epoch } = stateOf(made.next);
  const { lifetimeConfig, authService } = defaultClientConfig;
  const hash = await treeHashOf(epoch.tree, epoch.suite);
  expect(
    await validateRatchetTree(
      epoch.tree,
      epoch.groupContext,
      lifetimeConfig,
      authService,
      hash,
      epoch.suite.impl,
    ),
  ).toBeInstanceOf(Error);
});
