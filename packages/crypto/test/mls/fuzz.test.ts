/** Every decoder of the engine against seeded inputs: typed errors only, in bounded time, and nothing that is taken reads in two ways. */
import { SottoError, equalBytes } from "@sotto/protocol";
import { SeededRandom } from "@sotto/testkit";
import { encodeMlsMessage } from "ts-mls/message.js";
import {
  encodePrivateContentAAD,
  encodePrivateMessageContent,
  encryptSenderData,
} from "ts-mls/privateMessage.js";
import type { Proposal } from "ts-mls/proposal.js";
import { describe, expect, test } from "vitest";
import { stateOf } from "../../src/mls/group-state.ts";
import { decodeLeafSecrets, encodeLeafSecrets } from "../../src/mls/secret-tree.ts";
import { takeGeneration } from "../../src/mls/ratchet.ts";
import { decodeState, openRatchets } from "../../src/mls/snapshot.ts";
import { readTree } from "../../src/mls/tree-validation.ts";
import { decodeMessage, decodeTreeNodes, encodeTree } from "../../src/mls/wire.ts";
import { fuzz } from "../support/fuzz.ts";
import { byValue, honestPath } from "../support/mls-forge.ts";
import { type Device, accept, addAll, device, keyPackageOf, mlsProviders, newGroup } from "../support/mls.ts";

const [provider] = mlsProviders;
const count = 100_000;
const seed = Number(process.env.SOTTO_SEED ?? 20_261_124);

/** One of each thing that comes from outside or from disk. */
async function samples() {
  const people = await Promise.all([1, 2, 3, 4].map((n) => device(provider!, n)));
  const [ann, bob, , dan] = people as [Device, Device, Device, Device];
  const { groups } = await addAll(ann, await newGroup(ann, "x25519"), people.slice(1, 3));
  const [a, b] = [groups[0]!, groups[1]!];
  const keys = await keyPackageOf(dan, "x25519");
  const added = await ann.engine.commit(a, { add: [await accept(ann, dan, keys.keyPackage)] });
  const message = await ann.engine.protect(a, new Uint8Array(20));
  return { ann, bob, dan, a, b, keys, added, message };
}

