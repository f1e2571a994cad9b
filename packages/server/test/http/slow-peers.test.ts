/**
 * How fast a peer must take what waits for it. The socket stands in for a real one, whose buffers in the kernel cannot be made so small
 * that single bytes would show; real peers that take nothing are in session-socket.test.ts.
 */
import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { Connection, type SessionWebSocket } from "../../src/http/connection.ts";

/** A connection whose peer takes so many bytes between two sweeps. Returns after how many sweeps it was cut off. */
function sweepsUntilCut(takenPerSweep: number, waitingBytes: number, sweeps = 50): number | undefined {
  let cut = false;
  const socket = { readyState: 1, bufferedAmount: 0, ping() {}, terminate: () => (cut = true) };
  const stream = { bytesWritten: waitingBytes, writableLength: waitingBytes };
  const owner = { dirty() {}, signedIn() {} };
  const connection = new Connection(
    owner,
    socket as unknown as SessionWebSocket,
    stream as unknown as Duplex,
    "somewhere",
    0,
    0,
  );
  for (let sweep = 1; sweep <= sweeps; sweep++) {
    connection.heard = true;
    connection.sweep();
    if (cut) return sweep;
    // What was taken is replaced: something always waits.
    stream.bytesWritten += takenPerSweep;
  }
  return undefined;
}

test("a peer that reads a byte now and then is cut off like one that reads nothing", () => {
  expect(sweepsUntilCut(0, 1_000_000)).toBe(4);
  expect(sweepsUntilCut(1, 1_000_000)).toBe(4);
  expect(sweepsUntilCut(20_000, 1_000_000)).toBe(4);
});

test("a slow link is slow enough, and who has nothing waiting owes nothing", () => {
  expect(sweepsUntilCut(60_000, 1_000_000)).toBeUndefined();
  expect(sweepsUntilCut(0, 0)).toBeUndefined();
  expect(sweepsUntilCut(1, 0)).toBeUndefined();
});
