/**
 * Makes text from others harmless to a terminal. Messages, names and errors of a server are untrusted: an escape sequence
 * in them could repaint the screen, set the clipboard or answer a prompt; a bidirectional override could make a text
 * read otherwise than it is. What is neutralised stays visible, so that nobody wonders what was there.
 */

// Controls but tab and newline; line and paragraph separators; bidirectional embeddings, overrides and isolates;
// interlinear annotations; deprecated format characters; lone surrogates.
const dangerous =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufff9-\ufffb]|[\ud800-\udfff]/gu;
// Invisible marks that carry no meaning in a terminal: directional marks, byte order mark, soft hyphen, zero-width space
// and operators. (Joiners stay: scripts and emoji need them.)
const invisible = /[\u00ad\u061c\u200b\u200e\u200f\u2060-\u2064\ufeff]/gu;
// No script puts more marks on one letter; a pile of them would paint over other lines.
const manyMarks = /(\p{M}{8})\p{M}+/gu;

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** Text of several lines: keeps newlines; tabs become spaces, "\r\n" a newline. */
export function sanitise(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replaceAll("\t", "    ")
    .replaceAll(invisible, "")
    .replaceAll(manyMarks, "$1")
    .replaceAll(dangerous, visible);
}

/** Text for one line: newlines are shown as "⏎". */
export function sanitiseLine(text: string): string {
  return sanitise(text).replaceAll("\n", "\u23ce");
}

/** JSON on one line, pure of anything that a terminal could take for a command; it parses to the same value. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
