/**
 * The ways back for who lost every device: recovery gives the sealed backup to the holder of the identifier and publishes
 * the list that has the new device; reset replaces the account, after a delay in which its devices can object.
 *
 * Invariants: nothing is told or begun without a right one-time password; recovery changes nothing without the identity
 * key's signature; a reset never happens before its delay, which every device of the account is told of.
 * @see spec/PROTOCOL.md "Recovery and reset"
 */
import {
  CodecError,
  LIMITS,
  SignedDeviceListSchema,
  SottoError,
  ValidationError,
  accountId,
  concatBytes,
  decode,
  equalBytes,
  parseDeviceList,
  utf8,
  type AccountId,
  type DeviceList,
  type PutRecovery,
  type RecoverPayload,
  type ReadListsPayload,
  type FinishRecoveryPayload,
  type ResetPayload,
  type SignedDeviceList,
} from "@sotto/protocol";
import type { ServerCrypto } from "../crypto.ts";
import { verifyFirstList } from "../device-lists.ts";
import type { Directory } from "../directory.ts";
import type { FrontEvents } from "../events.ts";
import type { Registration } from "../registration.ts";
import type { Asker, RecoveryPort } from "../session/ports.ts";
import type { AccountRecord, DeviceListChange, Store } from "../store.ts";
import type { TransientStore } from "../transient.ts";
import { Tickets } from "./tickets.ts";

/** Who must hear at once of what happens to an account: its live sessions. */
export interface AccountWatch {
  listChanged(account: AccountId, list: DeviceList): void;
  replaced(account: AccountId): void;
  /** @param resetAtSec 0: none is pending. */
  resetChanged(account: AccountId, resetAtSec: number): void;
}

/** What the desk works with. */
export interface RecoveryDeps {
  readonly store: Store;
  readonly transient: TransientStore;
  readonly crypto: ServerCrypto;
  readonly events: FrontEvents;
  readonly directory: Pick<Directory, "publish" | "readLists">;
  readonly codes: Pick<Registration, "useCode">;
  readonly watch: AccountWatch;
  readonly nowMs: () => number;
  /** How long an account's devices can object to a reset. */
  readonly resetDelaySec: number;
}

/** What a recovering device is given. */
export interface Recovered {
  readonly accountId: AccountId;
  readonly backup: Uint8Array;
  readonly lists: SignedDeviceList[];
  readonly newestVersion: bigint;
  readonly ticket: Uint8Array;
  readonly expiresInSec: number;
}

/** Where a reset stands. */
export interface ResetState {
  readonly done: boolean;
  readonly resetAtSec: bigint;
  readonly lapsesAtSec: bigint;
}

type Step = "put" | "recover" | "finish" | "reset" | "cancel";

