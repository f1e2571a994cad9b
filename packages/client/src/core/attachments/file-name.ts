/**
 * Names of files as others gave them, made harmless: one part of a path that every system takes, without anything that hides what
 * it is. What they say of the type is only shown; nobody may run by it.
 */
import { utf8 } from "@sotto/protocol";

// Controls, separators of lines, directions, joiners and what else cannot be seen; halves of characters.
const unseen =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufeff\uffa0\ufff0-\uffff]|[\ud800-\udfff]|[\u{e0000}-\u{e0fff}]/gu;
// What paths and shells of some system give a meaning.
const meaningful = /["*:<>?|\\/]/g;
// Devices, on Windows, whatever stands behind a full stop.
const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const mostBytes = 150;
const mostExtension = 16;

/** A name that can be shown and saved under. `fallback`: where nothing is left of it. */
export function safeFileName(name: string, fallback = "file"): string {
  const last = name.normalize("NFC").split(/[\\/]/).at(-1) ?? "";
  const visible = last
    .replaceAll(unseen, "")
    .replaceAll(meaningful, "_")
    .replaceAll(/\s+/g, " ")
    // Neither hidden, nor what Windows would cut off.
    .replace(/^[\s.]+/, "")
    .replace(/[\s.]+$/, "");
  const short = shortened(visible);
  if (short === "") return fallback;
  return reserved.test(short) ? `_${short}` : short;
}

/** Cuts what stands before the extension. */
function shortened(name: string): string {
  if (utf8(name).length <= mostBytes) return name;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 && name.length - dot <= mostExtension ? name.slice(dot) : "";
  let stem = Array.from(name.slice(0, name.length - extension.length));
  while (utf8(stem.join("") + extension).length > mostBytes) stem = stem.slice(0, -1);
  return stem.join("").replace(/[\s.]+$/, "") + extension;
}

/** `name (2).ext` for the second that is to be called so. */
export function numberedName(name: string, number: number): string {
  if (number < 2) return name;
  const dot = name.lastIndexOf(".");
  const at = dot > 0 ? dot : name.length;
  return `${name.slice(0, at)} (${number})${name.slice(at)}`;
}
