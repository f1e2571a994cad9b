/** Gathering what is to be written out, page by page. */
import type { Message, Messenger } from "../api.ts";
import type { ExportedHistory } from "./exported-history.ts";

const pageSize = 500;

/** All messages of a conversation (a peer, or a group's name or id), or the newest `limit`, oldest first. */
export async function wholeHistory(
  messenger: Pick<Messenger, "history">,
  peer: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly Message[]> {
  const pages: (readonly Message[])[] = [];
  let missing = limit;
  let before: string | undefined;
  while (missing > 0) {
    const size = Math.min(pageSize, missing);
    const page = await messenger.history(peer, { limit: size, ...(before === undefined ? {} : { before }) });
    pages.push(page);
    missing -= page.length;
    before = page[0]?.id;
    if (page.length < size) break;
  }
  return pages.reverse().flat();
}

/** The history of one conversation (a peer, or a group's name or id), or of all. @param nowSec seconds since 1970-01-01 UTC. */
export async function collectHistory(
  messenger: Pick<Messenger, "history" | "conversations" | "groups">,
  self: Messenger["self"],
  peer: string | undefined,
  nowSec: number,
): Promise<ExportedHistory> {
  const chosen =
    peer === undefined
      ? (await messenger.conversations()).map((one) => ({
          key: one.group?.id ?? one.peer,
          name: one.peer,
          groupId: one.group?.id,
        }))
      : [await named(messenger, peer)];
  const conversations: ExportedHistory["conversations"][number][] = [];
  for (const { key, name, groupId } of chosen) {
    conversations.push({ peer: name, groupId, messages: await wholeHistory(messenger, key) });
  }
  return { self, exportedAtSec: nowSec, conversations };
}

/** What a conversation is called. */
async function named(messenger: Pick<Messenger, "groups">, text: string) {
  const group = (await messenger.groups()).find(({ id, name }) => id === text || name === text);
  return { key: text, name: group?.name ?? text, groupId: group?.id };
}
