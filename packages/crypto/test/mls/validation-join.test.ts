/** The checks of Welcomes and of the tree that comes beside them (spec/VALIDATION.md). */
import { utf8 } from "@sotto/protocol";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { type LeafNode, signLeafNodeCommit } from "ts-mls/leafNode.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import type { ParentNode } from "ts-mls/parentNode.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { beforeAll, describe, expect, test } from "vitest";
import { stateOf } from "../../src/mls/group-state.ts";
import type { MlsGroup, NewKeyPackage } from "../../src/mls/port.ts";
import { keysAlongPath } from "../../src/mls/path.ts";
import { treeHashOf } from "../../src/mls/tree-hash.ts";
import { readTree } from "../../src/mls/tree-validation.ts";
import { encodeTree } from "../../src/mls/wire.ts";
import { decodedKeyPackage, forgedWelcome } from "../support/mls-forge.ts";
import {
  type Device,
  accept,
  addAll,
  device,
  follow,
  keyPackageOf,
  mlsProviders,
  newGroup,
  nowSec,
} from "../support/mls.ts";

const [provider] = mlsProviders;
let devices: Device[] = [];
/** A group of six of whom Ann is the first, after Dan's update, so that parents of several levels are filled. */
let group: MlsGroup;
let tree: RatchetTree;
/** What Zoe may join with: her KeyPackage is in Ann's last Commit. */
let zoe: Device;
let zoesKeys: NewKeyPackage;
let zoesPackage: KeyPackage;
let welcome: Uint8Array;
let treeBytes: Uint8Array;

beforeAll(async () => {
  devices = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => device(provider!, n)));
  zoe = await device(provider!, 26);
  const [ann, ...others] = devices;
  const { groups } = await addAll(ann!, await newGroup(ann!, "x25519"), others);
  const update = await devices[3]!.engine.commit(groups[3]!, {});
  const a = await follow(ann!, groups[0]!, update.commit);
  zoesKeys = await keyPackageOf(zoe, "x25519");
  zoesPackage = decodedKeyPackage(zoesKeys.keyPackage);
  const made = await ann!.engine.commit(a, { add: [await accept(ann!, zoe, zoesKeys.keyPackage)] });
  [welcome] = made.welcomes as [Uint8Array];
  group = made.next;
  treeBytes = made.tree;
  ({ tree } = stateOf(group).epoch);
});

const refused = (id: string, code = "mls_invalid") => ({ code, message: expect.stringContaining(`${id}:`) });
const join = async (bytes: Uint8Array, beside = treeBytes, now = nowSec) =>
  zoe.engine.join(await zoe.engine.openWelcome(bytes, zoesKeys, zoe.signatureKey), beside, now);

test("the Welcome as it is joins, and so does one from the forge", async () => {
  expect((await join(welcome)).group.members).toEqual(group.members);
  expect((await join(welcome)).sender.leafIndex).toBe(0);
  // From here on it is clear that the forge's Welcomes fail for what was altered.
  await expect(join(await forgedWelcome(group, zoesPackage))).rejects.toMatchObject(
    refused("MLS-WELCOME-14"),
  );
});

const reencoded = (alter: (w: { secrets: { newMember: Uint8Array }[] }) => object) => {
  const message = decodeMlsMessage(welcome, 0)![0];
  if (message.wireformat !== "mls_welcome") throw new Error("no Welcome");
  return encodeMlsMessage({ ...message, welcome: { ...message.welcome, ...alter(message.welcome) } });
};

