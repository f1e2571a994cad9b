/**
 * Web Push: wakes a device that is not connected when something comes that its person wants to see. What is sent says nothing but that;
 * who wakes learns it from the server itself, after unlocking.
 *
 * Appends say whether they wake (`Append.wakes`): receipts, Commits and the like do not. What comes from the own account wakes nobody.
 * A device is woken once, and then not again before it came; a moment after it went, since pages are loaded anew.
 */
import {
  CodecError,
  LIMITS,
  SottoError,
  utf8,
  type AccountId,
  type DeviceId,
  type LogId,
  type PutPush,
} from "@sotto/protocol";
import { idKey } from "../logs/id-key.ts";
import type { Asker, PushPort } from "../session/ports.ts";
import type { PushSender } from "./sender.ts";
import { Sleepers, type Sleeper } from "./sleepers.ts";
import type { PushStore } from "./store.ts";

/** What push tells the operator. */
export interface PushEvents {
  /** A subscription was put or ended. */
  pushSubscribed(outcome: string): void;
  /** A device was woken, or could not be: see PushOutcome. */
  woken(outcome: string): void;
  pushFailed(error: unknown): void;
}

/** What the desk works with. */
export interface PushDeps {
  readonly store: PushStore;
  /** undefined: the operator switched push off. */
  readonly sender: PushSender | undefined;
  readonly events: PushEvents;
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly graceMs?: number;
}

const defaultGraceMs = 3_000;
const keyBytes = 65;
const uncompressed = 4;
const authBytes = 16;
const devicesPerPage = 1_000;

/** Wakes devices. */
export class Push implements PushPort {
  readonly #deps: PushDeps;
  readonly #sleepers = new Sleepers();
  /** Connections of each device that is there. */
  readonly #awake = new Map<string, number>();

  constructor(deps: PushDeps) {
    this.#deps = deps;
  }

  get publicKey(): Uint8Array {
    return this.#deps.sender?.publicKey ?? new Uint8Array();
  }

  /** At the start: whoever can be woken sleeps, and waits for what comes to its inbox. */
  async start(): Promise<void> {
    if (this.#deps.sender === undefined) return;
    for (let after = 0; ;) {
      const page = await this.#deps.store.pushDevices(after, devicesPerPage);
      for (const { account, device, inbox } of page) this.#sleep({ account, device, logs: [inbox] });
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.num;
    }
  }

  /** Stores how a device is woken. @throws SottoError `malformed`, `unavailable`, `not_signed_in`. */
  async put({ account, device }: Asker, put: PutPush): Promise<void> {
    const { store, events, sender } = this.#deps;
    const { endpoint } = put;
    try {
      if (endpoint === "") {
        await store.deletePush(account, device, undefined);
      } else {
        if (sender === undefined) throw new SottoError("unavailable", "this server wakes nobody");
        const subscription = checked(put);
        if (!sender.accepts(endpoint)) throw malformed("endpoint is not one of a push service");
        if (!(await store.putPush(account, device, subscription))) {
          throw new SottoError("not_signed_in", "the device was revoked");
        }
      }
      events.pushSubscribed("ok");
    } catch (error) {
      events.pushSubscribed(error instanceof SottoError ? error.code : "internal");
      throw error;
    }
  }

  awake(account: AccountId, device: DeviceId): void {
    const key = idKey(account) + idKey(device);
    this.#awake.set(key, (this.#awake.get(key) ?? 0) + 1);
    this.#sleepers.remove({ account, device });
  }

  awakeElsewhere(account: AccountId, device: DeviceId): void {
    this.#sleepers.remove({ account, device });
  }

  asleep(account: AccountId, device: DeviceId, logs: readonly LogId[]): void {
    const key = idKey(account) + idKey(device);
    const left = (this.#awake.get(key) ?? 1) - 1;
    if (left > 0) this.#awake.set(key, left);
    else this.#awake.delete(key);
    if (left > 0 || this.#deps.sender === undefined) return;
    this.#deps.store.readPush(account, device).then(
      (subscription) => subscription !== undefined && this.#sleep({ account, device, logs }),
      (error: unknown) => this.#deps.events.pushFailed(error),
    );
  }

  appended(log: LogId, by: AccountId): void {
    if (this.#sleepers.size === 0) return;
    for (const sleeper of this.#sleepers.waitingFor(log)) {
      if (idKey(sleeper.account) === idKey(by)) continue;
      this.#sleepers.remove(sleeper);
      this.#deps.after(this.#deps.graceMs ?? defaultGraceMs, () => void this.#wake(sleeper));
    }
  }

  #sleep(sleeper: Sleeper): void {
    if (!this.#isAwake(sleeper)) this.#sleepers.add(sleeper);
  }

  #isAwake({ account, device }: Sleeper): boolean {
    return this.#awake.has(idKey(account) + idKey(device));
  }

  async #wake(sleeper: Sleeper): Promise<void> {
    const { store, sender, events } = this.#deps;
    const { account, device } = sleeper;
    if (this.#isAwake(sleeper) || sender === undefined) return;
    try {
      const subscription = await store.readPush(account, device);
      if (subscription === undefined) return;
      const outcome = await sender.wake(subscription);
      events.woken(outcome);
      if (outcome === "gone") await store.deletePush(account, device, subscription.endpoint);
      // What could not be sent is tried with what comes next.
      if (outcome === "failed") this.#sleep(sleeper);
    } catch (error) {
      events.pushFailed(error);
    }
  }
}

function checked({ endpoint, p256dh, auth }: PutPush) {
  if (utf8(endpoint).length > LIMITS.maxPushEndpointBytes) throw malformed("endpoint is too long");
  if (p256dh.length !== keyBytes || p256dh[0] !== uncompressed) {
    throw malformed(`p256dh must be an uncompressed point of ${keyBytes} bytes`);
  }
  if (auth.length !== authBytes) throw malformed(`auth must have ${authBytes} bytes`);
  // Copies: these are views into a message.
  return { endpoint, p256dh: Uint8Array.from(p256dh), auth: Uint8Array.from(auth) };
}

function malformed(message: string): CodecError {
  return new CodecError("malformed", message);
}
