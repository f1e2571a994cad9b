/**
 * What a CPU profile of the server says by kind of work. A sample counts for the innermost frame that a kind claims, so that what the server
 * calls counts for itself: a write to a socket is a write, whoever asked for it.
 *
 * The profiler sees JavaScript and what it calls. Polling and reading from sockets happen before JavaScript is called, and look idle.
 */
import type { CpuProfile } from "./profile.ts";

/** A kind of work, and what it took. */
export interface WorkTime {
  readonly kind: string;
  readonly ms: number;
}

type Frame = CpuProfile["nodes"][number]["callFrame"];

const named =
  (...names: readonly string[]) =>
  ({ functionName }: Frame): boolean =>
    names.includes(functionName);
const within =
  (...places: readonly RegExp[]) =>
  ({ url }: Frame): boolean =>
    places.some((place) => place.test(url));

const uncounted = "(not counted)";

/** In this order: the first that claims a frame has it. */
const kinds: readonly (readonly [string, (frame: Frame) => boolean])[] = [
  [uncounted, named("(idle)")],
  // The program is loaded once, whatever it does then.
  [uncounted, within(/^node:internal\/modules\//, /amaro/, /^wasm:/)],
  ["garbage collection", named("(garbage collector)")],
  ["socket writes", named("writev", "writeBuffer", "writeUtf8String", "writeLatin1String")],
  // BEGIN and COMMIT are what a transaction calls itself; its statements are called from the tables.
  ["SQLite: COMMIT and the wait for its fsync", named("#transaction")],
  ["SQLite: statements", within(/\/adapters\/sqlite\//)],
  [
    "signatures, hashes, random numbers",
    within(/^node:(?:internal\/)?crypto/, /node-crypto\.ts$/, /challenger\.ts$/),
  ],
  // Two files write and read.
  ["encoding", named("encodeMessage", "valueBytes", "putField", "putBytes", "putVarint", "varintBytes")],
  [
    "encoding",
    within(
      /frame-batch\.ts$/,
      /\/frames\.ts$/,
      /websocket-frame\.ts$/,
      /@bufbuild\/protobuf\/.*\/(?:to-binary|create)\.js$/,
    ),
  ],
  [
    "decoding",
    within(
      /client-frames\.ts$/,
      /sign-in-frames\.ts$/,
      /session\/wire\.ts$/,
      /protocol\/src\/(?:codec|scan)\.ts$/,
      /@bufbuild\/protobuf\/.*\/from-binary\.js$/,
    ),
  ],
  [
    "WebSocket, HTTP and streams",
    within(/\/node_modules\/ws\//, /^node:(?:internal\/)?(?:net|stream|_http|streams)/),
  ],
  ["metrics", within(/prom-client/, /server\/src\/events\.ts$/)],
  ["limits and quotas", within(/core\/(?:rate-limit|quota)\.ts$/)],
  ["group commit, sessions, readers", within(/server\/src\//)],
];
const rest = "everything else";

/** Time by kind of work, the greatest first. */
export function workTimes({ nodes, samples, timeDeltas }: CpuProfile): WorkTime[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const kindOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = byId.get(at)?.callFrame;
      const kind = frame && kinds.find(([, claims]) => claims(frame));
      if (kind !== undefined) return kind[0];
    }
    return rest;
  };
  const kindById = new Map(nodes.map(({ id }) => [id, kindOf(id)]));
  const times = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const kind = kindById.get(id) ?? rest;
    if (kind === uncounted) continue;
    times.set(kind, (times.get(kind) ?? 0) + Math.max(0, timeDeltas[i] ?? 0) / 1000);
  }
  return [...times].map(([kind, ms]) => ({ kind, ms })).sort((a, b) => b.ms - a.ms);
}
