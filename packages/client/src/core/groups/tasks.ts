/**
 * What is left to do with the server after a group was made or changed: its log, reader slots for those who join, their Welcomes. Tasks lie
 * in the vault, are done in order, and are repeated until they are done; each can be repeated safely.
 */
import { EntryKind, type SottoError } from "@sotto/protocol";
import { bytesOf } from "../hex.ts";
import { pauseMs } from "../reconnect.ts";
import { isReady, request, type Answer } from "../session.ts";
import type { Step } from "../step.ts";
import { noteLogMade } from "./creating.ts";
import { groupNames, type GroupTask } from "./records.ts";
import { putGroup, wakeGroup, type GroupLive } from "./state.ts";

/** Goes on with what is left to do. */
export async function pumpTasks(step: Step, group: GroupLive): Promise<void> {
  const { record } = group;
  if (!isReady(step) || group.tasksBusy || record.tasks.length === 0) return;
  group.tasksBusy = true;
  const tasks = record.tasks.slice(0, mostAtOnce);
  let left = tasks.length;
  let trouble: SottoError | undefined;
  const finished: GroupTask[] = [];
  for (const task of tasks) {
    await carryOut(step, group, task, async (later, answer) => {
      left -= 1;
      const error = failureOf(task, answer);
      if (error === undefined) finished.push(task);
      else trouble ??= error;
      if (left === 0) await afterTasks(later, group, finished, trouble);
    });
  }
}

const mostAtOnce = 64;

async function afterTasks(
  step: Step,
  group: GroupLive,
  finished: readonly GroupTask[],
  trouble: SottoError | undefined,
): Promise<void> {
  putGroup(step, group, { tasks: group.record.tasks.filter((task) => !finished.includes(task)) });
  if (finished.some((task) => task.type === "create-log")) await noteLogMade(step, group);
  if (trouble === undefined) {
    group.tasksBusy = false;
    group.taskFailures = 0;
    return wakeGroup(step, group.record.id);
  }
  if (!isReady(step)) return;
  group.taskFailures += 1;
  step.effects.push({
    type: "timer",
    name: `tasks ${group.record.id}`,
    delayMs: pauseMs(group.taskFailures, trouble.retryAfterMs, step.env.random()),
    run: async (later) => {
      group.tasksBusy = false;
      wakeGroup(later, group.record.id);
    },
  });
}

/** Why a task must be done again; undefined when it is done, or never will be. */
function failureOf(task: GroupTask, answer: Answer): SottoError | undefined {
  if (answer.type === "lost") return answer.error;
  if (answer.type !== "refused") return undefined;
  const { code } = answer.error;
  if (code === "log_exists") return undefined;
  // The device was revoked in the meantime, and its inbox is gone.
  if (task.type === "inbox" && code === "log_refused") return undefined;
  return answer.error;
}

async function carryOut(
  step: Step,
  group: GroupLive,
  task: GroupTask,
  then: (step: Step, answer: Answer) => Promise<void>,
): Promise<void> {
  const { id, epoch, token } = group.record;
  switch (task.type) {
    case "create-log":
      return request(
        step,
        (number) => ({
          case: "createLog",
          value: {
            $typeName: "sotto.v1.CreateLog",
            request: number,
            logId: bytesOf(id),
            epoch: BigInt(task.epoch),
            tokenHash: task.tokenHash,
          },
        }),
        then,
      );
    case "open-slot":
      return request(
        step,
        (number) => ({
          case: "openSlot",
          value: {
            $typeName: "sotto.v1.OpenSlot",
            request: number,
            logId: bytesOf(id),
            slotId: bytesOf(task.slot),
            accessToken: token,
            epoch: BigInt(epoch),
            afterSeq: BigInt(task.afterSeq),
          },
        }),
        then,
      );
    case "inbox":
      return append(step, bytesOf(task.inbox), new Uint8Array(), task.item, then, task.wakes);
    case "side-log":
      return makeSideLog(step, task, then);
  }
}

/** Leaves something in an inbox, once. Without `then`, whether it came there is not waited for. @param wakes a person waits for it. */
export function leaveInInbox(
  step: Step,
  inbox: string,
  item: Uint8Array,
  then: (step: Step, answer: Answer) => Promise<void> = async () => {},
  wakes = false,
): void {
  append(step, bytesOf(inbox), new Uint8Array(), item, then, wakes);
}

async function makeSideLog(
  step: Step,
  { log, token, keeper }: Extract<GroupTask, { type: "side-log" }>,
  then: (step: Step, answer: Answer) => Promise<void>,
): Promise<void> {
  const tokenHash = await step.env.crypto.sha256(token);
  const createLog = {
    $typeName: "sotto.v1.CreateLog",
    logId: bytesOf(log),
    epoch: 0n,
    tokenHash,
  } as const;
  request(
    step,
    (number) => ({ case: "createLog", value: { ...createLog, request: number } }),
    async (later, made) => {
      // It may exist from a try before; a piece may be there twice then, and readers take what fits.
      if (made.type === "lost") return then(later, made);
      if (made.type === "refused" && made.error.code !== "log_exists") return then(later, made);
      openKeeper(later, log, token, keeper);
      await appendPieces(later, log, token, then);
    },
  );
}

/** A slot that keeps what lies in a side log: without one, it would go as soon as those who came first have read it. */
function openKeeper(step: Step, log: string, accessToken: Uint8Array, keeper: string): void {
  request(
    step,
    (number) => ({
      case: "openSlot",
      value: {
        $typeName: "sotto.v1.OpenSlot",
        request: number,
        logId: bytesOf(log),
        slotId: bytesOf(keeper),
        accessToken,
        epoch: 0n,
        afterSeq: 0n,
      },
    }),
    async () => {},
  );
}

async function appendPieces(
  step: Step,
  log: string,
  token: Uint8Array,
  then: (step: Step, answer: Answer) => Promise<void>,
): Promise<void> {
  const pieces = await step.draft.page(groupNames.pieces(log));
  let left = pieces.length;
  let failed: Answer | undefined;
  for (const { value } of pieces) {
    append(step, bytesOf(log), token, value, async (later, answer) => {
      left -= 1;
      if (answer.type !== "appended") failed ??= answer;
      if (left > 0) return;
      if (failed === undefined) {
        for (const { order } of pieces) later.draft.deleteItem(groupNames.pieces(log), order);
      }
      await then(later, failed ?? answer);
    });
  }
}

function append(
  step: Step,
  logId: Uint8Array,
  accessToken: Uint8Array,
  body: Uint8Array,
  then: (step: Step, answer: Answer) => Promise<void>,
  wakes = false,
): void {
  request(
    step,
    (number) => ({
      case: "append",
      value: {
        $typeName: "sotto.v1.Append",
        request: number,
        logId,
        accessToken,
        epoch: 0n,
        kind: EntryKind.MESSAGE,
        body,
        nextTokenHash: new Uint8Array(),
        wakes,
      },
    }),
    then,
  );
}
