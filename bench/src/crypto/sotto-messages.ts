/**
 * Messages of Sotto in a group: in memory, and with the state written to the vault, one message a change set or up to 64 as the client's
 * engine does (mostStepsTogether in packages/client/src/core/engine.ts). The fsync of each change set is part of it. In the tasks "with the
 * message" the change set also holds the message itself: outgoing the sealed bytes, incoming the text.
 */
import type { MlsGroup } from "@sotto/crypto";
import { fromUtf8, toBase64, toHex } from "@sotto/protocol";
import type { Device } from "./devices.ts";
import { type Notebook, startClock } from "./samples.ts";
import { type BenchVault, putDelta } from "./vault.ts";

/** Steps that the client's engine stores together at most. */
const mostStepsTogether = 64;

/** How what a message changed is stored. */
interface Way {
  readonly title: string;
  /** Messages to a change set; 0: nothing is stored. */
  readonly together: number;
  readonly withMessage: boolean;
}

/** The ways that are measured, in the order of the tables. */
export const WAYS: readonly Way[] = [
  { title: "in memory", together: 0, withMessage: false },
  { title: "stored, 64 a change set", together: mostStepsTogether, withMessage: false },
  { title: "stored with the message, 64 a change set", together: mostStepsTogether, withMessage: true },
  { title: "stored, one a change set", together: 1, withMessage: false },
];

/** Somebody in a group, and where their state lies. */
export interface Seat {
  readonly device: Device;
  group: MlsGroup;
}

/** What a measurement needs to know. */
export interface MessageRun {
  readonly notebook: Notebook;
  readonly system: string;
  readonly members: number;
  readonly vault: BenchVault;
  readonly text: Uint8Array;
  readonly messages: number;
}

/** Measures encrypting and decrypting in the ways given. */
export async function measureMessages(
  run: MessageRun,
  sender: Seat,
  receiver: Seat,
  ways: readonly Way[],
): Promise<void> {
  // The first message of an epoch derives the sender's part of the secret tree; the compiler warms up.
  await exchange(run, sender, receiver, WAYS[0]!, run.messages, false);
  for (const way of ways) await exchange(run, sender, receiver, way, run.messages, true);
}

async function exchange(
  run: MessageRun,
  sender: Seat,
  receiver: Seat,
  way: Way,
  count: number,
  noted: boolean,
): Promise<void> {
  const { members, text } = run;
  const id = `${toHex(sender.group.groupId)}/${members}`;
  const sealed: Uint8Array[] = [];
  const noteAs = (task: string) => (noted ? `${task}, ${way.title}` : undefined);
  await inChangeSets(run, way, count, noteAs("encrypt"), async (draft, i) => {
    const made = await sender.device.engine.protect(sender.group, text);
    sender.group = made.group;
    sealed.push(made.message);
    if (draft === undefined) return;
    putDelta(draft, `${id}/sender`, made.delta);
    if (way.withMessage) draft.putItem({ list: "outbox" }, i, { order: i, body: made.message });
  });
  await inChangeSets(run, way, count, noteAs("decrypt"), async (draft, i) => {
    const opened = await receiver.device.engine.unprotect(receiver.group, sealed[i]!);
    if (opened.type !== "application") throw new Error("not a message");
    receiver.group = opened.group;
    if (opened.plaintext.length !== text.length) throw new Error("another text came out");
    if (draft === undefined) return;
    putDelta(draft, `${id}/receiver`, opened.delta);
    if (way.withMessage) {
      const { accountId } = opened.sender;
      draft.putItem({ list: "messages" }, i, {
        sender: toBase64(accountId),
        body: fromUtf8(opened.plaintext),
      });
    }
  });
}

type Draft = ReturnType<BenchVault["store"]["draft"]>;

/** Runs the steps and notes what one takes, its share of the change set included. */
async function inChangeSets(
  { notebook, system, members, vault }: MessageRun,
  { together }: Way,
  count: number,
  task: string | undefined,
  step: (draft: Draft | undefined, i: number) => Promise<void>,
): Promise<void> {
  const since = startClock();
  for (let i = 0; i < count;) {
    const draft = together === 0 ? undefined : vault.store.draft();
    const end = Math.min(count, i + Math.max(1, together));
    for (; i < end; i++) await step(draft, i);
    await draft?.commit();
  }
  if (task !== undefined) notebook.took(system, members, task, since, count);
}
