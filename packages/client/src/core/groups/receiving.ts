/**
 * What others left in our inbox, sealed to our inbox key: Welcomes, requests of devices that lost their state, and of people who
 * ask to be let into a group by its link. Each is stored before
 * the entry is acked, and then waits for whatever it needs: lists, a ratchet tree, another try.
 */
import { openInboxItem } from "@sotto/crypto";
import { toBinary } from "@bufbuild/protobuf";
import {
  LIMITS,
  SealedContentSchema,
  SottoError,
  StorageError,
  ValidationError,
  decode,
  type SealedItem,
} from "@sotto/protocol";
import { addNotice } from "../notices.ts";
import { isReady } from "../session.ts";
import { nextOrder, type Step } from "../step.ts";
import { takeMembership } from "./asking-anew.ts";
import { takeWelcome } from "./joining.ts";
import { takeJoinAnswer } from "./links/asked.ts";
import { takeJoin } from "./links/taking.ts";
import { groupNames, type HeldItem } from "./records.ts";
import { takeNotMember } from "./not-member.ts";
import { takeRejoin } from "./rejoining.ts";
import { type ItemVerdict, finishItem, retryLater } from "./held-items.ts";

// Whoever floods us fills no more than this; the sender's server-side quota comes first.
const mostHeld = 2_000;

/** Opens a sealed item and stores what it holds. */
export async function takeSealed(step: Step, seq: number, item: SealedItem): Promise<void> {
  const { own, heldItems } = step.live;
  try {
    const opened = await openInboxItem(step.env.mlsProvider, own.inboxKey, item);
    const content = decode(SealedContentSchema, opened, LIMITS.maxEntryBytes);
    if (content.content.case === undefined) return;
    if (heldItems.orders.length >= mostHeld)
      throw new ValidationError("quota_exceeded", "too much waits already of what others left here");
    const order = nextOrder(step);
    step.draft.putItem(groupNames.heldItems, order, {
      seq,
      content: toBinary(SealedContentSchema, content),
      receivedAtMs: step.env.nowMs(),
    });
    heldItems.orders.push(order);
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause instanceof StorageError) throw cause;
    await addNotice(step, { type: "refused", from: undefined, code: cause.code });
  }
}

/** Goes on with everything that waits for nothing in particular. */
export async function pumpHeldItems(step: Step): Promise<void> {
  const { heldItems } = step.live;
  if (!isReady(step)) return;
  for (const order of heldItems.orders.slice()) {
    if (heldItems.busy.has(order)) continue;
    const item = await step.draft.item(groupNames.heldItems, order);
    const verdict = item === undefined ? { type: "done" as const } : await tryItem(step, order, item);
    if (verdict.type === "done") finishItem(step, order);
    else if (verdict.type === "wait") heldItems.busy.add(order);
    else await retryLater(step, order, verdict.error);
  }
}

async function tryItem(step: Step, order: number, item: HeldItem): Promise<ItemVerdict> {
  const takeBack = step.draft.savepoint();
  try {
    const { content } = decode(SealedContentSchema, item.content, LIMITS.maxEntryBytes);
    switch (content.case) {
      case "welcome":
        return await takeWelcome(step, order, content.value);
      case "rejoin":
        return await takeRejoin(step, order, content.value);
      case "join":
        return await takeJoin(step, order, content.value);
      case "joinAnswer":
        return await takeJoinAnswer(step, content.value);
      case "notMember":
        return await takeNotMember(step, order, content.value);
      case "membership":
        return await takeMembership(step, order, content.value);
      case undefined:
        return { type: "done" };
    }
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause instanceof StorageError) throw cause;
    takeBack();
    if (cause.code === "internal") return { type: "again", error: cause };
    await addNotice(step, { type: "refused", from: undefined, code: cause.code });
    return { type: "done" };
  }
}
