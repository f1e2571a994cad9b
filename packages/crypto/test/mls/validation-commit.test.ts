/** The checks of Commits, their paths and the tree that they leave (spec/VALIDATION.md), each against a member that does otherwise. */
import { utf8 } from "@sotto/protocol";
import type { Commit } from "ts-mls/commit.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import { signLeafNodeCommit } from "ts-mls/leafNode.js";
import type { Proposal } from "ts-mls/proposal.js";
import type { UpdatePath } from "ts-mls/updatePath.js";
import { beforeAll, describe, expect, test } from "vitest";
import { GROUP_DATA_EXTENSION } from "../../src/mls/identity.ts";
import { stateOf } from "../../src/mls/group-state.ts";
import { applyChanges } from "../../src/mls/tree-changes.ts";
import type { MlsGroup } from "../../src/mls/port.ts";
import {
  byValue,
  decodedKeyPackage,
  forgedCommit,
  forgedKeyPackage,
  honestPath,
} from "../support/mls-forge.ts";
import {
  type Device,
  accept,
  addAll,
  device,
  follow,
  keyPackageOf,
  mlsProviders,
  newGroup,
} from "../support/mls.ts";

const [provider] = mlsProviders;
let [ann, bob, cyd, dan]: Device[] = [];
/** Ann forges; Bob and Cyd read. */
let [a, b, c]: MlsGroup[] = [];
let path: UpdatePath;
let danPackage: KeyPackage;

beforeAll(async () => {
  [ann, bob, cyd, dan] = await Promise.all([1, 2, 3, 4].map((n) => device(provider!, n)));
  [a, b, c] = (await addAll(ann!, await newGroup(ann!, "x25519"), [bob!, cyd!])).groups;
  ({ path } = await honestPath(a!));
  danPackage = decodedKeyPackage((await keyPackageOf(dan!, "x25519")).keyPackage);
});

const refused = (id: string, code = "mls_invalid") => ({ code, message: expect.stringContaining(`${id}:`) });
const epoch = () => stateOf(a!).epoch;

/** What Bob says of a Commit that Ann forged; that afterwards his state works on as before. */
async function verdict(commit: Commit): Promise<unknown> {
  const message = await forgedCommit(a!, commit);
  const error = await bob!.engine.unprotect(b!, message).then(
    () => "taken",
    (cause: unknown) => cause,
  );
  const next = await ann!.engine.protect(a!, utf8("still here"));
  expect(await bob!.engine.unprotect(b!, next.message)).toMatchObject({ plaintext: utf8("still here") });
  return error;
}

const withProposals = (...proposals: Proposal[]): Commit => ({ proposals: proposals.map(byValue), path });
const remove = (removed: number): Proposal => ({ proposalType: "remove", remove: { removed } });
const add = (keyPackage: KeyPackage): Proposal => ({ proposalType: "add", add: { keyPackage } });
const extensions = (...list: [number, Uint8Array][]): Proposal => ({
  proposalType: "group_context_extensions",
  groupContextExtensions: {
    extensions: list.map(([extensionType, extensionData]) => ({ extensionType, extensionData })),
  },
});

