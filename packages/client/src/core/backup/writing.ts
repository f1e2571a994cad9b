/**
 * Writing a backup: the account with its keys, what was decided about people and conversations, groups without their keys, and the history of
 * all conversations, merged into one order as it is read, so that no more of it is in memory than a part. MLS state is left out: an old copy
 * of it would repeat what was used up since.
 */
import { LIMITS, type HistoryMessage } from "@sotto/protocol";
import type { FileSink } from "../../attachment-api.ts";
import { contactState } from "../devices/syncing.ts";
import { conversationStates, fieldsOf, historyMessage } from "../devices/history-export.ts";
import type { Engine } from "../engine.ts";
import type { Env } from "../env.ts";
import { groupsOf } from "../groups/overview.ts";
import { bytesOf } from "../hex.ts";
import { allContacts } from "../people.ts";
import { names, type MessageRecord } from "../records.ts";
import { nowSec, type Step } from "../step.ts";
import type { Item } from "../vault-store.ts";
import { ownList } from "../devices/own-list.ts";
import { decodeSignedDeviceList } from "@sotto/crypto";
import { backupWriter } from "./file.ts";

const partBytes = 256 * 1024;
const mostPerPart = 500;
const mostFields = LIMITS.maxFieldsPerMessage - 1_000;
const pageSize = 100;

/** Writes a backup of everything into a sink, and closes it. @returns how many messages it holds. @throws as Messenger.backup. */
export async function writeBackup(
  engine: Engine,
  env: Env,
  passphrase: string,
  sink: FileSink,
  onProgress: ((messages: number) => void) | undefined,
): Promise<{ readonly messages: number }> {
  try {
    const writer = await backupWriter(env, passphrase, sink);
    const { head, logs } = await engine.run(beginning);
    for (const item of head) await writer.add(item);
    let messages = 0;
    for (;;) {
      const part = await engine.run((step) => nextPart(step, logs, messages));
      if (part.length === 0) break;
      await writer.add({ case: "history", value: { messages: [...part] } });
      messages += part.length;
      onProgress?.(messages);
    }
    await writer.add({ case: "end", value: { messages: BigInt(messages) } });
    await writer.finish();
    await sink.close();
    return { messages };
  } catch (cause) {
    await sink.abort();
    throw cause;
  }
}

type HeadItem = Parameters<Awaited<ReturnType<typeof backupWriter>>["add"]>[0];

/** Where the merge stands in one list of messages. */
interface MergedLog {
  readonly conversation: string;
  readonly where: HistoryMessage["conversation"];
  page: readonly Item<MessageRecord>[];
  at: number;
  /** Where the next page begins; undefined: there is none. */
  from: number | undefined;
}

async function beginning(
  step: Step,
): Promise<{ readonly head: readonly HeadItem[]; readonly logs: readonly MergedLog[] }> {
  const { own } = step.live;
  const list = await ownList(step);
  const profile = await step.draft.get(names.profile);
  const head: HeadItem[] = [
    {
      case: "account",
      value: {
        identifier: own.identifier,
        serverOrigin: own.serverOrigin,
        serverPublicKey: own.serverPublicKey,
        identityPrivateKey: own.identityKey.privateKey,
        identityPublicKey: own.identityKey.publicKey,
        deviceList: decodeSignedDeviceList(list.signedBytes),
        identityHistory: [...list.identityHistory],
        backupKey: own.backupKey,
        recoveryKey: (await step.draft.get(names.recoveryKey)) ?? "",
        ...(profile !== undefined && {
          profile: { name: profile.name, changedAtMs: BigInt(profile.changedAtMs) },
        }),
        madeAtSec: BigInt(nowSec(step)),
      },
    },
  ];
  const logs: MergedLog[] = [];
  const follow = (conversation: string, where: HistoryMessage["conversation"]): void =>
    void logs.push({ conversation, where, page: [], at: 0, from: 0 });
  for (const contact of await allContacts(step)) {
    const state = contactState(contact);
    if (state !== undefined) head.push({ case: "contact", value: state });
    if (contact.account === undefined) continue;
    const where = { case: "peerAccountId", value: bytesOf(contact.account) } as const;
    for (const conversation of contact.conversations) follow(conversation, where);
  }
  for (const state of await conversationStates(step)) head.push({ case: "conversation", value: state });
  for (const { record } of groupsOf(step)) {
    head.push({
      case: "group",
      value: {
        logId: bytesOf(record.id),
        data: record.data,
        epoch: BigInt(record.epoch),
        cursor: BigInt(record.cursor),
        accountIds: record.accounts.map(bytesOf),
        inUse: record.state !== "left" && record.state !== "removed",
      },
    });
    follow(record.conversation, { case: "groupLogId", value: bytesOf(record.id) });
  }
  return { head, logs };
}

/** The messages that come next in the order of all; none when there are no more. @param place of the first of them. */
async function nextPart(
  step: Step,
  logs: readonly MergedLog[],
  place: number,
): Promise<readonly HistoryMessage[]> {
  const part: HistoryMessage[] = [];
  let bytes = 0;
  let fields = 0;
  while (part.length < mostPerPart && bytes < partBytes) {
    const oldest = await findOldest(step, logs);
    const item = oldest?.page[oldest.at];
    if (oldest === undefined || item === undefined) break;
    const message = await historyMessage(step, oldest.conversation, item, oldest.where);
    const more = fieldsOf(message);
    if (part.length > 0 && fields + more > mostFields) break;
    oldest.at += 1;
    message.order = BigInt(place + part.length);
    part.push(message);
    bytes += message.body.length * 2 + 128 * more;
    fields += more;
  }
  return part;
}

/** The list whose next message was met first of all. */
async function findOldest(step: Step, logs: readonly MergedLog[]): Promise<MergedLog | undefined> {
  let oldest: MergedLog | undefined;
  for (const log of logs) {
    while (log.at >= log.page.length && log.from !== undefined) await turnPage(step, log);
    const order = log.page[log.at]?.order;
    if (order === undefined) continue;
    if (oldest === undefined || order < (oldest.page[oldest.at]?.order ?? 0)) oldest = log;
  }
  return oldest;
}

async function turnPage(step: Step, log: MergedLog): Promise<void> {
  const page = await step.draft.page(names.messages(log.conversation), {
    from: log.from ?? 0,
    limit: pageSize,
  });
  const last = page.at(-1);
  log.from = last === undefined || page.length < pageSize ? undefined : last.order + 1;
  // What was not sent is this device's affair.
  log.page = page.filter(({ value }) => value.status !== "queued" && value.status !== "failed");
  log.at = 0;
}
