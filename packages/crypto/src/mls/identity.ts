/** Who a leaf is, from its credential, and what every leaf of ours says that it can do. */
import { concatBytes } from "@sotto/protocol";
import type { Capabilities } from "ts-mls/capabilities.js";
import type { Credential } from "ts-mls/credential.js";
import type { Extension } from "ts-mls/extension.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { check } from "./checks.ts";
import { CIPHERSUITE_NAMES } from "./ciphersuite.ts";
import type { MlsCiphersuite, MlsClient, MlsMember } from "./port.ts";

const idBytes = 16;

/** GroupContext extension with the group's data: a private-use number (RFC 9420 §17.3). */
export const GROUP_DATA_EXTENSION = 0xf501;
/** KeyPackage extension last_resort (RFC 9420 §16.8 leaves it to applications; number of draft-ietf-mls-extensions). */
export const LAST_RESORT_EXTENSION = 0x000a;

/** What our leaves say that they can do. */
export const CAPABILITIES: Capabilities = {
  versions: ["mls10"],
  ciphersuites: [CIPHERSUITE_NAMES["x-wing"], CIPHERSUITE_NAMES.x25519],
  extensions: [GROUP_DATA_EXTENSION, LAST_RESORT_EXTENSION],
  proposals: [],
  credentials: ["basic"],
};

/** The credential of a client. */
export function credentialOf(client: MlsClient): Credential {
  check(
    client.accountId.length === idBytes && client.deviceId.length === idBytes,
    "MLS-LEAF-1",
    "ids have 16 bytes",
  );
  return { credentialType: "basic", identity: concatBytes(client.accountId, client.deviceId) };
}

/** The client that a credential names. @throws ValidationError `mls_invalid` (MLS-LEAF-1). */
export function clientOf(credential: Credential): MlsClient {
  check(
    credential.credentialType === "basic" && credential.identity.length === 2 * idBytes,
    "MLS-LEAF-1",
    "a credential is basic and holds an account id and a device id",
  );
  const { identity } = credential;
  return { accountId: identity.slice(0, idBytes), deviceId: identity.slice(idBytes) };
}

/** What a leaf must say of itself whatever it came with. @throws ValidationError `mls_invalid`. */
export function checkLeaf(leaf: LeafNode, suite: MlsCiphersuite, publicKeyBytes: number): void {
  clientOf(leaf.credential);
  check(leaf.signaturePublicKey.length === 32, "MLS-LEAF-2", "a signature key has 32 bytes");
  check(leaf.hpkePublicKey.length === publicKeyBytes, "MLS-LEAF-3", "an encryption key fits its ciphersuite");
  const { versions, ciphersuites, extensions, credentials } = leaf.capabilities;
  check(
    versions.includes("mls10") &&
      ciphersuites.includes(CIPHERSUITE_NAMES[suite]) &&
      extensions.includes(GROUP_DATA_EXTENSION) &&
      credentials.includes("basic"),
    "MLS-LEAF-4",
    "a leaf can do what Sotto's groups need",
  );
  check(leaf.extensions.length === 0, "MLS-LEAF-5", "a leaf carries no extensions");
}

/** The member at a leaf; undefined for a blank. */
export function memberAt(tree: RatchetTree, leafIndex: number): MlsMember | undefined {
  const node = tree[2 * leafIndex];
  if (node?.nodeType !== "leaf") return undefined;
  return {
    leafIndex,
    ...clientOf(node.leaf.credential),
    signatureKey: Uint8Array.from(node.leaf.signaturePublicKey),
    fromKeyPackage: node.leaf.leafNodeSource === "key_package",
  };
}

/** Every member, in order of leaf index. */
export function membersOf(tree: RatchetTree): readonly MlsMember[] {
  const members: MlsMember[] = [];
  for (let leaf = 0; 2 * leaf < tree.length; leaf++) {
    const member = memberAt(tree, leaf);
    if (member !== undefined) members.push(member);
  }
  return members;
}

/** The group's data in a GroupContext's extensions; empty when there is none. */
export function groupDataOf(extensions: readonly Extension[]): Uint8Array {
  return extensions[0]?.extensionData ?? new Uint8Array();
}

/** GroupContext extensions that hold a group's data. */
export function groupDataExtensions(data: Uint8Array): Extension[] {
  return [{ extensionType: GROUP_DATA_EXTENSION, extensionData: Uint8Array.from(data) }];
}