describe(`from seed ${seed}`, () => {
  test("MLSMessages of each kind: 100,000 inputs each", async () => {
    const { keys, added, message } = await samples();
    for (const [kind, bytes] of [
      ["mls_key_package", keys.keyPackage],
      ["mls_welcome", added.welcomes[0]!],
      ["mls_private_message", message.message],
    ] as const) {
      const result = fuzz(
        (input) => {
          const decoded = decodeMessage(input, kind, 65_536);
          if (!equalBytes(encodeMlsMessage(decoded), input)) throw new Error("read in two ways");
        },
        { seed, count, valid: [bytes], codes: ["malformed", "too_large", "mls_invalid"] },
      );
      expect(result.accepted).toBeGreaterThan(1_000);
      expect(result.refused).toBeGreaterThan(5_000);
    }
  });

  test("ratchet trees: 100,000 inputs", async () => {
    const { added } = await samples();
    const result = fuzz(
      (input) => {
        if (!equalBytes(encodeTree(decodeTreeNodes(input)), input)) throw new Error("read in two ways");
      },
      { seed, count, valid: [added.tree], codes: ["malformed", "too_large", "mls_invalid"] },
    );
    expect(result.accepted).toBeGreaterThan(1_000);
    expect(result.refused).toBeGreaterThan(5_000);
  });

  test("snapshots and their records: 100,000 inputs each", async () => {
    const { bob, b } = await samples();
    const { base, secrets } = bob.engine.snapshot(b);
    const { suite } = stateOf(b).epoch;
    const codes = ["vault_damaged"];
    const bases = fuzz(
      (input) => void decodeState({ base: input, secrets }, new Uint8Array(32), () => suite),
      {
        seed,
        count,
        valid: [base],
        codes,
      },
    );
    const records = fuzz((input) => void encodeLeafSecrets(decodeLeafSecrets(input)), {
      seed,
      count,
      valid: secrets.map(({ bytes }) => bytes),
      codes,
    });
    expect(Math.min(bases.refused, records.refused)).toBeGreaterThan(5_000);
    expect(Math.min(bases.accepted, records.accepted)).toBeGreaterThan(1_000);
  });

  test("the whole way in: 4,000 altered KeyPackages, messages, Commits, Welcomes and trees each", async () => {
    const { ann, bob, dan, b, keys, added, message } = await samples();
    const { suite, groupContext } = stateOf(added.next).epoch;
    const before = bob.engine.snapshot(b);
    const ways: readonly [Uint8Array, (input: Uint8Array) => Promise<unknown>][] = [
      [keys.keyPackage, (input) => ann.engine.readKeyPackage(input)],
      [message.message, (input) => bob.engine.unprotect(b, input)],
      [added.commit, (input) => bob.engine.unprotect(b, input)],
      [added.welcomes[0]!, (input) => dan.engine.openWelcome(input, keys, dan.signatureKey)],
      [added.tree, (input) => readTree(input, suite, groupContext.groupId, groupContext.treeHash)],
    ];
    const random = new SeededRandom(seed);
    for (const [valid, way] of ways) {
      let refused = 0;
      for (let i = 0; i < 4_000; i++) {
        const input = valid.slice();
        for (let changes = 1 + random.integer(3); changes > 0; changes--) {
          const at = random.integer(input.length);
          input[at] = input[at]! ^ (1 << random.integer(8));
        }
        if (equalBytes(input, valid)) continue;
        const error: unknown = await way(input).then(
          () => "taken",
          (cause: unknown) => cause,
        );
        if (!(error instanceof SottoError)) {
          throw new Error(`seed ${seed}, input ${i}: ${Buffer.from(input).toString("base64")}`, {
            cause: error,
          });
        }
        refused++;
      }
      expect(refused).toBeGreaterThan(3_900);
    }
    expect(bob.engine.snapshot(b)).toEqual(before);
  }, 120_000);

  test("what a member seals: 4,000 altered contents of a Commit and of a message each", async () => {
    const { bob, a, b } = await samples();
    const before = bob.engine.snapshot(b);
    const { epoch } = stateOf(a);
    const { impl } = epoch.suite;
    const { ratchets } = await openRatchets(stateOf(a), 0);
    const senderData = { leafIndex: 0, generation: 0, reuseGuard: new Uint8Array(4) as never };
    const { path } = await honestPath(a);
    const remove: Proposal = { proposalType: "remove", remove: { removed: 2 } };
    const auth = { signature: new Uint8Array(64), confirmationTag: new Uint8Array(32) };
    const encode = encodePrivateMessageContent({ kind: "padUntilLength", padUntilLength: 0 });
    const contents = {
      commit: encode({
        contentType: "commit",
        commit: { proposals: [byValue(remove)], path },
        auth: { ...auth, contentType: "commit" },
      }),
      application: encode({
        contentType: "application",
        applicationData: new Uint8Array(20),
        auth: { ...auth, contentType: "application" },
      }),
    };
    const random = new SeededRandom(seed);
    for (const contentType of ["commit", "application"] as const) {
      const ratchet = contentType === "commit" ? ratchets.handshake : ratchets.application;
      const { key, nonce } = (await takeGeneration(ratchet, 0, impl))!;
      const frame = { ...epoch.groupContext, contentType, authenticatedData: new Uint8Array() };
      for (let i = 0; i < 4_000; i++) {
        const content = contents[contentType].slice(0, 1 + random.integer(contents[contentType].length));
        for (let changes = random.integer(6); changes > 0; changes--)
          content[random.integer(content.length)] = random.integer(256);
        const ciphertext = await impl.hpke.encryptAead(key, nonce, encodePrivateContentAAD(frame), content);
        const encryptedSenderData = await encryptSenderData(
          epoch.keySchedule.senderDataSecret,
          senderData,
          frame,
          ciphertext,
          impl,
        );
        const privateMessage = { ...frame, ciphertext, encryptedSenderData };
        const message = encodeMlsMessage({
          version: "mls10",
          wireformat: "mls_private_message",
          privateMessage,
        });
        const error: unknown = await bob.engine.unprotect(b, message).then(
          () => "taken",
          (cause: unknown) => cause,
        );
        if (!(error instanceof SottoError)) throw new Error(`seed ${seed}, content ${i}`, { cause: error });
      }
    }
    expect(bob.engine.snapshot(b)).toEqual(before);
  }, 120_000);

  test("the largest inputs are decoded in bounded time", async () => {
    const { a } = await samples();
    const leaf = stateOf(a).epoch.tree[0];
    const full = Array.from({ length: 8_191 }, (_, i) => (i % 2 === 0 ? leaf : undefined));
    expect(decodeTreeNodes(encodeTree(full)).length).toBe(8_191);
    for (const byte of [0, 1, 0x40, 0x80, 0xff]) {
      const large = new Uint8Array(16_777_216).fill(byte);
      expect(() => decodeTreeNodes(large)).toThrow(SottoError);
      expect(() => decodeMessage(large, "mls_private_message", 16_777_216)).toThrow(SottoError);
    }
  }, 20_000);
});
