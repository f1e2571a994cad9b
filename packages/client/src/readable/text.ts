/** The export as plain text, for reading and printing. Control characters are neutralised: it may be shown in a terminal. */
import { sanitiseLine } from "./sanitise.ts";
import { formatDay, formatMessage, formatTime } from "./message.ts";
import type { ExportedHistory } from "./exported-history.ts";

/** @returns text with a newline at its end. */
export function renderText(history: ExportedHistory): string {
  const { self, exportedAtSec, conversations } = history;
  const lines = [
    `Sotto: messages of ${sanitiseLine(self.identifier)} at ${self.serverOrigin}`,
    `Copied ${formatDay(exportedAtSec)} ${formatTime(exportedAtSec)}. This copy is not encrypted.`,
  ];
  for (const { peer, groupId, messages } of conversations) {
    const title = `${groupId === undefined ? "With" : "Group"} ${sanitiseLine(peer)}: ${messages.length} message${messages.length === 1 ? "" : "s"}`;
    lines.push("", title, "=".repeat(title.length), ...messages.map((message) => formatMessage(message)));
  }
  return `${lines.join("\n")}\n`;
}
