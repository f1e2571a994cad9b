/** The list of conversations, with how many messages are unread. */
import { createElement as h, type ReactElement } from "react";
import type { ConversationSummary } from "@sotto/client";
import { sanitiseLine, textOf } from "@sotto/client/readable";
import type { Line } from "../lines.ts";
import { keyOf } from "../model.ts";
import { truncate, width } from "../text.ts";
import type { Theme } from "../theme.ts";
import { groupStates, titleOf } from "../titles.ts";
import { Rows } from "./spans.ts";

interface ListProps {
  readonly conversations: readonly ConversationSummary[];
  readonly active: string | undefined;
  readonly typing: ReadonlyMap<string, string>;
  readonly columns: number;
  readonly rows: number;
  readonly theme: Theme;
}

/** The list; the open conversation stays in sight. */
export function ConversationList(props: ListProps): ReactElement {
  const { conversations, active, typing, columns, rows, theme } = props;
  const perEntry = 2;
  const fitting = Math.max(1, Math.floor(rows / perEntry));
  const at = Math.max(
    0,
    conversations.findIndex((one) => keyOf(one) === active),
  );
  const first = Math.max(0, Math.min(at - Math.floor(fitting / 2), conversations.length - fitting));
  const lines = conversations
    .slice(first, first + fitting)
    .flatMap((one) => entry(one, keyOf(one) === active, typing.has(keyOf(one)), columns));
  return h(Rows, { lines, rows, theme });
}

function entry(one: ConversationSummary, active: boolean, typing: boolean, columns: number): readonly Line[] {
  const unread = one.request !== undefined ? " request" : one.unread === 0 ? "" : ` (${one.unread})`;
  const warning = one.contact?.identityChanged === true ? " !" : "";
  const verified = warning === "" && one.contact?.verified === true ? " \u2713" : "";
  const room = columns - 2 - width(unread) - width(warning) - width(verified);
  const name = truncate(titleOf(one), room);
  const preview = typing ? "typing \u2026" : previewOf(one);
  return [
    [
      { text: active ? "\u25b8 " : "  ", style: active ? "theirs" : "text" },
      { text: name, style: active ? "theirs" : one.unread > 0 ? "strong" : "text" },
      { text: verified, style: "good" },
      { text: " ".repeat(Math.max(0, room - width(name))), style: "text" },
      { text: warning, style: "bad" },
      { text: unread, style: "pending" },
    ],
    [{ text: `  ${truncate(preview, columns - 3)}`, style: "dim" }],
  ];
}

function previewOf({ last, group }: ConversationSummary): string {
  if (group !== undefined && group.state !== "joined") return groupStates[group.state];
  if (last === undefined) return "no messages yet";
  const from = last.direction === "out" ? "You: " : group === undefined ? "" : `${sanitiseLine(last.from)}: `;
  return `${from}${sanitiseLine(textOf(last).slice(0, 200))}`;
}