/** The desk for recovery and reset. */
export class Recovery implements RecoveryPort {
  readonly #deps: RecoveryDeps;
  readonly #tickets: Tickets;

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
    this.#tickets = new Tickets(deps.transient, deps.crypto);
  }

  /**
   * Stores the asker's backup.
   * @throws SottoError `malformed`, `too_large`, `sign_in_refused` when the account is gone.
   */
  put(asker: Asker, { sealed }: PutRecovery): Promise<void> {
    return this.#told("put", async () => {
      if (sealed.length === 0) throw new CodecError("malformed", "the backup is empty");
      if (sealed.length > LIMITS.maxRecoveryBytes) {
        throw new CodecError("too_large", `a backup may have ${LIMITS.maxRecoveryBytes} bytes at most`);
      }
      if (!(await this.#deps.store.putRecovery(asker.account, sealed))) {
        throw new ValidationError("sign_in_refused", "the account is gone");
      }
    });
  }

  /** From when on the account may be reset, in seconds since 1970; 0 when no reset is pending. */
  async resetAtSec(account: AccountId): Promise<number> {
    return this.pendingAtSec(await this.#deps.store.readReset(account));
  }

  /** The same of what the store has noted: 0 as well when the time for it is over. */
  pendingAtSec(notedSec: number | undefined): number {
    return notedSec === undefined || this.#hasLapsed(notedSec) ? 0 : notedSec;
  }

  /** Makes a pending reset of the asker's account nothing. @throws SottoError `unavailable`. */
  cancelReset(asker: Asker): Promise<void> {
    return this.#told("cancel", async () => {
      if (!(await this.#deps.store.deleteReset(asker.account))) return;
      this.#deps.watch.resetChanged(asker.account, 0);
    });
  }

  /**
   * Gives the backup and the lists of the account behind an identifier. The same request with the same code gives another
   * ticket.
   * @throws SottoError `identifier_invalid`, `rate_limited`, `code_refused`, `account_unknown`.
   */
  recover({ identifier, code }: RecoverPayload, address: string): Promise<Recovered> {
    return this.#told("recover", async () => {
      const { store, crypto, codes, directory, nowMs } = this.#deps;
      const { hash } = await codes.useCode(identifier, code, crypto.sha256(utf8("Recover")), address);
      const record = await this.#behind(hash);
      return {
        accountId: record.account,
        backup: (await store.readRecovery(record.account)) ?? new Uint8Array(),
        lists: await directory.readLists(record, 1),
        newestVersion: BigInt(record.newestVersion),
        ticket: await this.#tickets.issue(record.account, nowMs()),
        expiresInSec: LIMITS.recoveryTicketSec,
      };
    });
  }

  /** More of the lists. @throws SottoError `ticket_refused`. */
  async readLists(payload: ReadListsPayload): Promise<{ lists: SignedDeviceList[]; newestVersion: bigint }> {
    const account = await this.#ticketHolder(payload.ticket);
    const record = await this.#deps.store.accountById(account);
    if (record === undefined) throw badTicket();
    const lists = await this.#deps.directory.readLists(record, Math.max(1, Number(payload.fromVersion)));
    return { lists, newestVersion: BigInt(record.newestVersion) };
  }

  /**
   * Publishes the list that a recovering device made. A ticket is good until it expires: the same list again is answered
   * alike, and after `version_conflict` another may follow.
   * @throws SottoError `ticket_refused`, `malformed`, `rate_limited`, `device_list_invalid`, `version_conflict`, `log_exists`.
   */
  finish({ ticket, deviceList }: FinishRecoveryPayload): Promise<void> {
    return this.#told("finish", async () => {
      const { directory, watch } = this.#deps;
      if (deviceList === undefined) throw new CodecError("malformed", "device_list is missing");
      const account = await this.#ticketHolder(ticket);
      if (await this.#isNewest(account, deviceList)) return;
      await directory.publish(account, deviceList);
      watch.listChanged(account, parseDeviceList(deviceList.list));
    });
  }

  /**
   * Begins a reset, or, after its delay, carries it out. Asked for again in the delay it tells how things stand.
   * @throws SottoError `identifier_invalid`, `device_list_invalid`, `rate_limited`, `code_refused`, `account_unknown`,
   *   `log_exists`, `version_conflict` when somebody else changed the account at the same moment.
   */
  reset({ identifier, code, deviceList }: ResetPayload, address: string): Promise<ResetState> {
    return this.#told("reset", async () => {
      const { store, crypto, codes, watch } = this.#deps;
      if (deviceList === undefined) throw new CodecError("malformed", "device_list is missing");
      const change = verifyFirstList(deviceList, crypto, this.#nowSec());
      const use = crypto.sha256(concatBytes(utf8("Reset"), change.signedList));
      const { hash } = await codes.useCode(identifier, code, use, address);
      const { account } = await this.#behind(hash);
      if (await this.#isFirst(account, change)) return { done: true, resetAtSec: 0n, lapsesAtSec: 0n };
      const pendingSec = await this.resetAtSec(account);
      if (pendingSec === 0 || pendingSec > this.#nowSec()) return this.#begin(account, pendingSec);
      const outcome = await store.replaceAccount(hash, account, change, this.#nowSec());
      if (outcome === "log_exists") {
        throw new ValidationError("log_exists", "an id in the device list is taken; choose new random ones");
      }
      if (outcome === "conflict") {
        throw new ValidationError(
          "version_conflict",
          "the reset was cancelled, or somebody else finished it",
        );
      }
      await this.#tickets.revoke(account);
      watch.replaced(account);
      return { done: true, resetAtSec: 0n, lapsesAtSec: 0n };
    });
  }

  /** @param pendingSec 0: none is pending. */
  async #begin(account: AccountId, pendingSec: number): Promise<ResetState> {
    let resetAtSec = pendingSec;
    if (resetAtSec === 0) {
      const { store, watch, resetDelaySec } = this.#deps;
      resetAtSec = this.#nowSec() + resetDelaySec;
      if (!(await store.putReset(account, resetAtSec))) throw unknown();
      watch.resetChanged(account, resetAtSec);
    }
    const lapsesAtSec = BigInt(resetAtSec + LIMITS.resetWindowSec);
    return { done: false, resetAtSec: BigInt(resetAtSec), lapsesAtSec };
  }

  async #behind(identifierHash: Uint8Array): Promise<AccountRecord> {
    const record = await this.#deps.store.accountByIdentifier(identifierHash);
    if (record === undefined) throw unknown();
    return { ...record, account: accountId(Uint8Array.from(record.account)) };
  }

  async #ticketHolder(ticket: Uint8Array): Promise<AccountId> {
    const account = await this.#tickets.find(ticket);
    if (account === undefined) throw badTicket();
    return account;
  }

  async #isFirst(account: AccountId, change: DeviceListChange): Promise<boolean> {
    if (!equalBytes(account, change.account)) return false;
    const [first] = await this.#deps.store.readDeviceLists(account, 1, 1);
    return first !== undefined && equalBytes(first, change.signedList);
  }

  async #isNewest(account: AccountId, signed: SignedDeviceList): Promise<boolean> {
    const record = await this.#deps.store.accountById(account);
    if (record === undefined) throw badTicket();
    const [newest] = await this.#deps.store.readDeviceLists(account, record.newestVersion, 1);
    if (newest === undefined) return false;
    const { list, signature } = decode(SignedDeviceListSchema, newest);
    return equalBytes(list, signed.list) && equalBytes(signature, signed.signature);
  }

  #hasLapsed(resetAtSec: number): boolean {
    return this.#nowSec() >= resetAtSec + LIMITS.resetWindowSec;
  }

  #nowSec(): number {
    return Math.floor(this.#deps.nowMs() / 1000);
  }

  async #told<T>(step: Step, action: () => Promise<T>): Promise<T> {
    try {
      const result = await action();
      this.#deps.events.recoveryUsed(step, "ok");
      return result;
    } catch (error) {
      this.#deps.events.recoveryUsed(step, error instanceof SottoError ? error.code : "internal");
      throw error;
    }
  }
}

function unknown(): ValidationError {
  return new ValidationError("account_unknown", "no account has this identifier; register one");
}

function badTicket(): ValidationError {
  return new ValidationError("ticket_refused", "the recovery took too long; begin again");
}
