/**
 * What an account's devices tell each other, in a group of their own: what was decided about contacts, a new identity key, where a
 * linked device finds the history.
 */
import { LIMITS, equalBytes, toHex, type AccountSync } from "@sotto/protocol";
import { bindIdentifier, findContact, ensureContact, putContact } from "../contacts.ts";
import { markShownUpTo } from "../conversations.ts";
import { takeConversation } from "../deciding.ts";
import { takeDeleted } from "../deleting.ts";
import { pinned } from "../directory.ts";
import { isDisplayName } from "../display-name.ts";
import { wakeQueue } from "../groups/queue.ts";
import { bytesOf } from "../hex.ts";
import { lookUp } from "../lookups.ts";
import { wake } from "../outbox-queue.ts";
import { takeName, takeOwnName } from "../profile.ts";
import { findPlace } from "../message-names.ts";
import { names, type ContactRecord, type MessagePlace } from "../records.ts";
import type { Step } from "../step.ts";
import { keepOffer } from "./history-import.ts";
import { shareAgain } from "./let-in.ts";
import { sendSync } from "./own-group.ts";
import { goOnWithChange } from "./own-list.ts";

/** Tells the other devices what is decided about a contact; the backup follows. */
export async function tellContact(step: Step, contact: ContactRecord): Promise<void> {
  step.live.devices.backupDue = true;
  const value = contactState(contact);
  if (value !== undefined) await sendSync(step, { case: "contact", value });
}

/** Tells the other devices that messages of an account were shown here. */
export async function tellRead(step: Step, account: string, ids: readonly string[]): Promise<void> {
  await sendSync(step, {
    case: "read",
    value: {
      $typeName: "sotto.v1.ReadUpTo",
      accountId: bytesOf(account),
      messageIds: ids.slice(-LIMITS.maxReceiptsPerMessage).map(bytesOf),
    },
  });
}

async function takeRead(
  step: Step,
  account: string,
  ids: readonly Uint8Array[],
  atSec: number,
): Promise<void> {
  const places: MessagePlace[] = [];
  for (const id of ids) {
    const place = await findPlace(step.draft, { account, id: toHex(id) });
    if (place !== undefined) places.push(place);
  }
  await markShownUpTo(step, places, atSec);
}

/** What other devices, and the backup, are told of a contact; undefined while nobody knows its account. */
export function contactState(contact: ContactRecord) {
  if (contact.account === undefined || contact.acceptedKey === undefined) return undefined;
  return {
    $typeName: "sotto.v1.ContactState" as const,
    accountId: bytesOf(contact.account),
    identifier: contact.identifier ?? "",
    acceptedKey: contact.acceptedKey,
    verified: contact.verified,
    profile:
      contact.named === undefined
        ? undefined
        : {
            $typeName: "sotto.v1.Profile" as const,
            name: contact.named.name,
            changedAtMs: BigInt(contact.named.changedAtMs),
          },
  };
}

/** Takes in what another of the own devices says. */
export async function takeSync(
  step: Step,
  change: AccountSync["change"],
  { device, sentAtMs }: { readonly device: string; readonly sentAtMs: number },
): Promise<void> {
  switch (change.case) {
    case "contact":
      return takeContact(step, change.value);
    case "read":
      return takeRead(
        step,
        toHex(change.value.accountId),
        change.value.messageIds,
        Math.floor(sentAtMs / 1000),
      );
    case "identity":
      return takeIdentity(step, { privateKey: change.value.privateKey, publicKey: change.value.publicKey });
    case "history":
      return keepOffer(step, change.value);
    case "historyWanted":
      return shareAgain(step, device);
    case "conversation":
      return takeConversation(step, change.value);
    case "profile":
      return takeOwnName(step, { name: change.value.name, changedAtMs: Number(change.value.changedAtMs) });
    case "deleted":
      return takeDeleted(step, change.value);
    default:
      return undefined;
  }
}

/** Takes over what was decided elsewhere about a contact. */
export async function takeContact(
  step: Step,
  state: {
    readonly accountId: Uint8Array;
    readonly identifier: string;
    readonly acceptedKey: Uint8Array;
    readonly verified: boolean;
    readonly profile?: { readonly name: string; readonly changedAtMs: bigint } | undefined;
  },
): Promise<void> {
  const account = toHex(state.accountId);
  if (account === step.live.own.account) return;
  const named =
    state.identifier === "" ? undefined : await findContact(step.draft, { identifier: state.identifier });
  // Somebody may have written to the identifier here, and been written to from the account, before anything tied the two together.
  const contact =
    named !== undefined && named.account === undefined
      ? await bindIdentifier(step, state.identifier, account)
      : named?.account === account
        ? named
        : await ensureContact(step, { account });
  const identifier =
    contact.identifier ?? (named === undefined && state.identifier !== "" ? state.identifier : undefined);
  putContact(step, {
    ...contact,
    ...(identifier !== undefined && { identifier }),
    acceptedKey: state.acceptedKey,
    shownKey: contact.shownKey ?? state.acceptedKey,
    verified: state.verified,
  });
  wakeFor(step, contact);
  const known = await pinned(step, account);
  if (known !== undefined && !equalBytes(known.list.list.identityKey, state.acceptedKey)) {
    // Another device saw the key that was accepted before this one did.
    await lookUp(step, { account }, async (later) => {
      const present = await findContact(later.draft, { account });
      if (present !== undefined) wakeFor(later, present);
    });
  }
  const { profile } = state;
  if (profile !== undefined && (profile.name === "" || isDisplayName(profile.name))) {
    await takeName(step, account, { name: profile.name, changedAtMs: Number(profile.changedAtMs) });
  }
}

/** What waited for a change of identity to be acknowledged goes on. */
function wakeFor(step: Step, { id, conversations }: ContactRecord): void {
  wake(step, id);
  for (const conversation of conversations) wakeQueue(step, conversation);
}

/** A new identity key counts when the account's own list names it. */
async function takeIdentity(
  step: Step,
  next: { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array },
): Promise<void> {
  const adopt = async (now: Step): Promise<boolean> => {
    const known = await pinned(now, now.live.own.account);
    if (known === undefined || !equalBytes(known.list.list.identityKey, next.publicKey)) return false;
    now.live.own = { ...now.live.own, identityKey: next };
    now.draft.put(names.own, now.live.own);
    await goOnWithChange(now);
    return true;
  };
  if (await adopt(step)) return;
  await lookUp(step, { account: step.live.own.account }, async (later) => void (await adopt(later)));
}
