/**
 * A session's requests that desks answer, beside the logs: directory, KeyPackages, links, recovery, tickets. A bounded number of them is under
 * way at once; answers may come in another order than the requests.
 */
import { create } from "@bufbuild/protobuf";
import {
  AccountDeletionSchema,
  DeviceListSchema,
  SottoError,
  accountId,
  decode,
  deletionTranscript,
  type AnswerLink,
  type AskBlobTicket,
  type CancelReset,
  type ClaimKeyPackages,
  type CountKeyPackages,
  type DeleteAccount,
  type FetchLink,
  type Lookup,
  type PutDeviceList,
  type PutKeyPackages,
  type PutPush,
  type PutRecovery,
} from "@sotto/protocol";
import type { AccountChanges } from "./account-changes.ts";
import type { ListChanges, ListWatcher } from "./list-changes.ts";
import { encodeFrame, type FrameInit } from "./frames.ts";
import type { Asker, DeliveryPorts, SessionOutput } from "./ports.ts";
import { exactBytes, requestNumber } from "./requests.ts";
import type { Challenge } from "./sign-in.ts";

/** Most such requests of one connection under way. */
const maxUnderWay = 32;
const busyRetryMs = 1_000;

// Fields that answers have at most: the frame's own, and those of each element.
const fieldsPerFrame = 8;
const fieldsPerList = 4;
const fieldsPerKeyPackage = 3;
const signatureBytes = 64;

/** The session that asks. */
export interface DeskRequestsHost {
  readonly ports: DeliveryPorts;
  readonly lists: ListChanges;
  /** Who is told of lists that change. */
  readonly watcher: ListWatcher;
  readonly accounts: AccountChanges;
  /** Of this connection's sign-in. */
  readonly nonces: Challenge;
  readonly output: SessionOutput;
  readonly asker: Asker;
  isClosed(): boolean;
  refuse(request: number, error: unknown): void;
}

/** The desk requests of one connection. */
export class DeskRequests {
  readonly #host: DeskRequestsHost;
  #underWay = 0;

  constructor(host: DeskRequestsHost) {
    this.#host = host;
  }

  /** Answers when it is found. @throws SottoError `malformed`, `rate_limited`. */
  lookup(lookup: Lookup): void {
    this.#start(lookup.request, async () => {
      const { ports, asker, lists, watcher } = this.#host;
      const value = await ports.directory.lookup(asker, lookup);
      ports.events.lookedUp();
      this.#answer({ case: "lookupResult", value }, value.lists.length * fieldsPerList);
      if (!value.found || this.#host.isClosed()) return;
      lists.watch(watcher, accountId(value.accountId), Number(value.newestVersion));
    });
  }

  /** Answers when it is durable. @throws SottoError `malformed`, `rate_limited`. */
  claimKeyPackages(claim: ClaimKeyPackages): void {
    this.#start(claim.request, async () => {
      const { ports, asker } = this.#host;
      const value = await ports.keyPackages.claim(asker, claim);
      const fields = value.keyPackages.length * fieldsPerKeyPackage;
      this.#answer({ case: "keyPackagesClaimed", value }, fields);
    });
  }

  /** @throws SottoError `malformed`, `rate_limited`. */
  countKeyPackages(count: CountKeyPackages): void {
    this.#start(count.request, async () => {
      const { ports, asker } = this.#host;
      this.#answer({ case: "keyPackageCount", value: await ports.keyPackages.count(asker, count) });
    });
  }

  /** Resolves when it was answered. @throws SottoError as KeyPackagePort.put. */
  async putKeyPackages(put: PutKeyPackages): Promise<void> {
    const { ports, asker } = this.#host;
    await ports.keyPackages.put(asker, put);
    this.#answer({ case: "done", value: { request: put.request } });
  }

  /** @throws SottoError `malformed`, `rate_limited`. */
  fetchLink(fetch: FetchLink): void {
    this.#start(fetch.request, async () => {
      const { ports, asker } = this.#host;
      this.#answer({ case: "linkFetched", value: await ports.links.offer(asker, fetch) });
    });
  }

  /** Resolves when it was answered. @throws SottoError as LinkPort.answer. */
  async answerLink(answer: AnswerLink): Promise<void> {
    const { ports, asker } = this.#host;
    await ports.links.answer(asker, answer);
    this.#answer({ case: "done", value: { request: answer.request } });
  }

  /** @throws SottoError `malformed`, `rate_limited`. */
  askBlobTicket(ask: AskBlobTicket): void {
    this.#start(ask.request, async () => {
      this.#answer({ case: "blobTicket", value: await this.#host.ports.blobs.ticket(ask) });
    });
  }

  /** Resolves when it was answered. @throws SottoError as RecoveryPort.put. */
  async putRecovery(put: PutRecovery): Promise<void> {
    const { ports, asker } = this.#host;
    await ports.recovery.put(asker, put);
    this.#answer({ case: "done", value: { request: put.request } });
  }

  /** Resolves when it was answered. @throws SottoError as PushPort.put; `unavailable` when nobody is woken. */
  async putPush(put: PutPush): Promise<void> {
    const { ports, asker } = this.#host;
    if (ports.push === undefined) throw new SottoError("unavailable", "this server wakes nobody");
    await ports.push.put(asker, put);
    this.#answer({ case: "done", value: { request: put.request } });
  }

  /** Resolves when it was answered. @throws SottoError as RecoveryPort.cancelReset. */
  async cancelReset({ request }: CancelReset): Promise<void> {
    const { ports, asker } = this.#host;
    await ports.recovery.cancelReset(asker);
    this.#answer({ case: "done", value: { request } });
  }

  /** Deletes the account, then ends all of its sessions and tells who looked it up. @throws SottoError as AccountEndPort, `malformed`. */
  async deleteAccount({ request, signature }: DeleteAccount): Promise<void> {
    const { ports, asker, nonces, accounts } = this.#host;
    const { clientNonce, serverNonce } = nonces;
    const transcript = deletionTranscript(
      clientNonce,
      serverNonce,
      ports.challenger.fingerprint,
      asker.account,
    );
    const signed = Uint8Array.from(exactBytes("signature", signature, signatureBytes));
    const deletion = create(AccountDeletionSchema, { clientNonce, serverNonce, signature: signed });
    await ports.accountEnds.delete(asker, deletion, transcript);
    this.#answer({ case: "done", value: { request } });
    accounts.deleted(asker.account, deletion);
  }

  /** Publishes a list, ends the sessions of devices that it revokes, and tells who knows an older one. @throws SottoError as DirectoryPort. */
  async putDeviceList(put: PutDeviceList): Promise<void> {
    const { ports, asker, accounts, watcher } = this.#host;
    await ports.directory.putDeviceList(asker, put);
    ports.events.deviceListPut();
    this.#answer({ case: "done", value: { request: put.request } });
    const list = decode(DeviceListSchema, put.deviceList?.list ?? new Uint8Array());
    accounts.listed(accountId(asker.account), list, watcher);
  }

  #start(request: number, work: () => Promise<void>): void {
    requestNumber(request);
    if (this.#underWay >= maxUnderWay) {
      throw new SottoError("rate_limited", "too many requests at once", { retryAfterMs: busyRetryMs });
    }
    this.#underWay++;
    void this.#run(request, work);
  }

  async #run(request: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#host.refuse(request, error);
    } finally {
      this.#underWay--;
    }
  }

  #answer(frame: FrameInit, fields = 0): void {
    if (!this.#host.isClosed()) this.#host.output.frame(encodeFrame(frame), fieldsPerFrame + fields);
  }
}
