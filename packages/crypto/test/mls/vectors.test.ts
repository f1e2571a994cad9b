/** The MLS working group's vectors on both providers: what the engine is made of, ours and the library's. */
import { toHex } from "@sotto/protocol";
import { decodeAuthenticatedContent } from "ts-mls/authenticatedContent.js";
import { determineLength } from "ts-mls/codec/variableLength.js";
import { decodeCommit, commitEncoder } from "ts-mls/commit.js";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { refhash } from "ts-mls/crypto/hash.js";
import { decryptWithLabel, encryptWithLabel } from "ts-mls/crypto/hpke.js";
import { deriveSecret, deriveTreeSecret, expandWithLabel } from "ts-mls/crypto/kdf.js";
import { signWithLabel, verifyWithLabel } from "ts-mls/crypto/signature.js";
import { verifyConfirmationTag } from "ts-mls/framedContent.js";
import { type GroupContext, encodeGroupContext } from "ts-mls/groupContext.js";
import { decodeGroupSecrets, encodeGroupSecrets } from "ts-mls/groupSecrets.js";
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from "ts-mls/groupInfo.js";
import { defaultKeyRetentionConfig } from "ts-mls/keyRetentionConfig.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { initializeEpoch, mlsExporter } from "ts-mls/keySchedule.js";
import { verifyLeafNodeSignature } from "ts-mls/leafNode.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import {
  protectApplicationData,
  protectProposal,
  unprotectPrivateMessage,
} from "ts-mls/messageProtection.js";
import { unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { updatePskSecret } from "ts-mls/presharedkey.js";
import { decodeProposal, encodeProposal } from "ts-mls/proposal.js";
import {
  addLeafNode,
  extendRatchetTree,
  removeLeafNode,
  resolution,
  updateLeafNode,
} from "ts-mls/ratchetTree.js";
import { deriveKey, deriveNonce } from "ts-mls/secretTree.js";
import { expandSenderDataKey, expandSenderDataNonce } from "ts-mls/sender.js";
import { createConfirmedHash, createInterimHash } from "ts-mls/transcriptHash.js";
import { leafWidth, left, parent, right, root, sibling, toLeafIndex, toNodeIndex } from "ts-mls/treemath.js";
import { applyUpdatePath, decodeUpdatePath, firstMatchAncestor } from "ts-mls/updatePath.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { describe, expect, test } from "vitest";
import { CIPHERSUITE_NAMES, ciphersuiteFor } from "../../src/mls/ciphersuite.ts";
import type { Suite } from "../../src/mls/group-state.ts";
import { takeGeneration } from "../../src/mls/ratchet.ts";
import { keysAlongPath } from "../../src/mls/path.ts";
import {
  asSecretTree,
  decodeLeafSecrets,
  encodeLeafSecrets,
  newSecretRecords,
  openLeaf,
} from "../../src/mls/secret-tree.ts";
import { isBelow, parentHashesHold, treeHashOf, treeHashes } from "../../src/mls/tree-hash.ts";
import { decodeAll, decodeMessage, decodeTreeNodes, encodeTree } from "../../src/mls/wire.ts";
import { hex } from "../support/bytes.ts";
import { mlsVectors } from "../support/mls-vectors.ts";
import { mlsProviders } from "../support/mls.ts";

type Texts = Record<string, string>;

const treeOf = (text: string) => extendRatchetTree(decodeTreeNodes(hex(text)));

const context = (vector: Record<string, unknown>, extra: Partial<GroupContext> = {}): GroupContext => ({
  version: "mls10",
  cipherSuite: CIPHERSUITE_NAMES.x25519,
  groupId: hex(vector.group_id as string),
  epoch: BigInt((vector.epoch as number | undefined) ?? 0),
  treeHash: hex((vector.tree_hash as string | undefined) ?? ""),
  confirmedTranscriptHash: hex((vector.confirmed_transcript_hash as string | undefined) ?? ""),
  extensions: [],
  ...extra,
});

describe("without a ciphersuite", () => {
  test("tree math", () => {
    type Case = { n_leaves: number; n_nodes: number; root: number } & Record<
      "left" | "right" | "parent" | "sibling",
      (number | null)[]
    >;
    for (const vector of mlsVectors<Case>("tree-math")) {
      const n = vector.n_leaves;
      expect(root(n)).toBe(vector.root);
      for (let i = 0; i < vector.n_nodes; i++) {
        const node = toNodeIndex(i);
        const children = vector.left[i] === null ? [null, null] : [left(node), right(node)];
        expect(children).toEqual([vector.left[i], vector.right[i]]);
        if (vector.parent[i] === null) continue;
        expect([parent(node, n), sibling(node, n)]).toEqual([vector.parent[i], vector.sibling[i]]);
        expect(isBelow(i, vector.parent[i]!)).toBe(true);
        expect(isBelow(i, vector.sibling[i]!)).toBe(false);
      }
    }
  });

  test("variable-size headers", () => {
    for (const { vlbytes_header, length } of mlsVectors<{ vlbytes_header: string; length: number }>(
      "deserialization",
    )) {
      expect(determineLength(hex(vlbytes_header)).length).toBe(length);
    }
  });

  test("messages encode to what they were decoded from", () => {
    const wires = {
      mls_welcome: "mls_welcome",
      mls_key_package: "mls_key_package",
      private_message: "mls_private_message",
    } as const;
    for (const vector of mlsVectors<Texts>("messages")) {
      for (const [field, wireformat] of Object.entries(wires)) {
        const bytes = hex(vector[field]!);
        expect(encodeMlsMessage(decodeMessage(bytes, wireformat, 1_000_000))).toEqual(bytes);
      }
      for (const field of [
        "mls_group_info",
        "public_message_application",
        "public_message_proposal",
        "public_message_commit",
      ]) {
        const bytes = hex(vector[field]!);
        expect(encodeMlsMessage(decodeAll(decodeMlsMessage, bytes, field))).toEqual(bytes);
      }
      expect(toHex(encodeTree(decodeTreeNodes(hex(vector.ratchet_tree!))))).toBe(vector.ratchet_tree);
      expect(
        toHex(encodeGroupSecrets(decodeAll(decodeGroupSecrets, hex(vector.group_secrets!), "GroupSecrets"))),
      ).toBe(vector.group_secrets);
      expect(toHex(encode(commitEncoder)(decodeAll(decodeCommit, hex(vector.commit!), "Commit")))).toBe(
        vector.commit,
      );
      // The vectors give a proposal's content alone; its type stands in front on the wire.
      const types = {
        add: 1,
        update: 2,
        remove: 3,
        pre_shared_key: 4,
        re_init: 5,
        external_init: 6,
        group_context_extensions: 7,
      };
      for (const [name, type] of Object.entries(types)) {
        const wire = `000${type}${vector[`${name}_proposal`]!}`;
        expect(toHex(encodeProposal(decodeAll(decodeProposal, hex(wire), name)))).toBe(wire);
      }
    }
  });
});

describe.each(mlsProviders)("X25519 on $crypto.name", (provider) => {
  const impl = ciphersuiteFor(provider, "x25519");
  const suite: Suite = { name: "x25519", impl, primitives: provider.suites.x25519 };
  test("crypto basics", async () => {
    type Case = Record<string, Texts & { length: number; generation: number }>;
    for (const vector of mlsVectors<Case>("crypto-basics")) {
      const {
        ref_hash,
        expand_with_label,
        derive_secret,
        derive_tree_secret,
        sign_with_label,
        encrypt_with_label,
      } = vector as Required<Case>;
      expect(toHex(await refhash(ref_hash!.label!, hex(ref_hash!.value!), impl.hash))).toBe(ref_hash!.out);
      const e = expand_with_label!;
      expect(
        toHex(await expandWithLabel(hex(e.secret!), e.label!, hex(e.context!), e.length, impl.kdf)),
      ).toBe(e.out);
      expect(toHex(await deriveSecret(hex(derive_secret!.secret!), derive_secret!.label!, impl.kdf))).toBe(
        derive_secret!.out,
      );
      const t = derive_tree_secret!;
      expect(toHex(await deriveTreeSecret(hex(t.secret!), t.label!, t.generation, t.length, impl.kdf))).toBe(
        t.out,
      );
      const s = sign_with_label!;
      expect(
        await verifyWithLabel(hex(s.pub!), s.label!, hex(s.content!), hex(s.signature!), impl.signature),
      ).toBe(true);
      expect(toHex(await signWithLabel(hex(s.priv!), s.label!, hex(s.content!), impl.signature))).toBe(
        s.signature,
      );
      const h = encrypt_with_label!;
      const open = async (kem: Uint8Array, ct: Uint8Array) =>
        toHex(
          await decryptWithLabel(
            await impl.hpke.importPrivateKey(hex(h.priv!)),
            h.label!,
            hex(h.context!),
            kem,
            ct,
            impl.hpke,
          ),
        );
      expect(await open(hex(h.kem_output!), hex(h.ciphertext!))).toBe(h.plaintext);
      const again = await encryptWithLabel(
        await impl.hpke.importPublicKey(hex(h.pub!)),
        h.label!,
        hex(h.context!),
        hex(h.plaintext!),
        impl.hpke,
      );
      expect(await open(again.enc, again.ct)).toBe(h.plaintext);
    }
  });

  test("key schedule", async () => {
    type Epoch = Texts & { exporter: Texts & { length: number } };
    for (const vector of mlsVectors<{ group_id: string; initial_init_secret: string; epochs: Epoch[] }>(
      "key-schedule",
    )) {
      let initSecret = hex(vector.initial_init_secret);
      for (const [i, epoch] of vector.epochs.entries()) {
        const groupContext = context({ ...epoch, group_id: vector.group_id, epoch: i });
        expect(toHex(encodeGroupContext(groupContext))).toBe(epoch.group_context);
        const made = await initializeEpoch(
          initSecret,
          hex(epoch.commit_secret!),
          groupContext,
          hex(epoch.psk_secret!),
          impl.kdf,
        );
        const { keySchedule } = made;
        const external = await impl.hpke.deriveKeyPair(keySchedule.externalSecret);
        const all = {
          joiner_secret: made.joinerSecret,
          welcome_secret: made.welcomeSecret,
          encryption_secret: made.encryptionSecret,
          init_secret: keySchedule.initSecret,
          sender_data_secret: keySchedule.senderDataSecret,
          exporter_secret: keySchedule.exporterSecret,
          external_secret: keySchedule.externalSecret,
          confirmation_key: keySchedule.confirmationKey,
          membership_key: keySchedule.membershipKey,
          resumption_psk: keySchedule.resumptionPsk,
          epoch_authenticator: keySchedule.epochAuthenticator,
          external_pub: await impl.hpke.exportPublicKey(external.publicKey),
        };
        for (const [field, value] of Object.entries(all))
          expect([field, toHex(value)]).toEqual([field, epoch[field]]);
        const { label, context: about, length, secret } = epoch.exporter;
        expect(toHex(await mlsExporter(keySchedule.exporterSecret, label!, hex(about!), length, impl))).toBe(
          secret,
        );
        initSecret = keySchedule.initSecret as typeof initSecret;
      }
    }
  });

  test("secret tree, also through its form on disk", async () => {
    type Leaf = { generation: number } & Texts;
    for (const vector of mlsVectors<{ encryption_secret: string; sender_data: Texts; leaves: Leaf[][] }>(
      "secret-tree",
    )) {
      const { sender_data_secret, ciphertext, key, nonce } = vector.sender_data;
      expect(toHex(await expandSenderDataKey(impl, hex(sender_data_secret!), hex(ciphertext!)))).toBe(key);
      expect(toHex(await expandSenderDataNonce(impl, hex(sender_data_secret!), hex(ciphertext!)))).toBe(
        nonce,
      );
      const count = vector.leaves.length;
      // From the last leaf to the first, so that subtrees are split in an order of their own.
      let records = newSecretRecords(count, hex(vector.encryption_secret), 0);
      for (let leaf = count - 1; leaf >= 0; leaf--) {
        records = records.map((record) => record && decodeLeafSecrets(encodeLeafSecrets(record)));
        const opened = (await openLeaf(records, leaf, count, impl.kdf))!;
        records = opened.records;
        for (const at of vector.leaves[leaf]!) {
          for (const name of ["application", "handshake"] as const) {
            const ratchet = opened.ratchets[name];
            const got = (await takeGeneration(ratchet, at.generation, impl))!;
            expect(toHex(got.key)).toBe(at[`${name}_key`]);
            expect(toHex(got.nonce)).toBe(at[`${name}_nonce`]);
          }
        }
        const { secret } = opened.ratchets.application;
        expect(toHex(await deriveKey(secret, 0, impl))).toBe(vector.leaves[leaf]![0]!.application_key);
        expect(toHex(await deriveNonce(secret, 0, impl))).toBe(vector.leaves[leaf]![0]!.application_nonce);
      }
      // All are derived, so nothing is left to derive from.
      expect(records.every((record) => Object.keys(record!.subtrees).length === 0)).toBe(true);
    }
  });

  test("message protection", async () => {
    for (const vector of mlsVectors<Texts>("message-protection")) {
      const groupContext = context(vector);
      const sender = 1;
      const opened = (await openLeaf(
        newSecretRecords(2, hex(vector.encryption_secret!), 0),
        sender,
        2,
        impl.kdf,
      ))!;
      const secrets = asSecretTree(sender, opened.ratchets);
      const tree = [undefined, undefined, { nodeType: "leaf", leaf: {} }] as unknown as ReturnType<
        typeof treeOf
      >;
      const [priv, pub, dataSecret] = [
        hex(vector.signature_priv!),
        hex(vector.signature_pub!),
        hex(vector.sender_data_secret!),
      ];
      const openPrivate = async (bytes: Uint8Array) => {
        const { privateMessage } = decodeMessage(bytes, "mls_private_message", 100_000);
        const { content } = await unprotectPrivateMessage(
          dataSecret,
          privateMessage,
          secrets,
          tree,
          groupContext,
          defaultKeyRetentionConfig,
          impl,
          pub,
        );
        return content.content;
      };
      const openPublic = async (bytes: Uint8Array) => {
        const { publicMessage } = decodeMessage(bytes, "mls_public_message", 100_000);
        return (
          await unprotectPublicMessage(
            hex(vector.membership_key!),
            groupContext,
            tree,
            publicMessage,
            impl,
            pub,
          )
        ).content;
      };
      const none = new Uint8Array();
      const padding = { kind: "padUntilLength", padUntilLength: 512 } as const;
      for (const open of [openPrivate, openPublic]) {
        const wire = open === openPrivate ? "priv" : "pub";
        const proposal = await open(hex(vector[`proposal_${wire}`]!));
        expect(proposal.contentType === "proposal" && toHex(encodeProposal(proposal.proposal))).toBe(
          vector.proposal,
        );
        const commit = await open(hex(vector[`commit_${wire}`]!));
        expect(commit.contentType === "commit" && toHex(encode(commitEncoder)(commit.commit))).toBe(
          vector.commit,
        );
      }
      const application = await openPrivate(hex(vector.application_priv!));
      expect(application.contentType === "application" && toHex(application.applicationData)).toBe(
        vector.application,
      );

      const ours = await protectApplicationData(
        priv,
        dataSecret,
        hex(vector.application!),
        none,
        groupContext,
        secrets,
        sender,
        padding,
        impl,
      );
      const again = await openPrivate(
        encodeMlsMessage({
          version: "mls10",
          wireformat: "mls_private_message",
          privateMessage: ours.privateMessage,
        }),
      );
      expect(again.contentType === "application" && toHex(again.applicationData)).toBe(vector.application);
      const proposal = decodeAll(decodeProposal, hex(vector.proposal!), "a proposal");
      const theirs = await protectProposal(
        priv,
        dataSecret,
        proposal,
        none,
        groupContext,
        secrets,
        sender,
        padding,
        impl,
      );
      const proposed = await openPrivate(
        encodeMlsMessage({
          version: "mls10",
          wireformat: "mls_private_message",
          privateMessage: theirs.privateMessage,
        }),
      );
      expect(proposed.contentType === "proposal" && toHex(encodeProposal(proposed.proposal))).toBe(
        vector.proposal,
      );
    }
  });

  test("pre-shared keys", async () => {
    for (const { psks, psk_secret } of mlsVectors<{ psks: Texts[]; psk_secret: string }>("psk_secret")) {
      let secret: Uint8Array = new Uint8Array(impl.kdf.size);
      for (const [i, psk] of psks.entries()) {
        const id = { psktype: "external" as const, pskId: hex(psk.psk_id!), pskNonce: hex(psk.psk_nonce!) };
        secret = await updatePskSecret(secret, id, hex(psk.psk!), i, psks.length, impl);
      }
      expect(toHex(secret)).toBe(psk_secret);
    }
  });

  test("transcript hashes", async () => {
    for (const vector of mlsVectors<Texts>("transcript-hashes")) {
      const { wireformat, content, auth } = decodeAll(
        decodeAuthenticatedContent,
        hex(vector.authenticated_content!),
        "content",
      );
      if (content.contentType !== "commit" || auth.contentType !== "commit") throw new Error("not a Commit");
      const confirmed = await createConfirmedHash(
        hex(vector.interim_transcript_hash_before!),
        { wireformat, content, signature: auth.signature },
        impl.hash,
      );
      expect(toHex(confirmed)).toBe(vector.confirmed_transcript_hash_after);
      expect(toHex(await createInterimHash(confirmed, auth.confirmationTag, impl.hash))).toBe(
        vector.interim_transcript_hash_after,
      );
      expect(
        await verifyConfirmationTag(
          hex(vector.confirmation_key!),
          auth.confirmationTag,
          confirmed,
          impl.hash,
        ),
      ).toBe(true);
    }
  });

  test("tree operations", async () => {
    for (const vector of mlsVectors<Texts & { proposal_sender: number }>("tree-operations")) {
      const before = treeOf(vector.tree_before!);
      expect(toHex(await treeHashOf(before, suite))).toBe(vector.tree_hash_before);
      const proposal = decodeAll(decodeProposal, hex(vector.proposal!), "a proposal");
      let after = before;
      if (proposal.proposalType === "add") after = addLeafNode(before, proposal.add.keyPackage.leafNode)[0];
      else if (proposal.proposalType === "remove")
        after = removeLeafNode(before, toLeafIndex(proposal.remove.removed));
      else if (proposal.proposalType === "update") {
        after = updateLeafNode(before, proposal.update.leafNode, toLeafIndex(vector.proposal_sender));
      } else throw new Error("another proposal");
      expect(toHex(encodeTree(after))).toBe(vector.tree_after);
      expect(toHex(await treeHashOf(after, suite))).toBe(vector.tree_hash_after);
    }
  });

  test("tree validation", async () => {
    type Case = { tree: string; group_id: string; tree_hashes: string[]; resolutions: number[][] };
    for (const vector of mlsVectors<Case>("tree-validation")) {
      const tree = treeOf(vector.tree);
      const hashes = await treeHashes(tree, suite);
      expect(hashes.map((hash) => toHex(hash))).toEqual(vector.tree_hashes);
      expect(tree.map((_, i) => resolution(tree, toNodeIndex(i)))).toEqual(vector.resolutions);
      expect(await parentHashesHold(tree, hashes, suite)).toBe(true);
      for (const [i, node] of tree.entries()) {
        if (node?.nodeType !== "leaf") continue;
        expect(await verifyLeafNodeSignature(node.leaf, hex(vector.group_id), i / 2, impl.signature)).toBe(
          true,
        );
      }
    }
  });

  test("TreeKEM", async () => {
    type Private = {
      index: number;
      encryption_priv: string;
      path_secrets: { node: number; path_secret: string }[];
    };
    type Update = {
      sender: number;
      update_path: string;
      path_secrets: (string | null)[];
      commit_secret: string;
      tree_hash_after: string;
    };
    type Case = Texts & { leaves_private: Private[]; update_paths: Update[] };
    for (const vector of mlsVectors<Case>("treekem")) {
      const tree = treeOf(vector.ratchet_tree!);
      const privates = new Map<number, Record<number, Uint8Array>>();
      for (const { index, encryption_priv, path_secrets } of vector.leaves_private) {
        const keys: Record<number, Uint8Array> = { [2 * index]: hex(encryption_priv) };
        for (const { node, path_secret } of path_secrets) {
          const { privateKey } = await suite.primitives.kemDerive(
            await deriveSecret(hex(path_secret), "node", impl.kdf),
          );
          keys[node] = privateKey;
        }
        privates.set(index, keys);
      }
      for (const update of vector.update_paths) {
        const path = decodeAll(decodeUpdatePath, hex(update.update_path), "an UpdatePath");
        const after = await applyUpdatePath(tree, toLeafIndex(update.sender), path, impl.hash);
        expect(toHex(await treeHashOf(after, suite))).toBe(update.tree_hash_after);
        const groupContext = context(vector, { treeHash: hex(update.tree_hash_after) });
        for (const { index } of vector.leaves_private) {
          if (index === update.sender) continue;
          const {
            nodeIndex,
            resolution: to,
            updateNode,
          } = firstMatchAncestor(after, toLeafIndex(index), toLeafIndex(update.sender), path);
          const keys = privates.get(index)!;
          const at = to.findIndex((node) => keys[node] !== undefined);
          const { kemOutput, ciphertext } = updateNode!.encryptedPathSecret[at]!;
          const key = await impl.hpke.importPrivateKey(keys[to[at]!]!);
          const secret = await decryptWithLabel(
            key,
            "UpdatePathNode",
            encodeGroupContext(groupContext),
            kemOutput,
            ciphertext,
            impl.hpke,
          );
          expect(toHex(secret)).toBe(update.path_secrets[index]);
          const along = await keysAlongPath(after, update.sender, nodeIndex, secret, suite);
          expect(toHex(along.commitSecret)).toBe(update.commit_secret);
        }
      }
      expect(leafWidth(tree.length)).toBeGreaterThan(1);
    }
  });

  test("Welcome", async () => {
    for (const vector of mlsVectors<Texts>("welcome")) {
      const { keyPackage } = decodeMessage(hex(vector.key_package!), "mls_key_package", 10_000);
      const { welcome } = decodeMessage(hex(vector.welcome!), "mls_welcome", 10_000);
      const ref = await makeKeyPackageRef(keyPackage, impl.hash);
      const secrets = (await decryptGroupSecrets(
        await impl.hpke.importPrivateKey(hex(vector.init_priv!)),
        ref,
        welcome,
        impl.hpke,
      ))!;
      const noPsk = new Uint8Array(impl.kdf.size);
      const info = (await decryptGroupInfo(welcome, secrets.joinerSecret, noPsk, impl))!;
      expect(await verifyGroupInfoSignature(info, hex(vector.signer_pub!), impl.signature)).toBe(true);
      expect(await verifyGroupInfoConfirmationTag(info, secrets.joinerSecret, noPsk, impl)).toBe(true);
    }
  });
});