describe("Commits", () => {
  const update: Proposal = { proposalType: "update", update: { leafNode: {} as never } };
  test.each<[string, () => Commit]>([
    ["MLS-COMMIT-1: a leaf removed twice", () => withProposals(remove(1), remove(1))],
    ["MLS-COMMIT-2: the committer removes itself", () => withProposals(remove(0))],
    ["MLS-COMMIT-3: a blank leaf is removed", () => withProposals(remove(3))],
    ["MLS-COMMIT-3: a leaf beyond the tree is removed", () => withProposals(remove(4_000_000_000))],
    [
      "MLS-COMMIT-8: only an Add, without a path",
      () => ({ proposals: [byValue(add(danPackage))], path: undefined }),
    ],
    [
      "MLS-COMMIT-8: a single Remove, without a path (upstream #436)",
      () => ({ proposals: [byValue(remove(2))], path: undefined }),
    ],
    ["MLS-COMMIT-9: 4,097 proposals", () => withProposals(...Array.from({ length: 4_097 }, () => remove(1)))],
    [
      "MLS-COMMIT-10: a proposal by reference",
      () => ({ proposals: [{ proposalOrRefType: "reference", reference: new Uint8Array(32) }], path }),
    ],
    [
      "MLS-COMMIT-11: a ReInit",
      () =>
        withProposals({
          proposalType: "reinit",
          reinit: {
            groupId: utf8("x"),
            version: "mls10",
            cipherSuite: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
            extensions: [],
          },
        }),
    ],
    [
      "MLS-COMMIT-11: a pre-shared key",
      () =>
        withProposals({
          proposalType: "psk",
          psk: { preSharedKeyId: { psktype: "external", pskId: utf8("x"), pskNonce: new Uint8Array(32) } },
        }),
    ],
    [
      "MLS-COMMIT-11: an ExternalInit",
      () => withProposals({ proposalType: "external_init", externalInit: { kemOutput: new Uint8Array(32) } }),
    ],
    [
      "MLS-COMMIT-11: a proposal of an unknown type",
      () => withProposals({ proposalType: 0xf0f0, proposalData: utf8("x") }),
    ],
    [
      "MLS-COMMIT-12: an extension beside the group's data",
      () => withProposals(extensions([GROUP_DATA_EXTENSION, utf8("x")], [0xf777, utf8("y")])),
    ],
    [
      "MLS-COMMIT-12: the group's data twice",
      () =>
        withProposals(
          extensions([GROUP_DATA_EXTENSION, utf8("x")]),
          extensions([GROUP_DATA_EXTENSION, utf8("y")]),
        ),
    ],
    ["MLS-COMMIT-12: no extension at all", () => withProposals(extensions())],
    ["MLS-COMMIT-13: a wrong confirmation tag", () => withProposals()],
  ])("%s", async (title, commit) => {
    expect(await verdict(commit())).toMatchObject(refused(title.slice(0, title.indexOf(":"))));
  });

  test("MLS-COMMIT-11: an Update, also of leaf 0 (upstream #647)", async () => {
    const leafNode = { ...epoch().tree[0]!, nodeType: "leaf" as const };
    if (!("leaf" in leafNode) || leafNode.leaf.leafNodeSource !== "commit")
      throw new Error("no leaf of a Commit");
    const { parentHash: _hash, ...leaf } = leafNode.leaf;
    const proposal = {
      ...update,
      update: { leafNode: { ...leaf, leafNodeSource: "update" as const } },
    } as Proposal;
    expect(await verdict(withProposals(proposal))).toMatchObject(refused("MLS-COMMIT-11"));
  });

  test("MLS-COMMIT-4: more than 4,096 leaves", () => {
    const full = Array.from({ length: 8_191 }, (_, i) => (i % 2 === 0 ? epoch().tree[0] : undefined));
    expect(() => applyChanges(full, 0, [], [danPackage])).toThrow(
      expect.objectContaining(refused("MLS-COMMIT-4")),
    );
    expect(applyChanges(full, 0, [1], [danPackage]).added).toEqual([1]);
  });

  test("MLS-COMMIT-5: who cannot make a path makes no Commit", async () => {
    // A leaf to whose key nothing can be sealed; it cannot come in by any checked way.
    const state = stateOf(a!);
    const tree = state.epoch.tree.slice();
    const leaf = tree[2]!;
    if (leaf.nodeType !== "leaf") throw new Error("no leaf");
    tree[2] = { nodeType: "leaf", leaf: { ...leaf.leaf, hpkePublicKey: new Uint8Array(32) } };
    const { makeCommit } = await import("../../src/mls/commit.ts");
    await expect(makeCommit({ ...state, epoch: { ...state.epoch, tree } }, {})).rejects.toMatchObject({
      code: "key_invalid",
    });
    const broken = state.epoch.tree.slice();
    broken[0] = undefined;
    await expect(makeCommit({ ...state, epoch: { ...state.epoch, tree: broken } }, {})).rejects.toMatchObject(
      refused("MLS-COMMIT-5"),
    );
  });

  test("MLS-COMMIT-6: one's own Commit comes back", async () => {
    const { commit } = await ann!.engine.commit(a!, {});
    expect(await ann!.engine.unprotect(a!, commit)).toEqual({ type: "own-commit" });
  });

  test("MLS-COMMIT-7: after one's own removal there is no next state", async () => {
    const { commit } = await ann!.engine.commit(a!, { remove: [1] });
    const opened = await bob!.engine.unprotect(b!, commit);
    if (opened.type !== "commit") throw new Error("no Commit");
    expect(opened.commit).toMatchObject({ removesSelf: true, removed: [{ leafIndex: 1 }] });
    expect(() => bob!.engine.applyCommit(opened.commit)).toThrow(
      expect.objectContaining(refused("MLS-COMMIT-7")),
    );
  });

  test("MLS-KP-2, MLS-KP-6: what a KeyPackage must be holds in a Commit as well", async () => {
    const impl = epoch().suite.impl;
    const late = await forgedKeyPackage(dan!, impl, "x25519", {
      whole: (whole) => ({ ...whole, cipherSuite: "MLS_256_XWING_AES256GCM_SHA512_Ed25519" }),
    });
    expect(await verdict(withProposals(add(late)))).toMatchObject(refused("MLS-KP-2"));
    expect(await verdict(withProposals(add({ ...danPackage, signature: new Uint8Array(64) })))).toMatchObject(
      refused("MLS-KP-6"),
    );
  });
});

