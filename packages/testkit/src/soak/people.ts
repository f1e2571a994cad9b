/** What people do with a running device: write, read, and change groups. */
import { SottoError } from "@sotto/protocol";
import { parseGroupData, type GroupRecord } from "@sotto/client/parts";
import type { SimulatedDevice } from "../simulation/index.ts";
import type { CommandKind } from "./commands.ts";
import { historyOf } from "./seen.ts";
import { inUse, type Action, type Stage } from "./stage.ts";

/** Refusals that an honest person may meet: somebody else was first, or there is no connection now. */
const expected = new Set([
  "group_forbidden",
  "group_unknown",
  "contact_unknown",
  "connection_lost",
  "server_unreachable",
  "identifier_not_found",
  "storage_failed",
  "usage",
  "unavailable",
  "rate_limited",
  "draining",
  "no_usable_key",
  "link_refused",
  // It is sent once the change is acknowledged.
  "identity_changed",
]);

/** Begins something whose outcome is not waited for: the process may be killed first. */
export function begin(stage: Stage, work: Promise<unknown>): void {
  work.catch((cause: unknown) => {
    if (cause instanceof SottoError && expected.has(cause.code)) return;
    stage.faults.push(`a call failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : cause}`);
  });
}

const at = <T>(items: readonly T[], index: number): T | undefined => items[index % items.length];
/** The next text that somebody writes; its number tells its place. */
export const newText = (stage: Stage): string => `text ${++stage.textsSent}`;

/** What somebody does; undefined when it makes no sense now. */
export async function use(
  stage: Stage,
  device: SimulatedDevice,
  { kind, b, c }: { readonly kind: CommandKind; readonly b: number; readonly c: number },
): Promise<Action | undefined> {
  const { up } = device;
  const others = new Map(inUse(stage).map(({ account, identifier }) => [account, identifier]));
  others.delete(device.account);
  const people = [...others];
  const [, peer] = at(people, b) as (typeof people)[number];
  if (kind === "send") return () => begin(stage, up.send(peer, newText(stage)));
  if (kind === "create-group") {
    const members = people.filter((_, i) => ((b >> i) & 1) === 1).map(([, identifier]) => identifier);
    return () => begin(stage, up.createGroup(`group ${++stage.groupsMade}`, members));
  }
  const groups = (await device.groups()).filter((one) => one.kind === "group" && one.state === "joined");
  const group = at(groups, b);
  const conversation = c % 2 === 0 || group === undefined ? peer : group.id;
  if (kind === "read") return () => begin(stage, up.markRead(conversation));
  if (kind === "react" || kind === "edit" || kind === "take-back") {
    return change(stage, device, conversation, { kind, c: c >> 1 });
  }
  if (group === undefined) return undefined;
  const { id, accounts } = group;
  switch (kind) {
    case "race":
      return () => race(stage, id, c);
    case "send-group":
      return () => {
        for (let i = 0; i <= c % 3; i++) begin(stage, up.send(id, newText(stage)));
      };
    case "rename":
      return () => begin(stage, up.renameGroup(id, `renamed ${c}`));
    case "leave":
      return () => begin(stage, up.leaveGroup(id));
  }
  const chosen = at(
    people.filter(([account]) => accounts.includes(account) === (kind !== "add")),
    c,
  );
  if (chosen === undefined) return undefined;
  const who = [chosen[1]];
  if (kind === "add") return () => begin(stage, up.addToGroup(id, who));
  if (kind === "remove") return () => begin(stage, up.removeFromGroup(id, who));
  return () => begin(stage, up.setAdmins(id, who, c % 4 !== 0));
}

const newest = 12;
const emojis = ["👍", "👎", "🎉", ""];

/** Does something with a message that is there. */
async function change(
  stage: Stage,
  { up }: SimulatedDevice,
  conversation: string,
  { kind, c }: { readonly kind: "react" | "edit" | "take-back"; readonly c: number },
): Promise<Action | undefined> {
  const rows = (await historyOf(up, conversation)).slice(-newest);
  const message = at(
    rows.filter(({ direction, deleted }) => deleted !== true && (kind === "react" || direction === "out")),
    c,
  );
  if (message === undefined) return undefined;
  const { id, body } = message;
  switch (kind) {
    case "react":
      return () => begin(stage, up.react(conversation, id, emojis[c % emojis.length] as string));
    case "edit":
      // The number of a text tells its place.
      return () => begin(stage, up.edit(conversation, id, `${body.split(" ", 2).join(" ")} edited ${c}`));
    case "take-back":
      stage.takenBack.add(id);
      return () => begin(stage, up.deleteMessage(conversation, id, { forEveryone: true }));
  }
}

const mayRename = ({ data, state }: GroupRecord, account: string): boolean =>
  state === "joined" && parseGroupData(data).admins.includes(account);

/** Everybody changes a group at the same time, and writes. */
async function race(stage: Stage, id: string, c: number): Promise<void> {
  for (const device of inUse(stage)) {
    const group = (await device.groups()).find((one) => one.id === id);
    if (!device.alive || group === undefined || !mayRename(group, device.account)) continue;
    begin(stage, device.up.renameGroup(id, `raced ${c} ${device.label}`));
    begin(stage, device.up.send(id, newText(stage)));
  }
}
