/**
 * Whether what a server keeps fits together, from one pass over its rows: each account's device lists are a signed chain whose last one names
 * its devices, a log's entries have no gap, each epoch has one winner, devices in use have an inbox and inboxes a device.
 * It holds one account or one log at a time.
 */
import { EntryKind, SignedDeviceListSchema, SottoError, decode, equalBytes, toHex } from "@sotto/protocol";
import type { ServerCrypto } from "../core/crypto.ts";
import { verifyFirstList, verifyNextList } from "../core/device-lists.ts";
import type { DeviceListChange } from "../core/store.ts";
import type { Row } from "./rows.ts";
import type { Value } from "./tables.ts";

type Columns = Readonly<Record<string, Value>>;

interface Account {
  readonly newestVersion: number;
  list: DeviceListChange | undefined;
  listBytes: Uint8Array | undefined;
  devices: number;
}

interface Log {
  readonly inbox: boolean;
  readonly headSeq: number;
  readonly trimmedSeq: number;
  readonly epoch: number;
  readonly startSeq: number;
  nextSeq: number;
  /** The epoch of the newest entry. */
  entryEpoch: number;
  lastEpoch: { readonly epoch: number; readonly endedBySeq: number } | undefined;
  /** Of ended epochs whose Commit is still stored, by its seq. */
  readonly winners: Map<number, number>;
}

/** Looks at rows in their order. */
export class Consistency {
  readonly #crypto: ServerCrypto;
  #account: Account | undefined;
  #log: Log | undefined;
  #order: Buffer | undefined;
  #owner: Uint8Array | undefined;
  /** XOR of the hashes of inboxes of devices in use and of logs that are inboxes: nothing when they are the same. */
  readonly #inboxes = new Uint8Array(32);

  constructor(crypto: ServerCrypto) {
    this.#crypto = crypto;
  }

  /** The next row. @returns what is wrong. */
  add(row: Row): string | undefined {
    if (this.#order !== undefined && this.#order.compare(row.order) >= 0) {
      return `${row.table.name}: two rows of one key, or rows out of order`;
    }
    this.#order = row.order;
    const owner = row.values[0] as Uint8Array;
    const columns = Object.fromEntries(row.table.columns.map(({ name }, at) => [name, row.values[at]]));
    const wrong = this.#look(row, owner, columns);
    return wrong && `${row.table.name}, ${toHex(owner).slice(0, 8)}…: ${wrong}`;
  }

  /** After the last row. @returns what is wrong. */
  end(): string | undefined {
    const wrong = this.#endAccount() ?? this.#endLog();
    if (wrong !== undefined) return wrong;
    return this.#inboxes.some((byte) => byte !== 0)
      ? "logs: a device in use has no inbox, or an inbox no device"
      : undefined;
  }