describe("the tree that a Commit leaves", () => {
  test("MLS-TREE-1: a key of the path is a leaf's, another node's, or in it twice (upstream #627)", async () => {
    const bobs = epoch().tree[2]!;
    if (bobs.nodeType !== "leaf") throw new Error("no leaf");
    for (const altered of [await pathWithKey(2, bobs.leaf.hpkePublicKey), await pathWithKey(3)]) {
      expect(await verdict({ proposals: [], path: altered })).toMatchObject(refused("MLS-TREE-1"));
    }
  });

  test("MLS-TREE-1: two KeyPackages with one encryption key", async () => {
    const impl = epoch().suite.impl;
    const eve = await device(provider!, 5);
    const twin = await forgedKeyPackage(eve, impl, "x25519", {
      leaf: (leaf) => ({ ...leaf, hpkePublicKey: danPackage.leafNode.hpkePublicKey }),
    });
    const packages = [danPackage, twin];
    const forged = await honestPath(a!, { add: packages });
    expect(await verdict({ proposals: packages.map(add).map(byValue), path: forged.path })).toMatchObject(
      refused("MLS-TREE-1"),
    );
  });

  test("MLS-TREE-2: a signature key that is there already", async () => {
    const impl = epoch().suite.impl;
    const double = await forgedKeyPackage({ ...cyd!, client: dan!.client }, impl, "x25519", {});
    const forged = await honestPath(a!, { add: [double] });
    expect(await verdict({ proposals: [byValue(add(double))], path: forged.path })).toMatchObject(
      refused("MLS-TREE-2"),
    );
  });

  test("MLS-TREE-3: a device that is there already", async () => {
    const impl = epoch().suite.impl;
    const double = await forgedKeyPackage({ ...dan!, client: cyd!.client }, impl, "x25519", {});
    const forged = await honestPath(a!, { add: [double] });
    expect(await verdict({ proposals: [byValue(add(double))], path: forged.path })).toMatchObject(
      refused("MLS-TREE-3"),
    );
    // Whoever is removed in the same Commit may come back in it.
    const fresh = await keyPackageOf(cyd!, "x25519");
    const again = await ann!.engine.commit(a!, {
      remove: [2],
      add: [await accept(ann!, cyd!, fresh.keyPackage)],
    });
    expect((await follow(bob!, b!, again.commit)).members.length).toBe(3);
  });
});

/** Ann's path with another key at one node (2 is the lowest), or the key before it; parent hashes and signature are made to fit. */
async function pathWithKey(which: number, key?: Uint8Array): Promise<UpdatePath> {
  const { hpke } = epoch().suite.impl;
  let calls = 0;
  let before: Awaited<ReturnType<typeof hpke.deriveKeyPair>>["publicKey"];
  // The library derives the leaf's keys first and then the nodes', from the lowest up.
  const { path: made } = await honestPath(a!, {
    impl: {
      hpke: {
        ...hpke,
        deriveKeyPair: async (ikm) => {
          const pair = await hpke.deriveKeyPair(ikm);
          const publicKey =
            ++calls === which ? ((key as typeof before | undefined) ?? before) : pair.publicKey;
          before = publicKey;
          return { ...pair, publicKey };
        },
      },
    },
  });
  return made;
}

