/**
 * Letting a new device into the account, on one that is in it: look at what asks, put it on the device list, hand it the account's keys.
 * What is left to do then lies in the vault: see link-jobs.ts.
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
import { deviceOf } from "../hex.ts";
import { names } from "../records.ts";
import { isReady, request, type Answer } from "../session.ts";
import { nowSec, type Step } from "../step.ts";
import { formatCode, parseCode } from "./code.ts";
import { keysOfCode } from "./link-keys.ts";
import { addLinkJob } from "./let-in.ts";
import { readOffer, sealAnswer } from "./link-offer.ts";
import { sealName } from "./names.ts";
import { LIST_PUBLISHED, ownList, proposeChange } from "./own-list.ts";

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
  const answer = await engine.run(async (step) => {
    // Before the answer is under way: who has it is one of the account's, whatever becomes of this process.
    await addLinkJob(step, toHex(offer.device.deviceId));
    return sealAnswer(step.env, keys, offer, step.live.own, await ownList(step));
  });
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
}
