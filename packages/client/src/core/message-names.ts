/**
 * Finding messages by who sent them and their ids. A name is remembered after its message was removed, so that none is shown twice. In one
 * conversation an id means one message, whoever sent it: callers see to that.
 */
import { names, type MessageName, type MessagePlace, type NamedPlace } from "./records.ts";
import type { Step } from "./step.ts";
import type { View } from "./vault-store.ts";

/** Honest ids are random and never the same: more senders of one id than this need not be told apart. */
const mostSendersOfId = 16;

/** Where a message lies, or lay. */
export async function findPlace(view: View, { account, id }: MessageName): Promise<MessagePlace | undefined> {
  const places = await view.get(names.placesOf(id));
  return places?.find((place) => place.account === account);
}

/** The message of an id in a conversation, and who sent it. @param conversations its lists of messages. */
export async function findIn(
  view: View,
  conversations: readonly string[],
  id: string,
): Promise<NamedPlace | undefined> {
  const places = await view.get(names.placesOf(id));
  return places?.find((place) => conversations.includes(place.conversation));
}

/** The name of the message of an id that lies, or lay, at a place. */
export async function nameAt(
  view: View,
  { conversation, order }: MessagePlace,
  id: string,
): Promise<MessageName | undefined> {
  const places = await view.get(names.placesOf(id));
  const named = places?.find((place) => place.conversation === conversation && place.order === order);
  return named && { account: named.account, id };
}

/** Whether an id means another message of the conversation already, or too many elsewhere. */
export async function isTaken(
  view: View,
  conversations: readonly string[],
  { account, id }: MessageName,
): Promise<boolean> {
  const places = (await view.get(names.placesOf(id))) ?? [];
  const another = places.some(
    (place) => conversations.includes(place.conversation) && place.account !== account,
  );
  return another || places.length >= mostSendersOfId;
}

/** Remembers where a message lies. */
export async function notePlace(
  step: Step,
  { account, id }: MessageName,
  place: MessagePlace,
): Promise<void> {
  const before = (await step.draft.get(names.placesOf(id))) ?? [];
  const { conversation, order } = place;
  step.draft.put(names.placesOf(id), [...before, { account, conversation, order }]);
}
