/**
 * The end of the account, asked for on this device: it leaves its groups, takes back what it uploaded, and has the server delete
 * everything else. The groups and files come first, since nobody can do that any more afterwards; what does not work out within a while
 * is left to the server's retention. Asking twice is asking once: an account that is gone counts as deleted.
 * @see spec/PROTOCOL.md "Deleting an account"
 */
import { TransportError, deletionTranscript } from "@sotto/protocol";
import { deleteBlobsOf } from "./attachments/blob-deletions.ts";
import type { Engine } from "./engine.ts";
import type { Env } from "./env.ts";
import { beginLeaving, leftGroup } from "./groups/leaving.ts";
import { closeSlot } from "./groups/slots.ts";
import { accountOf } from "./hex.ts";
import { allContacts, connectionSettled } from "./people.ts";
import { names } from "./records.ts";
import { isReady, request } from "./session.ts";
import type { Step } from "./step.ts";

const leaveWithinMs = 15_000;
const deleteFilesWithinMs = 15_000;
const reconnectWithinMs = 30_000;
const mostTries = 5;
const pageSize = 2_000;

/** Deletes the account on the server. @throws RefusedError, TransportError: then it may be asked for again. */
export async function endAccount(engine: Engine, env: Env): Promise<void> {
  await connectionSettled(engine);
  if (isGone(engine)) return;
  await engine.run(async (step) => {
    if (!isReady(step)) throw unreachable();
    step.live.session.ending = true;
  });
  try {
    await leaveGroups(engine, env);
    await deleteFiles(engine, env);
    await askServer(engine, env);
  } catch (cause) {
    await engine.run(async (step) => {
      step.live.session.ending = false;
    });
    throw cause;
  }
}

/** Whether the server proved that the account was deleted. */
const isGone = (engine: Engine): boolean => engine.live.session.problem?.code === "account_deleted";

const unreachable = (): TransportError =>
  new TransportError("server_unreachable", "there is no connection to the server");

async function leaveGroups(engine: Engine, env: Env): Promise<void> {
  const { left } = await engine.run(async (step) => {
    const waiting: Promise<void>[] = [];
    for (const group of step.live.groups.byId.values()) {
      const { id, kind, state } = group.record;
      if (kind !== "group" || state !== "joined") continue;
      waiting.push(step.waiters.wait(leftGroup(id)));
      await beginLeaving(step, group);
    }
    return { left: Promise.allSettled(waiting) };
  });
  await Promise.race([left, pause(env, leaveWithinMs)]);
}

/** Has every file deleted that was sent from this account and that this device knows of. */
async function deleteFiles(engine: Engine, env: Env): Promise<void> {
  await engine.run(async (step) => {
    for (const conversation of await conversationsOf(step)) {
      for (let from = 0; ;) {
        const page = await step.draft.page(names.messages(conversation), { from, limit: pageSize });
        for (const { value } of page) if (value.direction === "out") deleteBlobsOf(step, value);
        if (page.length < pageSize) break;
        from = (page.at(-1)?.order ?? 0) + 1;
      }
    }
  });
  const untilMs = env.nowMs() + deleteFilesWithinMs;
  while (engine.live.transfers.deletions.length > 0 && env.nowMs() < untilMs) await pause(env, 50);
}

async function conversationsOf(step: Step): Promise<readonly string[]> {
  const groups = [...step.live.groups.byId.values()].map(({ record }) => record.conversation);
  const contacts = (await allContacts(step)).flatMap(({ conversations }) => conversations);
  return [...new Set([...groups, ...contacts])];
}

async function askServer(engine: Engine, env: Env): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await askOnce(engine);
    } catch (cause) {
      if (!(cause instanceof TransportError) || tries >= mostTries) throw cause;
    }
    await reconnected(engine, env);
    // The answer was lost, not what was asked.
    if (isGone(engine)) return;
  }
}

async function askOnce(engine: Engine): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  await engine.run(async (step) => {
    if (!isReady(step)) throw unreachable();
    const { own, session, groups } = step.live;
    const { clientNonce, serverNonce } = session;
    const signature = await step.env.crypto.ed25519Sign(
      own.identityKey.privateKey,
      deletionTranscript(clientNonce, serverNonce, own.serverFingerprint, accountOf(own.account)),
    );
    // Nobody reads there any more: nothing is to wait for this device.
    for (const group of groups.byId.values()) if (group.reader.phase !== "detached") closeSlot(step, group);
    request(
      step,
      (number) => ({
        case: "deleteAccount",
        value: { $typeName: "sotto.v1.DeleteAccount", request: number, signature },
      }),
      async (later, answer) => {
        const settle = (): void => {
          if (answer.type === "done") resolve();
          else reject("error" in answer ? answer.error : unreachable());
        };
        later.effects.push({ type: "settle", settle });
      },
    );
  });
  await promise;
}

/** Resolves when a device is signed in again, when the account turned out to be gone, or after a while. */
async function reconnected(engine: Engine, env: Env): Promise<void> {
  const untilMs = env.nowMs() + reconnectWithinMs;
  while (engine.live.session.phase !== "online" && !isGone(engine) && env.nowMs() < untilMs) {
    await pause(env, 50);
  }
}

const pause = (env: Env, delayMs: number): Promise<void> =>
  new Promise((resolve) => void env.setTimer(delayMs, resolve));
