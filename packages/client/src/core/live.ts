/**
 * What the client keeps in memory while it runs: everything here can be made again from the vault, and is, after a start and after
 * a failure of the storage.
 */
import type { VerifiedDeviceList } from "@sotto/crypto";
import { InternalError } from "@sotto/protocol";
import { loadTransfers, type TransferState } from "./attachments/state.ts";
import { loadDevices, type DevicesState } from "./devices/state.ts";
import { loadEarlyChanges, type EarlyChanges } from "./early-changes.ts";
import { loadExpiry, type ExpiryState } from "./expiry.ts";
import type { ClaimTurns } from "./groups/inviting.ts";
import { newKeyPackageState, type KeyPackageState } from "./groups/key-packages.ts";
import { loadQueues, type MlsQueues } from "./groups/queue.ts";
import type { SideReads } from "./groups/side-logs.ts";
import { loadGroups, type GroupsState } from "./groups/state.ts";
import { loadHeld, type HeldState } from "./held.ts";
import { newLookups, type LookupState } from "./lookups.ts";
import { loadOutbox, type OutboxState } from "./outbox-queue.ts";
import { names, type OwnAccount } from "./records.ts";
import { loadSearch, type SearchState } from "./search/state.ts";
import { newSession, type SessionState } from "./session.ts";
import type { View } from "./vault-store.ts";
import { type HeldItems, loadHeldItems } from "./groups/held-items.ts";

/** The state in memory. Each part belongs to the file that defines it. */
export interface Live {
  own: OwnAccount;
  lastOrder: number;
  /** Checked device lists by account, restored from the vault once. */
  readonly lists: Map<string, VerifiedDeviceList>;
  readonly session: SessionState;
  readonly lookups: LookupState;
  readonly outbox: OutboxState;
  readonly held: HeldState;
  readonly groups: GroupsState;
  readonly queues: MlsQueues;
  readonly heldItems: HeldItems;
  readonly sideReads: SideReads;
  readonly keyPackages: KeyPackageState;
  readonly claims: ClaimTurns;
  /** Accounts whose claimed identifier could not be asked for, and when to try again. */
  readonly claimsPutOff: Map<string, number>;
  readonly devices: DevicesState;
  readonly expiry: ExpiryState;
  readonly earlyChanges: EarlyChanges;
  readonly transfers: TransferState;
  readonly search: SearchState;
  /** How many notices are stored. */
  notices: number;
}

/** Makes the state from the vault. @throws StorageError. */
export async function loadLive(view: View): Promise<Live> {
  const own = await view.get(names.own);
  if (own === undefined) throw new InternalError("internal", "the vault holds no account");
  const lastOrder = (await view.get(names.lastOrder)) ?? 0;
  return {
    own,
    lastOrder,
    lists: new Map(),
    session: newSession((await view.get(names.cursor)) ?? 0),
    lookups: newLookups(),
    outbox: await loadOutbox(view),
    held: await loadHeld(view),
    groups: await loadGroups(view),
    queues: await loadQueues(view),
    heldItems: await loadHeldItems(view),
    sideReads: new Map(),
    keyPackages: newKeyPackageState(),
    claims: { active: 0, waiting: [] },
    claimsPutOff: new Map(),
    devices: await loadDevices(view),
    expiry: await loadExpiry(view),
    earlyChanges: await loadEarlyChanges(view),
    transfers: await loadTransfers(view),
    search: await loadSearch(view, lastOrder),
    notices: (await view.page(names.notices)).length,
  };
}
