/**
 * Letting a new device into the account, on one that is in it: look at what asks, put it on the device list, hand it the account's keys,
 * then let it into every group and tell it the history. What is left to do lies in the vault.
 */
import { toBinary } from "@bufbuild/protobuf";
import { findDevice } from "@sotto/crypto";
import {
  DeviceSchema,
  LIMITS,
  RefusedError,
  TransportError,
  ValidationError,
  toHex,
  type LinkFetched,
} from "@sotto/protocol";
import type { LinkRequest } from "../../api.ts";
import type { Engine } from "../engine.ts";
import { connectionSettled } from "../people.ts";
import { deviceOfMember } from "../groups/membership.ts";
import { mlsOf, wakeGroup } from "../groups/state.ts";
import { deviceOf } from "../hex.ts";
import { names } from "../records.ts";
import { isReady, request, type Answer } from "../session.ts";
import { nextOrder, nowSec, type Step } from "../step.ts";
import { formatCode, parseCode } from "./code.ts";
import { shareHistory } from "./history-export.ts";
import { keysOfCode } from "./link-keys.ts";
import { readOffer, sealAnswer } from "./link-offer.ts";
import { sealName } from "./names.ts";
import { LIST_PUBLISHED, ownList, proposeChange } from "./own-list.ts";
import { accountGroup } from "./own-group.ts";
import { ensureAccountGroup } from "./account-group.ts";

/** A device that was linked from here, until it is in every group and knows the history. */
export interface LinkJob {
  readonly device: string;
  readonly sinceMs: number;
}

const lookAgainMs = 1_500;
/** After this long, groups that the new device cannot be added to wait for another time. */
const patienceMs = 120_000;
const givenUpMs = 86_400_000;

/** What asks to be linked under a code. @throws as Messenger.linkRequest. */
export async function linkRequest(engine: Engine, code: string): Promise<LinkRequest> {
  const { fetched, offer, code: typed } = await fetchOffer(engine, code);
  return {
    code: formatCode(typed),
    name: offer.name,
    platform: offer.platform,
    address: fetched.address,
    askedAt: Number(fetched.madeAtSec),
  };
}

async function fetchOffer(engine: Engine, text: string) {
  const code = parseCode(text, LIMITS.linkCodeBytes);
  const keys = await engine.run((step) => keysOfCode(step.env, code, step.live.own.serverFingerprint));
  const { linkId } = keys;
  await connectionSettled(engine);
  const answer = await ask(engine, (step, then) =>
    request(
      step,
      (number) => ({
        case: "fetchLink",
        value: { $typeName: "sotto.v1.FetchLink", request: number, linkId },
      }),
      then,
    ),
  );
  if (answer.type !== "link") throw unexpected(answer);
  const fetched: LinkFetched = answer.link;
  const offer = await engine.run((step) => readOffer(step.env, code, keys, fetched.offer));
  return { code, keys, fetched, offer };
}

/** Sends a request, and waits for its answer. @throws RefusedError, TransportError. */
export async function ask(
  engine: Engine,
  send: (step: Step, then: (step: Step, answer: Answer) => Promise<void>) => void,
): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  await engine.run(async (step) => {
    if (!isReady(step))
      throw new TransportError("server_unreachable", "there is no connection to the server");
    send(step, async (later, answer) => {
      later.effects.push({ type: "settle", settle: () => resolve(answer) });
    });
  });
  const answer = await promise;
  if (answer.type === "refused" || answer.type === "lost") throw answer.error;
  return answer;
}

function unexpected(answer: Answer): RefusedError {
  return new RefusedError("internal", `the server answered with ${answer.type}`);
}

/** Lets the device in that asks under a code. @throws as Messenger.approveLink. */
export async function approveLink(engine: Engine, code: string): Promise<void> {
  const { offer, keys } = await fetchOffer(engine, code);
  const { linkId } = keys;
  const { published } = await engine.run(async (step) => {
    const listed = findDevice((await ownList(step)).list, deviceOf(toHex(offer.device.deviceId)));
    const approved = names.linkApproved(toHex(linkId));
    if (listed !== undefined) {
      // A device list is no secret: an offer that names a device which is on it would get the keys without anybody being told.
      if ((await step.draft.get(approved)) === undefined)
        throw new ValidationError("link_refused", "that device is one of the account's already");
      return { published: Promise.resolve() };
    }
    step.draft.put(approved, nowSec(step));
    const sealedName = await sealName(step.env, step.live.own.backupKey, offer.name);
    const device = toBinary(DeviceSchema, { ...offer.device, sealedName });
    await proposeChange(step, { type: "add-device", device });
    return { published: step.waiters.wait(LIST_PUBLISHED) };
  });
  await published;
  const answer = await engine.run(async (step) =>
    sealAnswer(step.env, keys, offer, step.live.own, await ownList(step)),
  );
  await ask(engine, (step, then) =>
    request(
      step,
      (number) => ({
        case: "answerLink",
        value: { $typeName: "sotto.v1.AnswerLink", request: number, linkId, answer },
      }),
      then,
    ),
  );
  await engine.run(async (step) => {
    const device = toHex(offer.device.deviceId);
    const order = nextOrder(step);
    step.draft.putItem(names.linkJobs, order, { device, sinceMs: step.env.nowMs() });
    step.live.devices.jobs.push(order);
  });
}

/** Goes on with what new devices have yet to get. */
export async function pumpLinkJobs(step: Step): Promise<void> {
  const { devices } = step.live;
  const order = devices.jobs[0];
  if (order === undefined || devices.waiting || !isReady(step)) return;
  const job = await step.draft.item(names.linkJobs, order);
  const ageMs = step.env.nowMs() - (job?.sinceMs ?? 0);
  if (job === undefined || ageMs > givenUpMs) return finish(step, order);
  await ensureAccountGroup(step);
  const account = accountGroup(step);
  const told = account !== undefined && (await hasDevice(step, account.record.id, job.device));
  const missing = told ? await groupsWithout(step, job.device) : ["all"];
  if (!told || (missing.length > 0 && ageMs < patienceMs)) {
    for (const group of step.live.groups.byId.values()) {
      group.uninvitable.delete(job.device);
      wakeGroup(step, group.record.id);
    }
    devices.waiting = true;
    step.effects.push({
      type: "timer",
      name: "link jobs",
      delayMs: lookAgainMs,
      run: async (later) => {
        later.live.devices.waiting = false;
      },
    });
    return;
  }
  await shareHistory(step, job.device);
  finish(step, order);
}

function finish(step: Step, order: number): void {
  step.draft.deleteItem(names.linkJobs, order);
  step.live.devices.jobs.splice(step.live.devices.jobs.indexOf(order), 1);
}

async function hasDevice(step: Step, id: string, device: string): Promise<boolean> {
  const group = step.live.groups.byId.get(id);
  if (group === undefined || group.record.state !== "joined") return false;
  return (await mlsOf(step, group)).members.some((member) => deviceOfMember(member) === device);
}

async function groupsWithout(step: Step, device: string): Promise<readonly string[]> {
  const without: string[] = [];
  for (const { record } of step.live.groups.byId.values()) {
    if (record.state === "joined" && !(await hasDevice(step, record.id, device))) without.push(record.id);
  }
  return without;
}
