/**
 * Devices without a client core: accounts written straight into a server's database, and sessions that speak the frames
 * of the protocol. For tests that look at the server alone.
 */
import { createHash, randomBytes, sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import {
  TransportError,
  signInTranscript,
  type AccountId,
  type DeviceId,
  type LogId,
  type ServerFrame,
} from "@sotto/protocol";
import { clientFrame, decodeServerFrames, encodeClientFrames, type ClientFrameInit } from "@sotto/testkit";
import type { Store } from "@sotto/server";
import { openDataFolder } from "../../packages/server/src/adapters/data-folder.ts";
import { nodeCrypto } from "../../packages/server/src/adapters/node-crypto.ts";
import { openStore } from "../../packages/server/src/adapters/open-store.ts";
import { openSqliteStore } from "../../packages/server/src/adapters/sqlite/store.ts";
import { verifyFirstList } from "../../packages/server/src/core/device-lists.ts";
import { newAccount } from "../../packages/server/test/support/account.ts";

/** A device with its keys. */
export interface WireDevice {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly inbox: LogId;
  readonly key: KeyObject;
}

type Frame = NonNullable<ClientFrameInit>;

const nowSec = Math.floor(Date.now() / 1_000);

/** Adds accounts with one device each to the SQLite database of a server that does not run. */
export function addDevices(databasePath: string, count: number): Promise<WireDevice[]> {
  return addTo(openSqliteStore({ path: databasePath, nowSec }), count);
}

/** The same to the PostgreSQL database of a server, which its data folder belongs to. */
export async function addPostgresDevices(
  database: string,
  dataFolder: string,
  count: number,
): Promise<WireDevice[]> {
  const folder = await openDataFolder(dataFolder, false);
  const devices = await addTo((await openStore({ database }, folder, Date.now)).store, count);
  folder.release();
  return devices;
}

async function addTo(store: Store, count: number): Promise<WireDevice[]> {
  const devices: WireDevice[] = [];
  for (let n = 0; n < count; n++) {
    const { device: key, signed } = newAccount(nowSec);
    const change = verifyFirstList(signed, nodeCrypto, nowSec);
    const { account, devices: listed } = change;
    const { device, inbox } = listed[0] as (typeof listed)[0];
    const created = await store.createAccount(randomBytes(32), change, undefined);
    if (created !== "created") throw new Error(created);
    devices.push({ account, device, inbox, key: key.privateKey });
  }
  await store.close();
  return devices;
}

/** SHA-256. */
export const sha256 = (data: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha256").update(data).digest());

/** A session of a device; frames come to `onFrame` in order. */
export class WireSession {
  onFrame: (frame: ServerFrame["frame"]) => void = () => {};
  /** Resolves when the connection is gone. */
  readonly closed: Promise<unknown>;
  readonly #socket: WebSocket;
  readonly #patienceMs: number;
  #waiting: { wanted: string; found: (frame: ServerFrame["frame"]) => void } | undefined;

  private constructor(socket: WebSocket, patienceMs: number) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    this.closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("message", (data: Buffer) => {
      for (const { frame } of decodeServerFrames(data)) {
        if (frame.case === this.#waiting?.wanted) this.#waiting?.found(frame);
        this.onFrame(frame);
      }
    });
    socket.on("unexpected-response", (_request, { headers }: IncomingMessage) => {
      const retryAfterMs = Number(headers["retry-after"]) * 1_000;
      socket.emit("error", new TransportError("server_unreachable", "turned away", { retryAfterMs }));
    });
    // The server is killed under us: what was under way is simply not answered.
    socket.on("error", () => undefined);
  }

  /**
   * Connects and signs in.
   * @param fingerprint of the server's key, 32 bytes.
   * @param patienceMs for each answer.
   * @param localAddress to come from, of this machine.
   * @throws TransportError with `retryAfterMs` where the server turns us away at the door.
   */
  static async open(
    url: string,
    device: WireDevice,
    fingerprint: Uint8Array,
    patienceMs = 20_000,
    localAddress?: string,
  ): Promise<WireSession> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/session`, {
      handshakeTimeout: patienceMs,
      ...(localAddress !== undefined && { localAddress }),
    });
    const session = new WireSession(socket, patienceMs);
    try {
      await session.#signIn(device, fingerprint);
      return session;
    } catch (error) {
      socket.terminate();
      throw error;
    }
  }

  async #signIn({ account, device, key }: WireDevice, fingerprint: Uint8Array): Promise<void> {
    await once(this.#socket, "open");
    const clientNonce = new Uint8Array(randomBytes(32));
    const challenge = await this.ask(
      { case: "hello", value: { protocolVersion: 1, clientNonce } },
      "challenge",
    );
    if (challenge.case !== "challenge") throw new Error("no challenge");
    const { serverNonce } = challenge.value;
    const transcript = signInTranscript(clientNonce, serverNonce, fingerprint, account, device);
    const signature = sign(null, transcript, key);
    await this.ask(
      { case: "signIn", value: { accountId: account, deviceId: device, signature } },
      "signedIn",
    );
  }

  send(...frames: Frame[]): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(encodeClientFrames(frames.map((frame) => clientFrame(frame))));
  }

  /** Sends a frame and waits for one of a kind. @throws Error when it does not come. */
  ask(frame: Frame, wanted: NonNullable<ServerFrame["frame"]["case"]>): Promise<ServerFrame["frame"]> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${wanted}`)), this.#patienceMs);
      const closed = (): void => {
        clearTimeout(late);
        reject(new Error(`the connection closed before ${wanted}`));
      };
      this.#socket.once("close", closed);
      this.#waiting = {
        wanted,
        found: (got) => {
          clearTimeout(late);
          this.#socket.off("close", closed);
          this.#waiting = undefined;
          resolve(got);
        },
      };
      this.send(frame);
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}