  #look(row: Row, owner: Uint8Array, columns: Columns): string | undefined {
    const isHead = row.table.name === "accounts" || row.table.name === "logs";
    if (isHead || row.table.section === 1 || row.table.section === 2) {
      const before = this.#endAccount() ?? this.#endLog();
      if (before !== undefined) return before;
      this.#owner = owner;
    } else if (this.#owner === undefined || !equalBytes(owner, this.#owner)) {
      return "it belongs to nothing that is there";
    }
    switch (row.table.name) {
      case "accounts":
        this.#account = {
          newestVersion: columns["newest_version"] as number,
          list: undefined,
          listBytes: undefined,
          devices: 0,
        };
        return (columns["newest_version"] === 0) === (columns["identifier_hash"] === undefined)
          ? undefined
          : "a replaced account has an identifier, or another has none";
      case "device_lists":
        return this.#list(columns);
      case "devices":
        return this.#device(columns);
      case "logs":
        return this.#openLog(columns);
      case "epochs":
        return this.#epoch(columns);
      case "slots":
        return columns["cursor"] !== undefined && (columns["cursor"] as number) > (this.#log as Log).headSeq
          ? "a reader is beyond the end of its log"
          : undefined;
      case "entries":
        return this.#entry(columns);
      case "blobs":
        return (columns["received"] as number) > (columns["size"] as number)
          ? "more than its size"
          : undefined;
      default:
        return undefined;
    }
  }

  #list({ version, signed_list: bytes }: Columns): string | undefined {
    const account = this.#account as Account;
    if (version !== (account.list?.version ?? 0) + 1) return "a device list is missing";
    try {
      const signed = decode(SignedDeviceListSchema, bytes as Uint8Array);
      const change =
        account.listBytes === undefined
          ? verifyFirstList(signed, this.#crypto, Number.MAX_SAFE_INTEGER)
          : verifyNextList(account.listBytes, signed, this.#crypto, Number.MAX_SAFE_INTEGER);
      if (!equalBytes(change.account, this.#owner as Uint8Array)) return "a device list of another account";
      account.list = change;
      account.listBytes = bytes as Uint8Array;
      return undefined;
    } catch (error) {
      if (error instanceof SottoError)
        return "a device list is not signed, or does not follow the one before it";
      throw error;
    }
  }

  #device({ device, signature_key: key, inbox, revoked }: Columns): string | undefined {
    const account = this.#account as Account;
    if (revoked === 0) this.#toggleInbox(inbox as Uint8Array);
    account.devices++;
    if (account.list === undefined) {
      return account.newestVersion === 0 && revoked === 1
        ? undefined
        : "a device in use without a device list";
    }
    const listed = account.list.devices.find((one) => equalBytes(one.device, device as Uint8Array));
    const fits =
      listed !== undefined &&
      equalBytes(listed.signatureKey, key as Uint8Array) &&
      equalBytes(listed.inbox, inbox as Uint8Array) &&
      listed.revoked === (revoked === 1);
    return fits ? undefined : "a device is not as its account's list says";
  }

  #endAccount(): string | undefined {
    const account = this.#account;
    this.#account = undefined;
    if (account === undefined) return undefined;
    const version = account.list?.version ?? 0;
    if (version !== account.newestVersion) return "accounts: the newest device list is missing";
    const listed = account.list?.devices.length ?? account.devices;
    return listed === account.devices ? undefined : "accounts: a device of the newest list is missing";
  }

  #openLog(columns: Columns): string | undefined {
    const { head_seq: headSeq, trimmed_seq: trimmedSeq, epoch, start_seq: startSeq } = columns;
    const log: Log = {
      inbox: columns["is_inbox"] === 1,
      headSeq: headSeq as number,
      trimmedSeq: trimmedSeq as number,
      epoch: epoch as number,
      startSeq: startSeq as number,
      nextSeq: (trimmedSeq as number) + 1,
      entryEpoch: 0,
      lastEpoch: undefined,
      winners: new Map(),
    };
    this.#log = log;
    if (log.inbox) this.#toggleInbox(this.#owner as Uint8Array);
    if (log.inbox !== (columns["token_hash"] === undefined))
      return "an inbox with a token, or another without";
    return log.trimmedSeq <= log.headSeq && log.startSeq <= log.headSeq
      ? undefined
      : "it ends before it begins";
  }

  #epoch({ epoch, start_seq: start, ended_by_seq: ended }: Columns): string | undefined {
    const log = this.#log as Log;
    const [number, endedBySeq] = [epoch as number, ended as number];
    const before = log.lastEpoch;
    log.lastEpoch = { epoch: number, endedBySeq };
    if (log.inbox || endedBySeq > log.headSeq || (start as number) >= endedBySeq)
      return "an epoch that cannot be";
    if (before !== undefined && (number !== before.epoch + 1 || start !== before.endedBySeq)) {
      return "an epoch does not begin where the one before it ended";
    }
    if (endedBySeq > log.trimmedSeq) log.winners.set(endedBySeq, number);
    return undefined;
  }

  #entry({ seq, epoch, kind }: Columns): string | undefined {
    const log = this.#log as Log;
    if (seq !== log.nextSeq) return `entry ${log.nextSeq} is missing`;
    log.nextSeq++;
    if ((epoch as number) < log.entryEpoch || (epoch as number) > log.epoch)
      return "an entry of a wrong epoch";
    log.entryEpoch = epoch as number;
    const winner = log.winners.get(seq as number);
    log.winners.delete(seq as number);
    return winner === (kind === EntryKind.COMMIT ? epoch : undefined)
      ? undefined
      : "a Commit that ended no epoch, or an epoch that no Commit ended";
  }

  #endLog(): string | undefined {
    const log = this.#log;
    this.#log = undefined;
    if (log === undefined) return undefined;
    if (log.nextSeq !== log.headSeq + 1) return `logs: entry ${log.nextSeq} of one is missing`;
    if (log.lastEpoch === undefined) return undefined;
    return log.lastEpoch.epoch + 1 === log.epoch && log.lastEpoch.endedBySeq === log.startSeq
      ? undefined
      : "logs: the present epoch of one does not follow the one before it";
  }

  #toggleInbox(inbox: Uint8Array): void {
    const hash = this.#crypto.sha256(inbox);
    for (let at = 0; at < hash.length; at++) (this.#inboxes[at] as number) ^= hash[at] as number;
  }
}
