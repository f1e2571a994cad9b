/**
 * Our order of the RFC's steps against the library's own: what the engine commits, ts-mls's processMessage follows, and what its createCommit
 * makes, the engine follows, as long as it makes a path.
 */
import { utf8 } from "@sotto/protocol";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import type { ClientState } from "ts-mls/clientState.js";
import { createCommit } from "ts-mls/createCommit.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import { processMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { describe, expect, test } from "vitest";
import { asClientState, stateOf } from "../../src/mls/group-state.ts";
import type { MlsGroup } from "../../src/mls/port.ts";
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
} from "../support/mls.ts";

const [provider] = mlsProviders;

/** The library's state of a group of ours, every leaf derived. */
async function asLibraryState(group: MlsGroup): Promise<ClientState> {
  const state = stateOf(group);
  const secretTree = [];
  for (let leaf = 0; 2 * leaf < state.epoch.tree.length; leaf++) {
    const { ratchets } = await openRatchets(state, leaf);
    secretTree.push(ratchets, ratchets);
  }
  return { ...asClientState(state.epoch), secretTree, clientConfig: defaultClientConfig };
}

describe.each(ciphersuites)("%s", (suite) => {
  test("the library follows what the engine commits", async () => {
    const people = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => device(provider!, n)));
    const [ann, bob] = people;
    let [a, b] = (await addAll(ann!, await newGroup(ann!, suite), people.slice(1, 5))).groups as [
      MlsGroup,
      MlsGroup,
    ];
    const { keyPackage } = await keyPackageOf(people[5]!, suite);
    const commits = [
      {},
      { remove: [2] },
      { add: [await accept(ann!, people[5]!, keyPackage)], groupData: utf8("new") },
      { remove: [3, 4], groupData: utf8("newer") },
      { remove: [2] },
    ];
    for (const changes of commits) {
      const { commit, next } = await ann!.engine.commit(a, changes);
      const message = decodeMlsMessage(commit, 0)![0];
      if (message.wireformat !== "mls_private_message") throw new Error("not a PrivateMessage");
      const { impl } = stateOf(b).epoch.suite;
      const library = await processMessage(
        message,
        await asLibraryState(b),
        emptyPskIndex,
        () => "accept",
        impl,
      );
      expect(library.newState.keySchedule).toEqual(stateOf(next).epoch.keySchedule);
      b = await follow(bob!, b, commit);
      a = next;
      expect(stateOf(b).epoch.keySchedule).toEqual(stateOf(a).epoch.keySchedule);
    }
    expect(a.members.length).toBe(2);
  });

  test("the engine follows what the library commits", async () => {
    const people = await Promise.all([1, 2, 3, 4].map((n) => device(provider!, n)));
    const [ann, bob] = people;
    const [a, b] = (await addAll(ann!, await newGroup(ann!, suite), people.slice(1))).groups as [
      MlsGroup,
      MlsGroup,
    ];
    const { impl } = stateOf(a).epoch.suite;
    const updated = await createCommit({ state: await asLibraryState(a), cipherSuite: impl });
    const after = await follow(bob!, b, encodeMlsMessage(updated.commit));
    expect(stateOf(after).epoch.keySchedule).toEqual(updated.newState.keySchedule);
    const extraProposals = [{ proposalType: "remove" as const, remove: { removed: 3 } }];
    const removed = await createCommit({ state: updated.newState, cipherSuite: impl }, { extraProposals });
    const last = await follow(bob!, after, encodeMlsMessage(removed.commit));
    expect(stateOf(last).epoch.keySchedule).toEqual(removed.newState.keySchedule);
  });
});
