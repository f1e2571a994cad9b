/**
 * What changes about an account, and who hears of it: its sessions and those that looked it up, on this node at once, and on
 * the others by a notice that has them look at the store.
 */
import {
  AccountDeletionSchema,
  DeviceListSchema,
  SignedDeviceListSchema,
  accountId,
  decode,
  type AccountDeletion,
  type AccountId,
  type DeviceId,
  type DeviceList,
} from "@sotto/protocol";
import type { Notice } from "../bus.ts";
import type { ListChanges, ListWatcher } from "./list-changes.ts";
import type { DeliveryPorts } from "./ports.ts";
import type { Endable, SessionRegistry } from "./registry.ts";

/** What it works with. */
export interface AccountChangesDeps {
  readonly ports: Pick<DeliveryPorts, "bus" | "store" | "recovery" | "push" | "events">;
  readonly registry: SessionRegistry;
  readonly lists: ListChanges;
}

/** Tells whom an account's changes concern. */
export class AccountChanges {
  readonly #deps: AccountChangesDeps;

  constructor(deps: AccountChangesDeps) {
    this.#deps = deps;
    deps.ports.bus.hear((notice) => void this.#heard(notice));
  }

  /** A device has a session here: its sessions elsewhere end. */
  signedIn(account: AccountId, device: DeviceId, session: Endable): void {
    this.#deps.registry.add(account, device, session);
    this.#deps.ports.bus.tell({ type: "signed-in", account, device });
  }

  /** A list was published. @param publisher knows already. */
  listed(account: AccountId, list: DeviceList, publisher?: ListWatcher): void {
    this.#deps.lists.published(account, list, publisher);
    this.#tellOthers(account);
  }

  /** Another account took its place. */
  replaced(account: AccountId): void {
    this.#endReplaced(account);
    this.#tellOthers(account);
  }

  /** It was deleted. */
  deleted(account: AccountId, deletion: AccountDeletion): void {
    this.#endDeleted(account, deletion);
    this.#tellOthers(account);
  }

  /** A reset of it began or ended. @param resetAtSec 0: none is pending. */
  resetChanged(account: AccountId, resetAtSec: number): void {
    this.#tellReset(account, resetAtSec);
    this.#tellOthers(account);
  }

  #tellOthers(account: AccountId): void {
    this.#deps.ports.bus.tell({ type: "account-changed", account: accountId(Uint8Array.from(account)) });
  }

  #endReplaced(account: AccountId): void {
    const { lists, registry } = this.#deps;
    lists.gone(account);
    for (const session of registry.ofAccount(account)) {
      session.end("sign_in_refused", "revoked", "the account was replaced");
    }
  }

  #endDeleted(account: AccountId, deletion: AccountDeletion): void {
    const { lists, registry } = this.#deps;
    lists.gone(account);
    for (const session of registry.ofAccount(account)) session.accountDeleted(deletion);
  }

  #tellReset(account: AccountId, resetAtSec: number): void {
    for (const session of this.#deps.registry.ofAccount(account)) session.resetChanged(resetAtSec);
  }

  /** From another node. */
  async #heard(notice: Notice): Promise<void> {
    const { account } = notice;
    if (notice.type === "signed-in") {
      this.#deps.registry.supersede(account, notice.device);
      this.#deps.ports.push?.awakeElsewhere(account, notice.device);
      return;
    }
    try {
      await this.#refresh(account);
    } catch (error) {
      this.#deps.ports.events.sessionFailed(error);
    }
  }

  /** Looks at what the store has of an account. */
  async #refresh(account: AccountId): Promise<void> {
    const { store, recovery } = this.#deps.ports;
    const record = await store.accountById(account);
    const [signed] =
      record === undefined ? [] : await store.readDeviceLists(account, record.newestVersion, 1);
    if (signed === undefined) {
      const farewell = await store.readFarewell(account);
      if (farewell === undefined) this.#endReplaced(account);
      else this.#endDeleted(account, decode(AccountDeletionSchema, farewell));
      return;
    }
    const { list } = decode(SignedDeviceListSchema, signed);
    this.#deps.lists.published(account, decode(DeviceListSchema, list));
    this.#tellReset(account, await recovery.resetAtSec(account));
  }
}