describe("Welcomes", () => {
  test("MLS-WELCOME-1: a Welcome for nobody, or for two", async () => {
    for (const count of [0, 2]) {
      const bytes = reencoded(({ secrets }) => ({
        secrets: Array.from({ length: count }, () => secrets[0]!),
      }));
      expect(() => zoe.engine.welcomeRef(bytes)).toThrow(expect.objectContaining(refused("MLS-WELCOME-1")));
    }
    expect(zoe.engine.welcomeRef(welcome)).toEqual(zoesKeys.ref);
  });
  test("MLS-WELCOME-2: another ciphersuite than the KeyPackage's", async () => {
    const bytes = reencoded(() => ({ cipherSuite: "MLS_256_XWING_AES256GCM_SHA512_Ed25519" }));
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-2"));
  });
  test("MLS-WELCOME-3: a Welcome for another KeyPackage", async () => {
    const bytes = reencoded(({ secrets }) => ({
      secrets: [{ ...secrets[0]!, newMember: new Uint8Array(32) }],
    }));
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-3"));
  });
  test("MLS-WELCOME-4: the KeyPackage of another device", async () => {
    const opened = zoe.engine.openWelcome(welcome, zoesKeys, devices[0]!.signatureKey);
    await expect(opened).rejects.toMatchObject(refused("MLS-WELCOME-4"));
  });
  test("MLS-WELCOME-5: a Welcome that does not open", async () => {
    const other = await keyPackageOf(zoe, "x25519");
    const wrong = { keyPackage: zoesKeys.keyPackage, secrets: other.secrets };
    await expect(zoe.engine.openWelcome(welcome, wrong, zoe.signatureKey)).rejects.toMatchObject({
      code: "decryption_failed",
    });
    const bytes = reencoded(() => ({ encryptedGroupInfo: new Uint8Array(100) }));
    await expect(join(bytes)).rejects.toMatchObject({ code: "decryption_failed" });
  });
  test("MLS-WELCOME-6: a pre-shared key", async () => {
    const psks = [{ psktype: "external" as const, pskId: utf8("x"), pskNonce: new Uint8Array(32) }];
    const bytes = await forgedWelcome(group, zoesPackage, { secrets: (secrets) => ({ ...secrets, psks }) });
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-6"));
  });
  test.each(["external_pub", "ratchet_tree"] as const)(
    "MLS-WELCOME-7: a GroupInfo with %s (upstream #449)",
    async (extensionType) => {
      const extensions = [{ extensionType, extensionData: new Uint8Array(32) }];
      const bytes = await forgedWelcome(group, zoesPackage, { info: (info) => ({ ...info, extensions }) });
      await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-7"));
    },
  );
  test("MLS-WELCOME-8: an epoch over 53 bits", async () => {
    const bytes = await forgedWelcome(group, zoesPackage, { context: { epoch: 2n ** 60n } });
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-8"));
  });
  test("MLS-WELCOME-9: no group id, or one of 65 bytes", async () => {
    for (const length of [0, 65]) {
      const bytes = await forgedWelcome(group, zoesPackage, { context: { groupId: new Uint8Array(length) } });
      await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-9"));
    }
  });
  test("MLS-COMMIT-12: another extension of the group", async () => {
    const extensions = [{ extensionType: "external_senders" as const, extensionData: new Uint8Array() }];
    const bytes = await forgedWelcome(group, zoesPackage, { context: { extensions } });
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-COMMIT-12"));
  });
  test("MLS-WELCOME-10: signed by a blank leaf", async () => {
    for (const signer of [7, 4_000_000_000]) {
      const bytes = await forgedWelcome(group, zoesPackage, { info: (info) => ({ ...info, signer }) });
      await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-10"));
    }
  });
  test("MLS-WELCOME-11: signed by another than it says", async () => {
    const bytes = await forgedWelcome(group, zoesPackage, { signer: devices[1]! });
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-11", "signature_invalid"));
  });
  test("MLS-WELCOME-12: a tree without the own leaf", async () => {
    const other = await keyPackageOf(zoe, "x25519");
    const bytes = await forgedWelcome(group, decodedKeyPackage(other.keyPackage));
    const opened = await zoe.engine.openWelcome(bytes, other, zoe.signatureKey);
    await expect(zoe.engine.join(opened, treeBytes, nowSec)).rejects.toMatchObject(refused("MLS-WELCOME-12"));
  });
  test("MLS-WELCOME-13: a wrong confirmation tag", async () => {
    const bytes = await forgedWelcome(group, zoesPackage, {
      info: (info) => ({ ...info, confirmationTag: new Uint8Array(32) }),
    });
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-WELCOME-13"));
  });
  test("MLS-WELCOME-14: no path secret", async () => {
    await expect(join(await forgedWelcome(group, zoesPackage))).rejects.toMatchObject(
      refused("MLS-WELCOME-14"),
    );
  });
  test("MLS-PATH-1: a path secret that is not the tree's", async () => {
    const bytes = await forgedWelcome(group, zoesPackage, { pathSecret: new Uint8Array(32) });
    await expect(join(bytes)).rejects.toMatchObject(refused("MLS-PATH-1"));
  });
  test("MLS-PATH-2: a path secret of a node beside the committer's path", async () => {
    const { suite } = stateOf(group).epoch;
    for (const from of [2, 5, 9_999]) {
      await expect(keysAlongPath(tree, 0, from, new Uint8Array(32), suite)).rejects.toMatchObject(
        refused("MLS-PATH-2"),
      );
    }
  });
  test("MLS-WELCOME-15: a KeyPackage after its time", async () => {
    await expect(join(welcome, treeBytes, nowSec + 10 * 86_400)).rejects.toMatchObject(
      refused("MLS-WELCOME-15"),
    );
  });
});

/** Reads an altered tree under its own hash, so that only what was altered is wrong. */
async function verdict(altered: RatchetTree): Promise<unknown> {
  const { suite, groupContext } = stateOf(group).epoch;
  const hash = await treeHashOf(altered, suite).catch(() => new Uint8Array());
  return readTree(encodeTree(altered), suite, groupContext.groupId, hash).catch((error: unknown) => error);
}
const withNode = (index: number, node: RatchetTree[number]) =>
  tree.map((old, i) => (i === index ? node : old));
