/**
 * One device of the load: connects through the balancer, again and again, signs in, and asks. It does what any client must: gives a
 * connection up that does not answer, and comes back after a moment.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerFrame } from "@sotto/protocol";
import type { ClientFrameInit } from "@sotto/testkit";
import { WireSession, type WireDevice } from "../support/wire-device.ts";

/** Longest that an answer is waited for. */
export const patienceMs = 3_000;
const pauseMs = 150;

type Frame = ServerFrame["frame"];
/** A request without its number. */
export type Request = (request: number) => NonNullable<ClientFrameInit>;

/** Where a client connects. */
export interface Entrance {
  readonly url: string;
  readonly fingerprint: Uint8Array;
}

/** A connection that is signed in. */
export class Line {
  readonly #session: WireSession;
  readonly #waiting = new Map<number, (frame: Frame | undefined) => void>();
  /** What is no answer. */
  onFrame: (frame: Frame) => void = () => {};
  #requests = 0;
  #isOpen = true;

  private constructor(session: WireSession) {
    this.#session = session;
    session.onFrame = (frame) => this.#take(frame);
    void this.#end();
  }

  /** undefined when it did not come to a sign-in. */
  static async open({ url, fingerprint }: Entrance, device: WireDevice): Promise<Line | undefined> {
    try {
      return new Line(await WireSession.open(url, device, fingerprint, patienceMs));
    } catch {
      return undefined;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * What is answered; undefined when the connection ended or nothing came in time, which ends it.
   * @param heard is told at once: what follows an answer in the same message comes before a promise is heard.
   */
  async ask(request: Request, heard?: (frame: Frame) => void): Promise<Frame | undefined> {
    if (!this.#isOpen) return undefined;
    const number = ++this.#requests;
    return new Promise((resolve) => {
      const late = setTimeout(() => this.close(), patienceMs);
      this.#waiting.set(number, (frame) => {
        clearTimeout(late);
        if (frame !== undefined) heard?.(frame);
        resolve(frame);
      });
      this.#session.send(request(number));
    });
  }

  /** Sends what has no answer. */
  tell(frame: NonNullable<ClientFrameInit>): void {
    if (this.#isOpen) this.#session.send(frame);
  }

  close(): void {
    this.#session.close();
  }

  /** Resolves when the connection is gone. */
  get closed(): Promise<unknown> {
    return this.#session.closed;
  }

  async #end(): Promise<void> {
    await this.#session.closed;
    this.#isOpen = false;
    for (const answer of this.#waiting.values()) answer(undefined);
    this.#waiting.clear();
  }

  #take(frame: Frame): void {
    const { value } = frame;
    const number = value !== undefined && "request" in value ? value.request : 0;
    const answer = this.#waiting.get(number);
    if (answer === undefined) return this.onFrame(frame);
    this.#waiting.delete(number);
    answer(frame);
  }
}

/** Opens lines until told to stop, and works on each until it is gone. */
export async function keepWorking(
  entrance: Entrance,
  device: WireDevice,
  stopped: () => boolean,
  work: (line: Line) => Promise<void>,
): Promise<void> {
  while (!stopped()) {
    const line = await Line.open(entrance, device);
    if (line !== undefined) {
      await work(line);
      line.close();
    }
    if (!stopped()) await sleep(pauseMs * (0.5 + Math.random()));
  }
}
