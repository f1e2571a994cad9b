/**
 * What a backup holds, into a fresh vault: people, decisions, groups, and the history below everything that this device will meet itself.
 * Groups come back without their keys, as ones that this device lost: it asks their members to be added anew.
 */
import { ID_BYTES, toHex, type BackupGroup, type BackupItem } from "@sotto/protocol";
import { takeConversation } from "../deciding.ts";
import { takeHistoryMessage } from "../devices/history-import.ts";
import { takeContact } from "../devices/syncing.ts";
import { startEngine } from "../engine.ts";
import type { Env } from "../env.ts";
import { parseGroupData } from "../groups/data.ts";
import { addLostGroup } from "../groups/state.ts";
import { takeOwnName } from "../profile.ts";
import type { Step } from "../step.ts";
import type { VaultStore } from "../vault-store.ts";

const tokenBytes = 32;
const mostGroups = 2_000;
const mostAccounts = 1_000;

/** Stores the items of a backup. The store, which holds the account already, stays open. @throws what reading them throws. */
export async function takeBackup(
  env: Env,
  store: VaultStore,
  items: AsyncIterable<BackupItem>,
): Promise<void> {
  const engine = await startEngine({ ...store, close: async () => {} }, undefined, env);
  try {
    for await (const { item } of items) await engine.run((step) => take(step, item));
  } finally {
    await engine.close();
  }
}

async function take(step: Step, item: BackupItem["item"]): Promise<void> {
  switch (item.case) {
    case "account": {
      const { profile } = item.value;
      if (profile === undefined) return undefined;
      return takeOwnName(step, { name: profile.name, changedAtMs: Number(profile.changedAtMs) });
    }
    case "contact":
      return takeContact(step, item.value);
    case "conversation":
      return takeConversation(step, item.value);
    case "group":
      return takeGroup(step, item.value);
    case "history":
      for (const message of item.value.messages) await takeHistoryMessage(step, message);
      return undefined;
    default:
      return undefined;
  }
}

async function takeGroup(step: Step, group: BackupGroup): Promise<void> {
  const id = toHex(group.logId);
  const { groups, own } = step.live;
  if (group.logId.length !== ID_BYTES || groups.byId.has(id) || groups.byId.size >= mostGroups) return;
  if (group.accountIds.length > mostAccounts || group.accountIds.some((one) => one.length !== ID_BYTES))
    return;
  const [epoch, cursor] = [Number(group.epoch), Number(group.cursor)];
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(cursor)) return;
  if (parseGroupData(group.data).kind !== "group") return;
  const accounts = [...new Set(group.accountIds.map(toHex))];
  const inUse = group.inUse && accounts.includes(own.account);
  await addLostGroup(step, {
    id,
    kind: "group",
    state: inUse ? "healing" : "left",
    ciphersuite: "x-wing",
    epoch,
    cursor,
    // Of no use, and never shown to the server: whoever lets this device in gives it others.
    token: step.env.crypto.randomBytes(tokenBytes),
    slot: toHex(step.env.crypto.randomBytes(ID_BYTES)),
    data: group.data,
    accounts,
    tasks: [],
    updateDueAtMs: 0,
    sentSinceUpdate: 0,
    ownSent: [],
    unread: 0,
    ...(inUse && { lost: { why: "own", atMs: step.env.nowMs() } }),
  });
}