/** Ann's leaf with something altered, signed again. */
async function leafWith(alter: Partial<UpdatePath["leafNode"]>, leafIndex = 0): Promise<UpdatePath> {
  const { groupContext, signaturePrivateKey, suite } = epoch();
  const tbs = { ...path.leafNode, ...alter, groupId: groupContext.groupId, leafIndex };
  const leafNode = await signLeafNodeCommit(tbs, signaturePrivateKey, suite.impl.signature);
  return { ...path, leafNode };
}
const identity = (client: Device["client"]) => Uint8Array.from([...client.accountId, ...client.deviceId]);

describe("paths", () => {
  test("MLS-PATH-1: a path secret that is not the public key's", async () => {
    const { suite } = epoch();
    const poisoned = await honestPath(a!, {
      impl: {
        hpke: {
          ...suite.impl.hpke,
          seal: (key, plaintext, info, aad) =>
            suite.impl.hpke.seal(
              key,
              plaintext.map((byte) => byte ^ 1),
              info,
              aad,
            ),
        },
      },
    });
    expect(await verdict({ proposals: [], path: poisoned.path })).toMatchObject(refused("MLS-PATH-1"));
  });
  test("MLS-PATH-3: the committer becomes another device, or takes another key", async () => {
    const other = await leafWith({
      credential: { credentialType: "basic", identity: identity(dan!.client) },
    });
    expect(await verdict({ proposals: [], path: other })).toMatchObject(refused("MLS-PATH-3"));
    const key = await leafWith({ signaturePublicKey: dan!.signatureKey.publicKey });
    expect(await verdict({ proposals: [], path: key })).toMatchObject(refused("MLS-PATH-3"));
  });
  test("MLS-PATH-4: a leaf that is signed for another place", async () => {
    expect(await verdict({ proposals: [], path: await leafWith({}, 1) })).toMatchObject(
      refused("MLS-PATH-4"),
    );
  });
  test("MLS-PATH-5: a key to which nobody can seal", async () => {
    const small = await leafWith({ hpkePublicKey: new Uint8Array(32) });
    expect(await verdict({ proposals: [], path: small })).toMatchObject(refused("MLS-PATH-5"));
    const node = { ...path, nodes: path.nodes.map((n) => ({ ...n, hpkePublicKey: new Uint8Array(32) })) };
    expect(await verdict({ proposals: [], path: node })).toMatchObject(refused("MLS-PATH-5"));
  });
  test("MLS-PATH-6: a path of another length, or with a wrong parent hash", async () => {
    expect(await verdict({ proposals: [], path: { ...path, nodes: path.nodes.slice(1) } })).toMatchObject(
      refused("MLS-PATH-6"),
    );
    const hash = await leafWith({ parentHash: new Uint8Array(32) } as Partial<UpdatePath["leafNode"]>);
    expect(await verdict({ proposals: [], path: hash })).toMatchObject(refused("MLS-PATH-6"));
  });
  test("MLS-PATH-7: a path secret that does not open", async () => {
    const garbled = path.nodes.map((node) => ({
      ...node,
      encryptedPathSecret: node.encryptedPathSecret.map((sealed) => ({
        ...sealed,
        ciphertext: sealed.ciphertext.map((byte) => byte ^ 1),
      })),
    }));
    expect(await verdict({ proposals: [], path: { ...path, nodes: garbled } })).toMatchObject({
      code: "decryption_failed",
    });
    const { groupContext } = epoch();
    expect(groupContext.epoch).toBe(BigInt(b!.epoch));
  });
  test("MLS-PATH-8: a member who is left out of the path", async () => {
    const short = path.nodes.map((node, i) => (i === 0 ? { ...node, encryptedPathSecret: [] } : node));
    expect(await verdict({ proposals: [], path: { ...path, nodes: short } })).toMatchObject(
      refused("MLS-PATH-8"),
    );
    // Cyd would open hers, and must refuse as well: or the group splits.
    const message = await forgedCommit(a!, { proposals: [], path: { ...path, nodes: short } });
    await expect(cyd!.engine.unprotect(c!, message)).rejects.toMatchObject(refused("MLS-PATH-8"));
  });
});
