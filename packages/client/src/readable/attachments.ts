/** How attachments are told of: to people on a line, to scripts as members. */
import type { Attachment, Message } from "../api.ts";
import { sanitiseLine } from "./sanitise.ts";

const units = ["kB", "MB", "GB"] as const;

/** "512 B", "1.4 MB": in powers of a thousand. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = "B";
  for (const larger of units) {
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  return `${value < 9.95 && unit !== "B" ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "+ photo.jpg (image/jpeg, 1.4 MB)", a line each; with a number where there are several. */
export function attachmentLines({ attachments = [] }: Message): readonly string[] {
  return attachments.map(({ name, type, size, durationMs, voice }, index) => {
    const number = attachments.length > 1 ? `${index + 1}: ` : "";
    const facts = [
      voice === true ? "voice" : "",
      type,
      durationMs === undefined ? "" : formatDuration(durationMs),
      formatSize(size),
    ];
    return `+ ${number}${sanitiseLine(name)} (${facts.filter((fact) => fact !== "").join(", ")})`;
  });
}

/** What scripts get of an attachment. */
export function attachmentRow({ name, type, size, width, height, durationMs, voice }: Attachment): object {
  return {
    name,
    type,
    size,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    ...(voice !== undefined && { voice }),
  };
}
