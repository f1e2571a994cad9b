/** The delivery service of one node: opens sessions, and ends them all when the server stops. */
import type { AccountId, DeviceList } from "@sotto/protocol";
import type { AccountWatch } from "../recovery/desk.ts";
import { DEFAULT_GROUP_COMMIT, GroupCommitter, type GroupCommitOptions } from "../group-commit.ts";
import { AccountChanges } from "./account-changes.ts";
import type { DeliveryPorts, SessionOutput } from "./ports.ts";
import { ListChanges } from "./list-changes.ts";
import { SessionRegistry } from "./registry.ts";
import { SharedReads } from "./shared-reads.ts";
import { Session, type Peer, type SessionContext } from "./session.ts";

/** Sessions, and what they share. */
export class Delivery implements AccountWatch {
  readonly #context: SessionContext;

  constructor(ports: DeliveryPorts, commit: Partial<GroupCommitOptions> = {}) {
    const registry = new SessionRegistry();
    const lists = new ListChanges(registry);
    this.#context = {
      ports,
      committer: new GroupCommitter(ports, { ...DEFAULT_GROUP_COMMIT, ...commit }),
      reads: new SharedReads(ports.store),
      registry,
      lists,
      accounts: new AccountChanges({ ports, registry, lists }),
    };
  }

  /** A session for a connection that was just made. */
  open(peer: Peer, output: SessionOutput): Session {
    return new Session(this.#context, peer, output);
  }

  /** Ends the sessions of devices that a new list revokes, and tells who knows an older one. */
  listChanged(account: AccountId, list: DeviceList): void {
    this.#context.accounts.listed(account, list);
  }

  /** Ends the sessions of an account that another took the place of, and tells who looked it up. */
  replaced(account: AccountId): void {
    this.#context.accounts.replaced(account);
  }

  /** Tells the devices of an account of its reset. @param resetAtSec 0: none is pending. */
  resetChanged(account: AccountId, resetAtSec: number): void {
    this.#context.accounts.resetChanged(account, resetAtSec);
  }

  /** Bytes of appends that wait to be stored. */
  get queuedBytes(): number {
    return this.#context.committer.queuedBytes;
  }

  /** Stores all that was taken; resolves when it is durable. */
  flush(): Promise<void> {
    return this.#context.committer.flush();
  }
}
