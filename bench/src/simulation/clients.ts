/**
 * Clients that come back: with the real client's own pauses (`backoffMs`, `hintedMs`), its patience of 15 s for a handshake, the server's of 10 s
 * for a sign-in, and all of their logs to attach, one after another, as the server's session does it.
 */
import { LIMITS } from "@sotto/protocol";
import { backoffMs, hintedMs } from "@sotto/client/reconnect";
import type { DatabaseModel } from "./database.ts";
import type { Engine } from "./engine.ts";
import { P } from "./parameters.ts";
import type { Station } from "./station.ts";

/** `handshakeMs` of packages/client/src/core/sync.ts. */
const handshakeMs = 15_000;
/** A refused connection, in milliseconds. */
const refusedMs = 10;
/** Attaches that are simulated as one: each waits for the one before it. */
const attachesAtOnce = 10;

/** How clients wait before they try again. */
export type Pauses = "as built" | "no jitter" | "no back-off";

/** What comes to a node while it attaches: all logs one by one, or all in one request that is answered by one statement. */
export type Attaching = "as built" | "one statement";

/** A node that clients come to. */
export interface Door {
  readonly thread: Station;
  isUp: boolean;
}

/** What the clients of a run share. */
export interface Crowd {
  readonly engine: Engine;
  readonly database: DatabaseModel;
  readonly doors: readonly Door[];
  readonly pauses: Pauses;
  readonly attaching: Attaching;
  /** Inbox and conversations. */
  readonly logs: number;
  tries: number;
  readonly signedIn: () => void;
}

/** Milliseconds before the next try. @param hintMs what a server that drained said; undefined: the connection broke. */
function pauseMs({ engine, pauses }: Crowd, failures: number, hintMs: number | undefined): number {
  const random = engine.random.float();
  if (hintMs !== undefined) return hintedMs(hintMs, pauses === "as built" ? random : 0.5);
  if (pauses === "as built") return backoffMs(failures, random);
  return pauses === "no jitter" ? backoffMs(failures, 0.5) : backoffMs(1, random);
}

/** A client that lost its connection comes back. @param attached called once, when it reads all of its logs, with the node that it is at. */
export function comeBack(crowd: Crowd, hintMs: number | undefined, attached: (door: Door) => void): void {
  const { engine, doors, database } = crowd;
  let failures = 0;
  const again = (hint: number | undefined): void => {
    if (hint === undefined) failures += 1;
    engine.after(pauseMs(crowd, failures, hint), attempt);
  };
  const attempt = (): void => {
    crowd.tries += 1;
    const up = doors.filter(({ isUp }) => isUp);
    const door = up[engine.random.integer(up.length)];
    if (door === undefined) {
      engine.after(refusedMs, () => again(undefined));
      return;
    }
    let state: "trying" | "in" | "gone" = "trying";
    const give = (): void => {
      if (state !== "trying") return;
      state = "gone";
      again(undefined);
    };
    engine.after(handshakeMs, give);
    door.thread.serve(P.upgradeMs, () => {
      engine.after(LIMITS.signInTimeoutMs, give);
      engine.after(P.clientRoundTripMs, () =>
        door.thread.serve(
          () => (state === "gone" ? 0 : P.signInMs - P.upgradeMs),
          () => {
            if (state === "gone") return;
            // The device and whether a reset runs: three reads, as an attach has them.
            database.read(P.attachDbUs / 1_000, () => {
              if (state === "gone") return;
              state = "in";
              crowd.signedIn();
              engine.after(P.clientRoundTripMs, () => attachAll(crowd, door, () => attached(door)));
            });
          },
        ),
      );
    });
  };
  again(hintMs);
}

function attachAll({ engine, database, attaching, logs }: Crowd, door: Door, done: () => void): void {
  const inOne = attaching === "one statement";
  let left = logs;
  const next = (): void => {
    if (left === 0) {
      done();
      return;
    }
    const now = inOne ? left : Math.min(left, attachesAtOnce);
    left -= now;
    const [nodeUs, dbUs] = inOne
      ? [P.readNodeUs + now * (3 * P.headNodeUs + P.frameUs), P.readDbUs + now * 3 * P.headDbUs]
      : [now * (P.attachNodeUs + P.ackNodeUs), now * (P.attachDbUs + P.ackDbUs)];
    door.thread.serve(nodeUs / 1_000, () =>
      database.read(dbUs / 1_000, () =>
        engine.after(inOne ? 0 : (3 * now - 1) * P.databaseRoundTripMs, next),
      ),
    );
  };
  next();
}
