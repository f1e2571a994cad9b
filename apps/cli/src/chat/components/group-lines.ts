/** The menu, the people of a group, and the question before a step that cannot be taken back. */
import type { GroupMember } from "@sotto/client";
import { deviceTitle } from "../../device-rows.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { counted } from "../../io/table.ts";
import { line, paragraphs, type Line } from "../lines.ts";
import { activeOf, type Snapshot } from "../model.ts";
import { menuFor, type Confirm, type Delete, type Grave } from "../overlay.ts";
import { padEnd, truncate, width } from "../text.ts";
import { groupTitle } from "../titles.ts";

/** Below this width a member's line holds the name and marks only. */
const narrowBelow = 44;

/** The menu: what can be done with what is open. */
export function menuLines(account: Snapshot, selected: number): readonly Line[] {
  const entries = menuFor(activeOf(account));
  return [
    line("Menu", "mine"),
    [],
    ...entries.map(({ letter, label }, index): Line => [
      { text: index === selected ? "\u25b8 " : "  ", style: "theirs" },
      { text: letter, style: "theirs" },
      { text: `  ${label}`, style: index === selected ? "strong" : "text" },
    ]),
    [],
    line("Enter or its letter, Esc goes back.", "dim"),
  ];
}

/** The people of the open group, the selected one in sight. */
export function membersLines(
  account: Snapshot,
  { selected, problem }: { readonly selected: number; readonly problem: string | undefined },
  columns: number,
  rows: number,
): readonly Line[] {
  const { members } = account;
  const group = activeOf(account)?.group;
  const keys = memberKeys(group?.admin === true && group.state === "joined", columns);
  const below = [
    [],
    ...(problem === undefined ? [] : paragraphs(problem, columns, "bad")),
    ...paragraphs(keys, columns, "dim"),
  ];
  const title = `${counted(members?.length ?? 0, "member")} of ${groupTitle(group?.name ?? "")}`;
  const room = Math.max(1, rows - 2 - below.length);
  const first = Math.max(0, Math.min(selected - Math.floor(room / 2), (members?.length ?? 0) - room));
  const shown = (members ?? []).slice(first, first + room);
  return [
    line(truncate(title, columns), "mine"),
    [],
    ...(members === undefined ? [line("\u2026")] : []),
    ...shown.map((member, index) => memberLine(member, first + index === selected, columns)),
    ...below,
  ];
}

function memberKeys(admin: boolean, columns: number): string {
  if (columns < narrowBelow) return admin ? "a add, x remove, o admin, Esc" : "Enter number, Esc";
  const common = "Enter safety number  Esc back";
  return admin ? `a add  x remove  o admin on, off  ${common}` : common;
}

function memberLine(member: GroupMember, selected: boolean, columns: number): Line {
  const { identifier, role, verified, devices, self } = member;
  const state = self ? "you" : verified ? "\u2713 verified" : "unverified";
  const tail = `  ${padEnd(role === "admin" ? "admin" : "", 5)}  ${padEnd(state, 10)}`;
  const more = `  ${counted(devices, "device")}`;
  if (columns < narrowBelow) return narrowMemberLine(member, selected, columns);
  const room = columns - 2 - width(tail) - width(more);
  const name = padEnd(truncate(sanitiseLine(identifier), room), Math.min(room, 24));
  return [
    { text: selected ? "\u25b8 " : "  ", style: "theirs" },
    { text: name, style: selected ? "strong" : "text" },
    { text: tail, style: self ? "dim" : verified ? "good" : "pending" },
    { text: more, style: "dim" },
  ];
}

function narrowMemberLine(
  { identifier, role, verified, self }: GroupMember,
  selected: boolean,
  columns: number,
): Line {
  const tail = `${role === "admin" ? " admin" : ""}${self ? " you" : verified ? " \u2713" : ""}`;
  return [
    { text: selected ? "\u25b8 " : "  ", style: "theirs" },
    {
      text: truncate(sanitiseLine(identifier), columns - 2 - width(tail)),
      style: selected ? "strong" : "text",
    },
    { text: tail, style: verified ? "good" : "dim" },
  ];
}

/** The question how a message is to be deleted. */
export function deleteLines({ own, unsent, problem, busy }: Delete, columns: number): readonly Line[] {
  const everybody =
    "Taken back from everybody, its text goes from all devices; what somebody has read, they have.";
  const here = "It goes from this device. Others keep what they have.";
  return [
    line("Delete this message?", "mine"),
    [],
    ...paragraphs(own ? everybody : unsent ? "It was never sent: nobody else has it." : here, columns),
    [],
    ...(problem === undefined ? [] : [...paragraphs(problem, columns, "bad"), []]),
    line(own ? "e  for everybody     h  here only     Esc  back" : "h  here only     Esc  back", "dim"),
    ...(busy ? [line("\u2026", "dim")] : []),
  ];
}

/** The question before a step that cannot be taken back. */
export function confirmLines({ step, problem, busy }: Confirm, columns: number): readonly Line[] {
  const [title, text] = gravely(step);
  return [
    ...paragraphs(title, columns, "mine"),
    [],
    ...paragraphs(text, columns),
    [],
    ...(problem === undefined ? [] : [...paragraphs(problem, columns, "bad"), []]),
    line(busy ? "Waiting for the server \u2026  Esc back" : "y  yes     Esc  back", "dim"),
  ];
}

function gravely(step: Grave): readonly [title: string, text: string] {
  switch (step.kind) {
    case "leave":
      return [
        `Leave ${groupTitle(step.name)}?`,
        "What was written stays on this device. You read nothing more of it, and come back only if an admin adds you.",
      ];
    case "remove":
      return [
        `Remove ${sanitiseLine(step.who)} from ${groupTitle(step.name)}?`,
        "They keep what they have read, and read nothing that is written from then on.",
      ];
    case "revoke":
      return [
        `Revoke ${deviceTitle(step.device)}?`,
        "It is taken off your account and out of every group, and reads and writes nothing more. This cannot be taken back.",
      ];
  }
}
