/**
 * MQTT 3.1.1 client for load: QoS 1 both ways, persistent sessions, one topic per user. Only the packets that this needs.
 * @see https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html
 */
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import {
  Batch,
  type Client,
  type Connection,
  type Handlers,
  type Purpose,
  eachOf,
  writeJoined,
} from "./client.ts";
import { sourceAddress } from "./websocket.ts";

const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;

/** A client of an MQTT broker on loopback. "Taken" is the broker's PUBACK. */
export function mqttClient(port: number): Client {
  const open = async (
    user: number,
    purpose: Purpose,
    handlers: Handlers,
    room = false,
  ): Promise<Connection> => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: sourceAddress(user), noDelay: true });
    await once(socket, "connect");
    const batch = new Batch((parts) => writeJoined(socket, parts));
    let answered: ((type: number) => void) | undefined;
    const parser = new PacketParser((type, flags, packet) => {
      if (type === PUBLISH) {
        // QoS 1: topic, packet id, payload. Acknowledged once it was handed over.
        const topicLength = packet.readUInt16BE(0);
        const qos = (flags >> 1) & 3;
        handlers.received(packet.subarray(topicLength + (qos === 0 ? 2 : 4)));
        if (qos > 0) batch.add(Buffer.from([0x40, 2, packet[topicLength + 2]!, packet[topicLength + 3]!]));
      } else if (type === PUBACK) handlers.taken(1);
      else answered?.(type);
    });
    socket.on("data", (chunk: Buffer) => parser.push(chunk));
    socket.on("error", handlers.failed);
    const onClose = (): void => handlers.failed(new Error("the broker closed the connection"));
    socket.on("close", onClose);

    const answer = (type: number): Promise<void> =>
      new Promise((resolve) => (answered = (got) => got === type && resolve()));
    const connected = answer(CONNACK);
    // Level 4; clean session only for those who just send; no keep-alive.
    socket.write(
      packet(0x10, [text("MQTT"), Buffer.from([4, purpose === "send" ? 2 : 0, 0, 0]), text(`user-${user}`)]),
    );
    await connected;
    if (purpose !== "send") {
      const subscribed = answer(SUBACK);
      socket.write(
        packet(0x82, [Buffer.from([0, 1]), text(room ? "room" : `inbox/${user}`), Buffer.from([1])]),
      );
      await subscribed;
    }
    let nextId = 1;
    return {
      send(to, body) {
        const id = nextId;
        nextId = nextId === 65_535 ? 1 : nextId + 1;
        batch.add(
          packet(0x32, [text(room ? "room" : `inbox/${to}`), Buffer.from([id >> 8, id & 255]), body]),
        );
      },
      close: () => disconnect(socket, onClose),
    };
  };
  return {
    async prepare(users, away) {
      if (!away) return;
      const idle: Handlers = { received() {}, taken() {}, failed() {} };
      await eachOf(users, 32, async (user) => (await open(user, "both", idle)).close());
    },
    connect: open,
    connectRoom: (user, handlers) => open(user, "both", handlers, true),
  };
}

async function disconnect(socket: Socket, onClose: () => void): Promise<void> {
  socket.off("close", onClose);
  if (socket.destroyed) return;
  const closed = once(socket, "close");
  socket.end(Buffer.from([0xe0, 0]));
  const late = setTimeout(() => socket.destroy(), 1000);
  await closed;
  clearTimeout(late);
}

function text(value: string): Buffer {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(value));
  bytes.writeUInt16BE(bytes.length - 2);
  bytes.write(value, 2);
  return bytes;
}

/** A control packet: first byte, remaining length, content. */
function packet(first: number, parts: readonly Buffer[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const head = [first];
  for (let rest = length; ;) {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    head.push(rest > 0 ? digit | 128 : digit);
    if (rest === 0) break;
  }
  return Buffer.concat([Buffer.from(head), ...parts], head.length + length);
}

/** Cuts a stream into control packets: type, flags, and what follows the fixed header (a view). */
export class PacketParser {
  #rest: Buffer = Buffer.alloc(0);
  readonly #onPacket: (type: number, flags: number, packet: Buffer) => void;

  constructor(onPacket: (type: number, flags: number, packet: Buffer) => void) {
    this.#onPacket = onPacket;
  }

  push(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (data.length - at >= 2) {
      let length = 0;
      let start = at + 1;
      let shift = 0;
      let more = true;
      while (more && start < data.length) {
        length += (data[start]! & 127) * 2 ** shift;
        more = data[start]! > 127;
        shift += 7;
        start++;
      }
      if (more || data.length < start + length) break;
      this.#onPacket(data[at]! >> 4, data[at]! & 15, data.subarray(start, start + length));
      at = start + length;
    }
    this.#rest = at === data.length ? Buffer.alloc(0) : data.subarray(at);
  }
}