const leaf = (index: number, alter: Partial<LeafNode>): RatchetTree => {
  const node = tree[index];
  if (node?.nodeType !== "leaf") throw new Error("no leaf");
  return withNode(index, { nodeType: "leaf", leaf: { ...node.leaf, ...alter } as LeafNode });
};
const parent = (index: number, alter: Partial<ParentNode>): RatchetTree => {
  const node = tree[index];
  if (node?.nodeType !== "parent") throw new Error("no parent");
  return withNode(index, { nodeType: "parent", parent: { ...node.parent, ...alter } });
};
const leafAt = (index: number): LeafNode => {
  const node = tree[index];
  if (node?.nodeType !== "leaf") throw new Error("no leaf");
  return node.leaf;
};
const filled = () => tree.flatMap((node, i) => (node?.nodeType === "parent" ? [i] : []));

describe("ratchet trees", () => {
  test("the tree as it is", async () => {
    expect(encodeTree((await verdict(tree)) as RatchetTree)).toEqual(encodeTree(tree));
    expect(filled().length).toBeGreaterThan(2);
  });
  test("MLS-TREE-1: an encryption key twice", async () => {
    expect(await verdict(leaf(2, { hpkePublicKey: leafAt(4).hpkePublicKey }))).toMatchObject(
      refused("MLS-TREE-1"),
    );
  });
  test("MLS-TREE-2: a signature key twice", async () => {
    expect(await verdict(leaf(2, { signaturePublicKey: leafAt(4).signaturePublicKey }))).toMatchObject(
      refused("MLS-TREE-2"),
    );
  });
  test("MLS-TREE-3: a device twice", async () => {
    expect(await verdict(leaf(2, { credential: leafAt(4).credential }))).toMatchObject(refused("MLS-TREE-3"));
  });
  test("MLS-TREE-4: a leaf in a parent's place, a parent in a leaf's", async () => {
    expect(await verdict(withNode(1, tree[0]))).toMatchObject(refused("MLS-TREE-4"));
    expect(await verdict(withNode(2, tree[filled()[0]!]))).toMatchObject(refused("MLS-TREE-4"));
  });
  test("MLS-TREE-5: a parent's key of another length", async () => {
    expect(await verdict(parent(filled()[0]!, { hpkePublicKey: new Uint8Array(31) }))).toMatchObject(
      refused("MLS-TREE-5"),
    );
  });
  test("MLS-TREE-6: unmerged leaves out of order, range or place", async () => {
    const low = filled()[0]!;
    // With the second, the library would walk up for ever.
    for (const unmergedLeaves of [[1, 0], [4_000_000_000], [0, 0], [7], [6]]) {
      expect(await verdict(parent(low, { unmergedLeaves }))).toMatchObject(refused("MLS-TREE-6"));
    }
    const top = filled().at(-1)!;
    expect(await verdict(parent(7, { unmergedLeaves: [0] }))).toMatchObject(refused("MLS-TREE-6"));
    expect(top).toBeGreaterThan(6);
  });
  test("MLS-TREE-7: another tree than the Welcome's", async () => {
    const { suite, groupContext } = stateOf(group).epoch;
    const altered = encodeTree(leaf(2, { signature: new Uint8Array(64) }));
    await expect(readTree(altered, suite, groupContext.groupId, groupContext.treeHash)).rejects.toMatchObject(
      refused("MLS-TREE-7"),
    );
    await expect(join(welcome, altered)).rejects.toMatchObject(refused("MLS-TREE-7"));
  });
  test("MLS-TREE-8: a parent that no leaf answers for", async () => {
    const fresh = (await provider!.suites.x25519.kemGenerate()).publicKey;
    for (const index of filled()) {
      expect(await verdict(parent(index, { hpkePublicKey: fresh }))).toMatchObject(refused("MLS-TREE-8"));
    }
    expect(await verdict(parent(7, { parentHash: new Uint8Array(32) }))).toMatchObject(refused("MLS-TREE-8"));
  });
  test("MLS-TREE-9: a leaf that is signed for another place", async () => {
    const { suite, groupContext } = stateOf(group).epoch;
    const [own] = [leafAt(0)];
    if (own.leafNodeSource !== "commit") throw new Error("no leaf of a Commit");
    const { privateKey } = devices[0]!.signatureKey;
    const elsewhere = await signLeafNodeCommit(
      { ...own, groupId: groupContext.groupId, leafIndex: 5 },
      privateKey,
      suite.impl.signature,
    );
    expect(await verdict(withNode(0, { nodeType: "leaf", leaf: elsewhere }))).toMatchObject(
      refused("MLS-TREE-9", "signature_invalid"),
    );
  });
  test("MLS-TREE-10: a leaf that came by an Update", async () => {
    expect(await verdict(leaf(2, { leafNodeSource: "update" } as Partial<LeafNode>))).toMatchObject(
      refused("MLS-TREE-10"),
    );
  });
});
