/** A vault's first content on a device that joins an account which exists: by a link, or by its recovery key. */
import type { RecoveryBackup } from "@sotto/protocol";
import { takeConversation } from "../deciding.ts";
import { takeOwnName } from "../profile.ts";
import { startEngine } from "../engine.ts";
import type { Env } from "../env.ts";
import type { DirectoryRecord, OwnAccount } from "../records.ts";
import { names } from "../records.ts";
import type { VaultStore } from "../vault-store.ts";
import { LINKED_FIRST_ORDER } from "./history-import.ts";
import type { HistoryAwaited } from "./history-wanted.ts";
import { takeContact } from "./syncing.ts";

/**
 * Stores the account. What this device meets from now on lies behind the history that others send. `recoveryKey`: when it is known.
 * `awaited`: the history that whoever let this device in is to send.
 */
export async function storeLinked(
  store: VaultStore,
  linked: {
    readonly own: OwnAccount;
    readonly directory: DirectoryRecord;
    readonly recoveryKey?: string;
    readonly awaited?: HistoryAwaited;
  },
): Promise<void> {
  const draft = store.draft();
  draft.put(names.own, linked.own);
  if (linked.recoveryKey !== undefined) draft.put(names.recoveryKey, linked.recoveryKey);
  draft.put(names.directory(linked.own.account), linked.directory);
  if (linked.awaited !== undefined) draft.put(names.historyAwaited, linked.awaited);
  draft.put(names.lastOrder, LINKED_FIRST_ORDER);
  await draft.commit();
}

/** Stores what a backup says of contacts and conversations. The store stays open. */
export async function restoreContacts(
  env: Env,
  store: VaultStore,
  { contacts, conversations, profile }: Pick<RecoveryBackup, "contacts" | "conversations" | "profile">,
): Promise<void> {
  const engine = await startEngine({ ...store, close: async () => {} }, undefined, env);
  try {
    await engine.run(async (step) => {
      for (const contact of contacts) await takeContact(step, contact);
      if (profile !== undefined) {
        await takeOwnName(step, { name: profile.name, changedAtMs: Number(profile.changedAtMs) });
      }
      for (const conversation of conversations) await takeConversation(step, conversation);
    });
  } finally {
    await engine.close();
  }
}
