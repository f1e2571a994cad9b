/** The bar at the top (who, where, connected or not) and the footer (keys, or an alert). */
import { createElement as h, type ReactElement } from "react";
import { Box, Text } from "ink";
import type { ConnectionState, Message, Messenger } from "@sotto/client";
import { progressBar } from "../../io/progress.ts";
import { sanitiseLine } from "@sotto/client/readable";
import type { Snapshot } from "../model.ts";
import { alertRows } from "../screen.ts";
import { padEnd, truncate, width } from "../text.ts";
import type { Theme } from "../theme.ts";

const connectionWords: Readonly<Record<ConnectionState, string>> = {
  online: "\u25cf online",
  connecting: "\u25cb connecting",
  offline: "\u25cb offline",
};

interface BarProps {
  readonly self: Messenger["self"];
  readonly account: Snapshot;
  readonly columns: number;
  readonly theme: Theme;
}

const historyWords = ({ history }: Snapshot): string =>
  history === undefined ? "" : `history ${progressBar(history.taken, history.parts, 8)}   `;

/** The bar at the top. */
export function Bar({ self, account, columns, theme }: BarProps): ReactElement {
  const { connection, connectionProblem } = account;
  const problem = connectionProblem === undefined ? "" : ` (${sanitiseLine(connectionProblem)})`;
  const right = ` ${historyWords(account)}${connectionWords[connection]}${problem} `;
  const left = truncate(` Sotto  ${sanitiseLine(self.identifier)}`, Math.max(0, columns - width(right) - 1));
  const state = connection === "online" ? {} : theme.offline;
  return h(
    Text,
    { ...theme.bar, wrap: "truncate" },
    padEnd(left, columns - width(right)),
    h(Text, { ...theme.bar, ...state }, right),
  );
}

const hintsFor = (group: boolean): readonly (readonly [string, string])[] => [
  ["?", "help"],
  ["Tab", "switch"],
  ["Ctrl+N", "new"],
  ["Ctrl+P", "menu"],
  ["Ctrl+T", group ? "members" : "verify"],
  ["Ctrl+C", "quit"],
];

/** While a message is picked. */
const pickHints = ({ status }: Message): readonly (readonly [string, string])[] => [
  ["\u2191\u2193", "pick"],
  ...(status === "failed" ? [["s", "send again"] as const] : []),
  ["r", "answer"],
  ["t", "react"],
  ["e", "edit"],
  ["d", "delete"],
  ["Esc", "back"],
];

interface FooterProps {
  readonly alert: string | undefined;
  /** The message that is picked. */
  readonly picked: Message | undefined;
  /** Whether the open conversation is a group. */
  readonly group: boolean;
  readonly columns: number;
  readonly theme: Theme;
}

/** The footer: the most used keys, or what needs attention. */
export function Footer({ alert, picked, group, columns, theme }: FooterProps): ReactElement {
  if (alert !== undefined) {
    const rows = alertRows(alert, columns).map((row, index) => h(Text, { key: index, ...theme.bad }, row));
    return h(Box, { flexDirection: "column", height: rows.length }, ...rows);
  }
  const parts = (picked === undefined ? hintsFor(group) : pickHints(picked)).flatMap(([key, what], index) => [
    h(Text, { key: `k${index}`, ...theme.key }, ` ${key}`),
    h(Text, { key: `w${index}`, ...theme.dim }, ` ${what} `),
  ]);
  return h(Box, { height: 1 }, h(Text, { wrap: "truncate" }, ...parts));
}
