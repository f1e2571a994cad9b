/** The MLS engine over ts-mls: the port's operations, each in a file of its own. */
import { UsageError } from "@sotto/protocol";
import { createGroup as libraryGroup } from "ts-mls/clientState.js";
import { mlsExporter } from "ts-mls/keySchedule.js";
import { ciphersuiteFor } from "./ciphersuite.ts";
import { makeCommit } from "./commit.ts";
import { type Suite, groupOf, stateOf } from "./group-state.ts";
import { groupDataExtensions } from "./identity.ts";
import { generate, newKeyPackage, readKeyPackage, verifyKeyPackage } from "./key-package.ts";
import { MLS_LIMITS } from "./limits.ts";
import { protectData, unprotectMessage } from "./message.ts";
import type { MlsCiphersuite, MlsEngine, MlsGroup } from "./port.ts";
import type { MlsProvider } from "./provider.ts";
import { applyStaged } from "./received-commit.ts";
import { decodeState, encodeState } from "./snapshot.ts";
import { joinWith, open, refOf } from "./welcome.ts";

/** Life of the first leaf's KeyPackage, in seconds: nobody ever sees it. */
const firstLeafLifetimeSec = 86_400;

/** An engine over a platform's primitives. */
export function createMlsEngine(provider: MlsProvider): MlsEngine {
  const made: Readonly<Record<MlsCiphersuite, Suite>> = {
    "x-wing": suiteOf(provider, "x-wing"),
    x25519: suiteOf(provider, "x25519"),
  };
  const suites = (name: MlsCiphersuite): Suite => made[name];
  return {
    createKeyPackage: (options) => newKeyPackage(suites(options.ciphersuite), options),
    readKeyPackage: (keyPackage) => readKeyPackage(suites, keyPackage),
    verifyKeyPackage,
    createGroup: (options) => newGroup(suites(options.ciphersuite), options),
    commit: (group, changes) => makeCommit(stateOf(group), changes),
    protect: (group, plaintext) => protectData(stateOf(group), plaintext),
    unprotect: (group, message) => unprotectMessage(stateOf(group), message),
    missed: (group) =>
      stateOf(group).secrets.flatMap((record, leafIndex) => {
        const count = Object.keys(record?.ratchets?.application.unusedGenerations ?? {}).length;
        return count > 0 ? [{ leafIndex, count }] : [];
      }),
    applyCommit: applyStaged,
    async exportSecret(group, label, context, length) {
      if (!Number.isInteger(length) || length < 1 || length > MLS_LIMITS.maxExportBytes) {
        throw new UsageError("usage", "an exported secret has 1 to 8,160 bytes");
      }
      const { keySchedule, suite } = stateOf(group).epoch;
      return mlsExporter(keySchedule.exporterSecret, label, context, length, suite.impl);
    },
    welcomeRef: refOf,
    openWelcome: (welcome, keyPackage, signatureKey) => open(suites, welcome, keyPackage, signatureKey),
    join: joinWith,
    snapshot: (group) => encodeState(stateOf(group)),
    restore: async (snapshot, signatureKey) =>
      groupOf(decodeState(snapshot, signatureKey.privateKey, suites)),
  };
}

function suiteOf(provider: MlsProvider, name: MlsCiphersuite): Suite {
  return { name, impl: ciphersuiteFor(provider, name), primitives: provider.suites[name] };
}

async function newGroup(suite: Suite, options: Parameters<MlsEngine["createGroup"]>[0]): Promise<MlsGroup> {
  const { groupId, groupData, client, signatureKey, nowSec } = options;
  if (groupId.length < 1 || groupId.length > MLS_LIMITS.maxGroupIdBytes) {
    throw new UsageError("usage", "a group id has 1 to 64 bytes");
  }
  if (groupData.length > MLS_LIMITS.maxGroupDataBytes) {
    throw new UsageError("usage", "a group's data have at most 65,535 bytes");
  }
  const { publicPackage, privatePackage } = await generate(suite, {
    client,
    signatureKey,
    notBeforeSec: nowSec,
    notAfterSec: nowSec + firstLeafLifetimeSec,
    lastResort: false,
  });
  const state = await libraryGroup(
    Uint8Array.from(groupId),
    publicPackage,
    privatePackage,
    groupDataExtensions(groupData),
    suite.impl,
  );
  // The library derived the whole secret tree of one leaf; ours derives on demand, so its ratchets stand there already.
  const [ratchets] = state.secretTree;
  return groupOf({
    epoch: {
      suite,
      groupContext: state.groupContext,
      keySchedule: state.keySchedule,
      tree: state.ratchetTree,
      privatePath: state.privatePath,
      signaturePrivateKey: state.signaturePrivateKey,
      confirmationTag: state.confirmationTag,
    },
    secrets: [{ ratchets, subtrees: {} }],
  });
}
