/** The delivery service of one node: opens sessions, and ends them all when the server stops. */
import { DEFAULT_GROUP_COMMIT, GroupCommitter, type GroupCommitOptions } from "../group-commit.ts";
import type { DeliveryPorts, SessionOutput } from "./ports.ts";
import { SessionRegistry } from "./registry.ts";
import { Session, type Peer, type SessionContext } from "./session.ts";

/** Sessions, and what they share. */
export class Delivery {
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

  /** Stores all that was taken; resolves when it is durable. */
  flush(): Promise<void> {
    return this.#context.committer.flush();
  }
}
