/** The export for programs: one JSON document, rows as `sotto history --json` prints them. */
import { historyRow } from "./message.ts";
import type { ExportedHistory } from "./exported-history.ts";

/** @returns JSON, indented, with a newline at its end. */
export function renderJson(history: ExportedHistory): string {
  const { self, exportedAtSec, conversations } = history;
  const document = {
    format: "sotto-history/v1",
    exported_at: exportedAtSec,
    account: { identifier: self.identifier, account_id: self.accountId, server: self.serverOrigin },
    conversations: conversations.map(({ peer, groupId, messages }) => ({
      peer,
      ...(groupId === undefined ? {} : { group_id: groupId }),
      messages: messages.map((message) => historyRow(message, false)),
    })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
