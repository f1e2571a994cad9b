/** The delivery service of one node: opens sessions, and ends them all when the server stops. */
import type { AccountId, DeviceId } from "@sotto/protocol";
import type { AccountWatch } from "../recovery/desk.ts";
import { DEFAULT_GROUP_COMMIT, GroupCommitter, type GroupCommitOptions } from "../group-commit.ts";
import type { DeliveryPorts, SessionOutput } from "./ports.ts";
import { SessionRegistry } from "./registry.ts";
import { Session, type Peer, type SessionContext } from "./session.ts";

/** Sessions, and what they share. */
export class Delivery implements AccountWatch {
  readonly #context: SessionContext;

  constructor(ports: DeliveryPorts, commit: Partial<GroupCommitOptions> = {}) {
    this.#context = {
      ports,
      committer: new GroupCommitter(ports, { ...DEFAULT_GROUP_COMMIT, ...commit }),
      registry: new SessionRegistry(),
    };
  }

  /** A session for a connection that was just made. */
  open(peer: Peer, output: SessionOutput): Session {
    return new Session(this.#context, peer, output);
  }

  /** Ends the sessions of devices that were revoked. */
  revoked(account: AccountId, devices: readonly DeviceId[]): void {
    for (const device of devices) this.#context.registry.revoke(account, device);
  }

  /** Ends the sessions of an account that another took the place of. */
  replaced(account: AccountId): void {
    for (const session of this.#context.registry.ofAccount(account)) {
      session.end("sign_in_refused", "revoked", "the account was replaced");
    }
  }

  /** Tells the devices of an account of its reset. @param resetAtSec 0: none is pending. */
  resetChanged(account: AccountId, resetAtSec: number): void {
    for (const session of this.#context.registry.ofAccount(account)) session.resetChanged(resetAtSec);
  }

  /** Stores all that was taken; resolves when it is durable. */
  flush(): Promise<void> {
    return this.#context.committer.flush();
  }
}
