/** The list of conversations, with how many messages are unread. */
import { createElement as h, type ReactElement } from "react";
import type { ConversationSummary } from "@sotto/client";
import { sanitiseLine } from "../../io/sanitise.ts";
import type { Line } from "../lines.ts";
import { padEnd, truncate, width } from "../text.ts";
import type { Theme } from "../theme.ts";
import { Rows } from "./spans.ts";

interface ListProps {
  readonly conversations: readonly ConversationSummary[];
  readonly active: string | undefined;
  readonly typing: ReadonlySet<string>;
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
    conversations.findIndex(({ peer }) => peer === active),
  );
  const first = Math.max(0, Math.min(at - Math.floor(fitting / 2), conversations.length - fitting));
  const lines = conversations
    .slice(first, first + fitting)
    .flatMap((one) => entry(one, one.peer === active, typing.has(one.peer), columns));
  return h(Rows, { lines, rows, theme });
}

function entry(one: ConversationSummary, active: boolean, typing: boolean, columns: number): readonly Line[] {
  const unread = one.unread === 0 ? "" : ` (${one.unread})`;
  const warning = one.contact?.identityChanged === true ? " !" : "";
  const room = columns - 2 - width(unread) - width(warning);
  const name = padEnd(truncate(sanitiseLine(one.peer), room), room);
  const preview = typing ? "typing \u2026" : previewOf(one);
  return [
    [
      { text: active ? "\u25b8 " : "  ", style: active ? "theirs" : "text" },
      { text: name, style: active ? "theirs" : one.unread > 0 ? "strong" : "text" },
      { text: warning, style: "bad" },
      { text: unread, style: "pending" },
    ],
    [{ text: `  ${truncate(preview, columns - 3)}`, style: "dim" }],
  ];
}

function previewOf({ last }: ConversationSummary): string {
  if (last === undefined) return "no messages yet";
  return `${last.direction === "out" ? "You: " : ""}${sanitiseLine(last.body.slice(0, 200))}`;
}
