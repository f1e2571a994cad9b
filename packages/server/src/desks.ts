/** The parts of a server that know the configuration: how codes are delivered, who may ask and write how much. */
import { hostname } from "node:os";
import { LABELS, labelled } from "@sotto/protocol";
import { nodeCrypto } from "./adapters/node-crypto.ts";
import { createSenders } from "./adapters/otp-senders.ts";
import type { ServerConfig } from "./config.ts";
import { AccountEnds } from "./core/account-deletion.ts";
import { Blobs } from "./core/blobs/desk.ts";
import type { BlobFiles } from "./core/blobs/files.ts";
import { Directory } from "./core/directory.ts";
import type { OtpSender } from "./core/otp-sender.ts";
import { AccountQuotas } from "./core/quota.ts";
import { Links } from "./core/links/desk.ts";
import { Push } from "./core/push/desk.ts";
import type { PushSender } from "./core/push/sender.ts";
import { KeyPackages } from "./core/key-packages/desk.ts";
import { Recovery, type AccountWatch } from "./core/recovery/desk.ts";
import { Registration } from "./core/registration.ts";
import type { SchedulerPort } from "./core/session/ports.ts";
import type { Store } from "./core/store.ts";
import type { TransientStore } from "./core/transient.ts";
import type { ServerEvents } from "./events.ts";

/** Where people register, are looked up, and are counted. */
export interface Desks {
  readonly accountEnds: AccountEnds;
  readonly blobs: Blobs;
  readonly directory: Directory;
  readonly keyPackages: KeyPackages;
  readonly links: Links;
  readonly push: Push;
  readonly recovery: Recovery;
  readonly registration: Registration;
  readonly quota: AccountQuotas;
}

/** What the desks work with. */
export interface DesksDeps {
  readonly config: ServerConfig;
  readonly senders: readonly OtpSender[];
  readonly store: Store;
  readonly transient: TransientStore;
  readonly blobFiles: BlobFiles;
  readonly events: ServerEvents;
  readonly identifierKey: Uint8Array;
  readonly nowMs: () => number;
  readonly watch: AccountWatch;
  /** Left out: nobody is woken. */
  readonly pushSender?: PushSender | undefined;
  readonly scheduler: Pick<SchedulerPort, "after">;
}

/**
 * Makes the senders of one-time passwords.
 * @param print writes one line to standard output.
 * @throws UsageError `config_invalid`.
 */
export function createConfiguredSenders(config: ServerConfig, print: (line: string) => void): OtpSender[] {
  const serverName = config.origin === undefined ? hostname() : new URL(config.origin).hostname;
  return createSenders(config.otp, {
    serverName,
    from: config.otpFrom ?? `sotto@${serverName}`,
    webhookToken: config.otpWebhookToken,
    print,
  });
}

const bytesPerMib = 1_048_576;

/** Makes the desks. */
export function createDesks({
  config,
  senders,
  store,
  transient,
  blobFiles,
  events,
  identifierKey,
  nowMs,
  watch,
  pushSender,
  scheduler,
}: DesksDeps): Desks {
  const { limits } = config;
  const common = { store, crypto: nodeCrypto, events, nowMs };
  const directory = new Directory({
    ...common,
    identifierKey,
    limits: {
      identifiersPerAccount: limits.lookupsPerAccount,
      identifiersPerAddress: limits.lookupsPerAddress,
      accountsPerAccount: limits.accountLookupsPerAccount,
      accountsPerAddress: limits.accountLookupsPerAddress,
      listsPerAccount: limits.deviceListsPerAccount,
    },
  });
  const keyPackages = new KeyPackages({
    store,
    events,
    nowMs,
    limits: {
      claimsPerAccount: limits.keyPackageClaimsPerAccount,
      claimsPerAddress: limits.keyPackageClaimsPerAddress,
      oneTimePerPair: limits.oneTimeClaimsPerPair,
      oneTimePerTarget: limits.oneTimeClaimsPerTarget,
    },
  });
  const registration = new Registration({
    ...common,
    transient,
    codeKey: nodeCrypto.hmacSha256(identifierKey, labelled(LABELS.oneTimePassword)),
    senders,
    hashIdentifier: (identifier) => directory.hashIdentifier(identifier),
    limits: { ...limits, resendAfterSec: config.resendAfterSec },
    maxAccounts: config.maxUsers,
  });
  const links = new Links({
    transient,
    crypto: nodeCrypto,
    events,
    scheduler,
    nowMs,
    limits: {
      opensPerAddress: limits.linksPerAddress,
      answersPerAccount: limits.linkAnswersPerAccount,
      missesPerAccount: limits.linkMissesPerAccount,
      missesPerAddress: limits.linkMissesPerAddress,
    },
  });
  const recovery = new Recovery({
    ...common,
    transient,
    directory,
    codes: registration,
    watch,
    resetDelaySec: config.resetDelaySec,
  });
  const push = new Push({
    store,
    sender: pushSender,
    events,
    after: (delayMs, callback) => scheduler.after(delayMs, callback),
  });
  const accountEnds = new AccountEnds({ ...common, triesPerAccount: limits.deviceListsPerAccount });
  const blobs = new Blobs({
    ...common,
    transient,
    files: blobFiles,
    maxBlobBytes: config.maxBlobMib * bytesPerMib,
    quotaBytes: config.blobQuotaMib * bytesPerMib,
  });
  const quota = new AccountQuotas(
    {
      appends: limits.appendsPerAccount,
      appendedBytes: limits.appendedBytesPerAccount,
      nodeAppends: limits.appendsPerNode,
      nodeAppendedBytes: limits.appendedBytesPerNode,
      logs: limits.logsPerAccount,
      slots: limits.slotsPerAccount,
      reads: limits.readsPerAccount,
      keyPackagePuts: limits.keyPackagePutsPerAccount,
      recoveryPuts: limits.recoveryPutsPerAccount,
      pushPuts: limits.pushPutsPerAccount,
      blobTickets: limits.blobsPerAccount,
      blobBytes: limits.blobBytesPerAccount,
    },
    nowMs,
  );
  return { accountEnds, blobs, directory, keyPackages, links, push, recovery, registration, quota };
}
