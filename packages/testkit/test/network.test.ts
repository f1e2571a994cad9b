/** The simulated network itself: calm weather changes nothing, and each fault does what its name says. */
import { create } from "@bufbuild/protobuf";
import { AppendSchema, type ClientFrame, type ServerFrame } from "@sotto/protocol";
import type { ConnectionEvents, Transport } from "@sotto/client";
import { describe, expect, test } from "vitest";
import {
  SeededRandom,
  SimulatedNetwork,
  VirtualClock,
  type Weather,
  clientFrame,
  serverFrame,
} from "../src/index.ts";

const request = (n: number): ClientFrame =>
  clientFrame({ case: "append", value: create(AppendSchema, { request: n }) });

const hello = clientFrame({ case: "hello", value: {} });

/** A transport whose server answers every append with Done of the same number. */
function echo(): { transport: Transport; got: number[]; open: number } {
  const state = { got: [] as number[], open: 0, transport: undefined as unknown as Transport };
  state.transport = {
    connect: async (events) => {
      state.open++;
      return {
        send: (frames) => {
          const answers: ServerFrame[] = [];
          for (const { frame } of frames) {
            if (frame.case !== "append") continue;
            state.got.push(frame.value.request);
            answers.push(serverFrame({ case: "done", value: { request: frame.value.request } }));
          }
          events.frames(answers);
        },
        close: () => {
          state.open--;
          events.closed(undefined);
        },
      };
    },
    getServer: async () => ({
      publicKey: new Uint8Array(),
      version: "",
      protocolVersion: 1,
      serverTimeMs: 0,
      registrationOpen: true,
      classicAllowed: true,
    }),
    call: async () => new Uint8Array(),
    blobs: {
      put: async ({ bytes }) => bytes.length,
      progress: async () => 0,
      async *get() {
        for (let i = 0; i < 100; i++) yield Uint8Array.of(i);
      },
      delete: async () => {},
    },
  };
  return state;
}

async function setUp(weather: Partial<Weather>, seed = 5) {
  const clock = new VirtualClock(0);
  const network = new SimulatedNetwork(new SeededRandom(seed), clock, weather);
  const server = echo();
  const answered: number[] = [];
  const ends: (Error | undefined)[] = [];
  const events: ConnectionEvents = {
    frames: (frames) => {
      for (const { frame } of frames) if (frame.case === "done") answered.push(frame.value.request);
    },
    closed: (cause) => ends.push(cause),
  };
  const transport = network.wrap(server.transport);
  return {
    clock,
    network,
    server,
    answered,
    ends,
    transport,
    events,
    connection: await transport.connect(events, hello),
  };
}

async function playBadWeather(): Promise<readonly number[]> {
  const { clock, server, connection } = await setUp(
    { delayMs: [0, 30], breakChance: 0.01, duplicateChance: 0.1, reorderChance: 0.1 },
    99,
  );
  connection.send(numbers(100).map(request));
  await clock.advance(1_000);
  return server.got;
}

const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("the simulated network", () => {
  test("calm weather carries everything, once, in order", async () => {
    const { clock, server, answered, connection } = await setUp({});
    for (const n of numbers(100)) connection.send([request(n)]);
    await clock.advance(1);
    expect(server.got).toEqual(numbers(100));
    expect(answered).toEqual(numbers(100));
  });

  test("delays keep the order", async () => {
    const { clock, answered, connection } = await setUp({ delayMs: [5, 500] });
    connection.send(numbers(100).map(request));
    await clock.advance(4);
    expect(answered).toEqual([]);
    await clock.advance(1_000);
    expect(answered).toEqual(numbers(100));
  });

  test("frames are duplicated and reordered, none is lost", async () => {
    const { clock, network, server, connection } = await setUp({
      delayMs: [1, 50],
      duplicateChance: 0.2,
      reorderChance: 0.3,
    });
    connection.send(numbers(200).map(request));
    await clock.advance(1_000);
    expect(new Set(server.got).size).toBe(200);
    expect(server.got.length).toBeGreaterThan(200);
    expect(server.got).not.toEqual(server.got.toSorted((a, b) => a - b));
    expect(network.counts.duplicated).toBeGreaterThan(0);
    expect(network.counts.reordered).toBeGreaterThan(0);
  });

  test("a connection is cut in the middle of what is sent: a prefix arrives, and the end is told once", async () => {
    const { clock, server, ends, connection, transport, events } = await setUp({ breakChance: 0.02 }, 11);
    connection.send(numbers(200).map(request));
    await clock.advance(1);
    connection.send([request(201)]);
    await clock.advance(1);
    expect(server.got.length).toBeLessThan(200);
    expect(server.got.length).toBeGreaterThan(0);
    expect(server.got).toEqual(numbers(server.got.length));
    expect(ends.map((end) => (end as { code?: string } | undefined)?.code)).toEqual(["connection_lost"]);
    expect(server.open).toBe(0);
    await transport.connect(events, hello);
    expect(server.open).toBe(1);
  });

  test("a partition breaks what is up and lets nobody in until it heals", async () => {
    const { network, ends, transport, events } = await setUp({});
    network.partition();
    expect(ends.length).toBe(1);
    await expect(transport.connect(events, hello)).rejects.toMatchObject({ code: "server_unreachable" });
    await expect(transport.getServer()).rejects.toMatchObject({ code: "server_unreachable" });
    network.heal();
    await transport.connect(events, hello);
    await transport.getServer();
  });

  test("the same seed misbehaves in the same way", async () => {
    const got = await playBadWeather();
    expect(got.length).toBeGreaterThan(0);
    expect(await playBadWeather()).toEqual(got);
  });
});
