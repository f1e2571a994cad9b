/** How messages are written for people and for scripts. Everything that others wrote is sanitised here. */
import type { Message, Messenger, Notice } from "@sotto/client";
import type { Saved } from "./attachments/saving.ts";
import { attachmentRow, formatDay, formatTime, richRow, sanitiseLine, shortId } from "@sotto/client/readable";

/** A message that was found, on two lines: where and whose, and the part of its text that has the words. */
export function formatHit(message: Message, conversation: string, snippet: string): string {
  const at = `${formatDay(message.sentAt)} ${formatTime(message.sentAt)}`;
  const who = message.direction === "out" ? "me" : sanitiseLine(message.from);
  const where = message.groupId === undefined && message.direction === "in" ? "" : ` to ${conversation}`;
  return `${shortId(message.id)}  ${at} ${who}${where}\n    ${sanitiseLine(snippet)}`;
}

/** What scripts get for an account that was made, or came back, in a folder. */
export function accountMembers(self: Messenger["self"], home: string): object {
  return {
    identifier: self.identifier,
    account_id: self.accountId,
    device_id: self.deviceId,
    server: self.serverOrigin,
    server_fingerprint: self.serverFingerprint,
    home,
  };
}

/** What scripts get for a newly received message. `saved`: what became of its attachments. */
export function messageLine(message: Message, saved: readonly Saved[] = []): object {
  return {
    type: "message",
    id: message.id,
    conversation: message.conversation,
    from: message.from,
    suite: message.suite,
    body: message.body,
    sent_at: message.sentAt,
    ...richRow(message),
    ...(saved.length > 0 && {
      attachments: message.attachments?.map((one, index) => ({
        ...attachmentRow(one),
        saved: saved[index]?.path,
        problem: saved[index]?.problem,
      })),
    }),
  };
}

/** A notice in words. `self` is the identifier of the one who reads it. */
export function formatNotice(notice: Notice, self: string): string {
  switch (notice.type) {
    case "gap":
      return notice.count === 1
        ? `1 message from ${sanitiseLine(notice.from)} never arrived: it was lost or held back by the server.`
        : `${notice.count} messages from ${sanitiseLine(notice.from)} never arrived: they were lost or held back by the server.`;
    case "refused":
      return `A message${notice.from === undefined ? "" : ` from ${sanitiseLine(notice.from)}`} was refused (${sanitiseLine(notice.code)}) and is not shown.`;
    case "identity_changed":
      return `The identity key of ${sanitiseLine(notice.identifier)} changed. Compare safety numbers before you write on.`;
    case "device_unlisted":
      return `A device that ${sanitiseLine(notice.identifier)} did not list tried to write; it was refused.`;
    case "group_changed":
      return `${sanitiseLine(notice.group)}: ${formatChange(notice, self)}`;
    case "join_requested":
      return `${sanitiseLine(notice.group)}: ${sanitiseLine(notice.from)} asks to be let in ('sotto group requests').`;
    case "join_answered":
      return notice.state === "refused"
        ? `${sanitiseLine(notice.group)}: an admin did not let you in.`
        : `${sanitiseLine(notice.group)}: the link that you asked by is good no more.`;
    case "device_added":
      return `A device was added to your account: ${sanitiseLine(notice.name === "" ? notice.id : notice.name)}. If that was not you, revoke it at once ('sotto devices revoke').`;
    case "account_deleted":
      return "This account was deleted on another of your devices. What is stored here can still be read and exported; 'sotto account delete' removes it.";
    case "reset_pending":
      return notice.at === 0
        ? "The request to replace your account was stopped."
        : `Somebody who can read codes for your number or address asked to replace your account from ${formatDay(notice.at)} ${formatTime(notice.at)} on. If that was not you, stop it on any of your devices ('sotto reset --cancel').`;
    case "clock_wrong":
      return notice.aheadMs === 0
        ? "This device's clock agrees with the server's again."
        : `This device's clock is ${formatAhead(notice.aheadMs)} the server's. Set date, time and time zone right: others see wrong times, and classic messages wait.`;
    case "held":
      return `A message from ${sanitiseLine(notice.from)} is dated ahead of this device's clock (${sanitiseLine(notice.code)}), and is shown at ${formatDay(notice.until)} ${formatTime(notice.until)}: the clock here or there is wrong.`;
    case "healed":
      return `${sanitiseLine(notice.conversation)}: this device had lost its place here and was put right. ${missed(notice.missed)}`;
  }
}

/** How far a clock is off, in words: "3 hours ahead of", "2 days behind". */
export function formatAhead(aheadMs: number): string {
  const units = [
    [86_400_000, "day"],
    [3_600_000, "hour"],
    [60_000, "minute"],
  ] as const;
  const off = Math.abs(aheadMs);
  const [unitMs, unit] = units.find(([ms]) => off >= 2 * ms) ?? [60_000, "minute"];
  const count = Math.max(1, Math.round(off / unitMs));
  return `${count} ${unit}${count === 1 ? "" : "s"} ${aheadMs > 0 ? "ahead of" : "behind"}`;
}

const missed = (count: number | undefined): string =>
  count === undefined
    ? "The server had lost what it held: messages in between may be missing here."
    : count === 0
      ? "No message was missed."
      : count === 1
        ? "1 message in between cannot be shown here."
        : `${count} messages in between cannot be shown here.`;

/** What changed in a group, in words, without the group's name: "You added +15551230003." */
export function formatChange(notice: Notice & { readonly type: "group_changed" }, self: string): string {
  const { by, change } = notice;
  const actor = by === self ? "You" : sanitiseLine(by);
  switch (change.kind) {
    case "joined":
      return by === self ? "You joined." : `${actor} added ${people(change.who, self)}.`;
    case "added":
    case "removed":
      return `${actor} ${change.kind} ${people(change.who, self)}.`;
    case "left":
      return `${people(change.who, self).replace(/^you\b/, "You")} left.`;
    case "renamed":
      return `${actor} renamed the group to ${sanitiseLine(change.name)}.`;
    case "picture":
      return notePicture(actor, change.removed);
    case "admins":
      return `${actor} changed who is an admin.`;
  }
}

const notePicture = (actor: string, removed: boolean): string =>
  removed ? `${actor} took the group's picture away.` : `${actor} gave the group a picture.`;

const mostNamed = 5;

/** "you, +15551230002 and 12 others". */
function people(who: readonly string[], self: string): string {
  const names = who.map((one) => (one === self ? "you" : sanitiseLine(one)));
  const named = names.length > mostNamed ? names.slice(0, mostNamed - 1) : names;
  const rest = names.length - named.length;
  if (rest > 0) return `${named.join(", ")} and ${rest} others`;
  return named.length < 2 ? named.join("") : `${named.slice(0, -1).join(", ")} and ${named.at(-1)}`;
}
