/**
 * Asking to be let into a group by its link: the admins whom it names are looked up, must be who the link says they are, and get a signed
 * request in the inboxes of their devices. What becomes of it is kept until somebody has answered.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { activeDevices, type VerifiedDeviceList } from "@sotto/crypto";
import {
  JoinAskedSchema,
  SealedContentSchema,
  TransportError,
  UsageError,
  equalBytes,
  toHex,
  type SottoError,
} from "@sotto/protocol";
import type { AskedJoin } from "../../../api.ts";
import type { Engine } from "../../engine.ts";
import { bytesOf } from "../../hex.ts";
import { isUnbelievable, lookUp, type Found } from "../../lookups.ts";
import { connectionSettled } from "../../people.ts";
import { names } from "../../records.ts";
import { isReady, type Answer } from "../../session.ts";
import { nextOrder, notify, nowSec, type Step } from "../../step.ts";
import { parseGroupData } from "../data.ts";
import { groupsOf } from "../overview.ts";
import { leaveInInbox } from "../tasks.ts";
import { sealedItem } from "../welcoming.ts";
import { findAsked, forgetJoin, hasLink, shown } from "./asked.ts";
import { askAgainMs } from "./following.ts";
import { askTranscript, linkIdOf, parseGroupLink, type GroupLinkText } from "./link.ts";
import { linkNames, type AskedJoinRecord } from "./records.ts";

const mostAsked = 64;

/** Asks, and resolves when an admin's inbox has the request. @throws as Messenger.askToJoin. */
export async function askToJoin(engine: Engine, text: string): Promise<AskedJoin> {
  const link = parseGroupLink(text);
  const known = await engine.run((step) => before(step, link));
  if (known !== undefined) return known;
  await connectionSettled(engine);
  const found = await Promise.all(link.hosts.map(({ account }) => lookUpHost(engine, account)));
  const lists = found.flatMap((one, i) => {
    const host = link.hosts[i];
    const isHost = one.type === "found" && host !== undefined && isWhoTheyWere(one.list, host.identityKey);
    return isHost ? [one.list] : [];
  });
  const failed = found.find((one) => one.type === "failed");
  const devices = lists.flatMap((list) => activeDevices(list.list).filter((one) => one.inboxKey.length > 0));
  if (devices.length === 0) throw failed?.error ?? nobody();
  const { asked, sent } = await engine.run(async (step) => {
    const made = await ask(step, link);
    const under: Promise<Answer>[] = [];
    for (const { inboxKey, inboxId } of devices) {
      const item = await sealedItem(step, inboxKey, made.content);
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const settle = async (later: Step, answer: Answer): Promise<void> => {
        later.effects.push({ type: "settle", settle: () => resolve(answer) });
      };
      leaveInInbox(step, toHex(inboxId), item, settle, true);
      under.push(promise);
    }
    return { asked: made.asked, sent: under };
  });
  const answers = await Promise.all(sent);
  if (answers.some(({ type }) => type === "appended")) return engine.run(async (step) => shown(step, asked));
  await engine.run((step) => forgetJoin(step, asked.id));
  throw errorOf(answers) ?? nobody();
}

const nobody = (): UsageError =>
  new UsageError("group_link_invalid", "nobody whom the link names can be asked any more");

const errorOf = (answers: readonly Answer[]): SottoError | undefined =>
  answers.flatMap((one) => (one.type === "refused" || one.type === "lost" ? [one.error] : []))[0];

/** Whether an account has, or had, the identity key that the link says: each of its keys signed the next. */
const isWhoTheyWere = (list: VerifiedDeviceList, key: Uint8Array): boolean =>
  [list.list.identityKey, ...list.identityHistory].some((one) => equalBytes(one, key));

/** What there is to say without asking anybody. @throws UsageError `group_link_invalid`. */
async function before(step: Step, link: GroupLinkText): Promise<AskedJoin | undefined> {
  if (!equalBytes(link.serverFingerprint, step.live.own.serverFingerprint))
    throw new UsageError("group_link_invalid", "the link is for people of another server");
  const id = await linkIdOf(step.env, link.secret);
  const group = groupsOf(step).find((one) => hasLink(one, link.secret));
  if (group !== undefined && group.record.state === "joined") {
    const { record } = group;
    const { name } = parseGroupData(record.data);
    return { id, group: name, groupId: record.id, askedAt: 0, expiresAt: link.expiresAt, state: "member" };
  }
  if (link.expiresAt <= nowSec(step))
    throw new UsageError("group_link_invalid", "the link is too old: ask for a new one");
  const asked = await findAsked(step, id);
  if (asked?.value.state !== "refused") return undefined;
  return step.env.nowMs() < asked.value.askedAtMs + askAgainMs ? shown(step, asked.value) : undefined;
}

async function lookUpHost(engine: Engine, account: string): Promise<Found> {
  const { asked } = await engine.run(async (step) => {
    if (!isReady(step))
      throw new TransportError("server_unreachable", "there is no connection to the server");
    const { promise, resolve } = Promise.withResolvers<Found>();
    await lookUp(step, { account }, async (later, found) => {
      later.effects.push({ type: "settle", settle: () => resolve(found) });
    });
    return { asked: promise };
  });
  const found = await asked;
  if (found.type === "failed" && isUnbelievable(found.error)) throw found.error;
  return found;
}

/** Makes the request, and keeps that it was made. */
async function ask(step: Step, link: GroupLinkText) {
  const { own } = step.live;
  const id = await linkIdOf(step.env, link.secret);
  const kept = await step.draft.page(linkNames.asked);
  const last = kept.find(({ value }) => value.id === id);
  const askedAtMs = Math.max(Math.floor(step.env.nowMs()), (last?.value.askedAtMs ?? 0) + 1);
  const asked = toBinary(
    JoinAskedSchema,
    create(JoinAskedSchema, {
      linkId: bytesOf(id),
      accountId: bytesOf(own.account),
      deviceId: bytesOf(own.device),
      askedAtMs: BigInt(askedAtMs),
      from: own.identifier,
      name: (await step.draft.get(names.profile))?.name ?? "",
    }),
  );
  const transcript = askTranscript(link.secret, asked);
  const signature = await step.env.crypto.ed25519Sign(own.deviceKey.privateKey, transcript);
  const record: AskedJoinRecord = { id, link, askedAtMs, state: "waiting" };
  if (last !== undefined) step.draft.deleteItem(linkNames.asked, last.order);
  else if (kept.length >= mostAsked) step.draft.deleteItem(linkNames.asked, kept[0]?.order ?? 0);
  step.draft.putItem(linkNames.asked, nextOrder(step), record);
  notify(step, { type: "joins" });
  const content = create(SealedContentSchema, {
    content: { case: "join", value: { $typeName: "sotto.v1.JoinRequest", asked, signature } },
  });
  return { asked: record, content };
}
