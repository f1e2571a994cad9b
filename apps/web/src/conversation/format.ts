/**
 * What of a message's text is shown how: links, code, code blocks. Pure, linear in the text's length. Nothing of a text ever becomes
 * markup: the parts are texts, and the view makes elements of them.
 */

/** A part of a text. */
export type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "link"; readonly text: string; readonly href: string }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "block"; readonly text: string };

const mostLinkLength = 2_048;
// Bidi controls would let a link read as another than it is.
// oxlint-disable-next-line no-control-regex
const deceptive = /[\u0000-\u0020\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;

/** Splits a text. The texts of the parts, joined, are the text without the back-quotes that mark code. */
export function partsOf(text: string): readonly Part[] {
  const parts: Part[] = [];
  const pieces = text.split("```");
  for (const [i, piece] of pieces.entries()) {
    // What is begun and never ended is no block.
    const closed = i % 2 === 1 && i < pieces.length - 1;
    if (closed && piece.trim() !== "") {
      parts.push({ type: "block", text: piece.replace(/^\w*\n/, "").trimEnd() });
    } else {
      inline(i % 2 === 1 ? `\`\`\`${piece}${closed ? "```" : ""}` : piece, parts);
    }
  }
  return parts;
}

function inline(text: string, parts: Part[]): void {
  for (const [i, piece] of text.split(/`([^`\n]{1,500})`/).entries()) {
    if (i % 2 === 1) parts.push({ type: "code", text: piece });
    else links(piece, parts);
  }
}

function links(text: string, parts: Part[]): void {
  // A word that begins like an address; what ends a sentence does not belong to it.
  for (const [i, piece] of text.split(/(https?:\/\/\S+)/i).entries()) {
    if (piece === "") continue;
    if (i % 2 === 0) {
      parts.push({ type: "text", text: piece });
      continue;
    }
    const end = piece.length - (/[.,;:!?'")\]}>]*$/.exec(piece.slice(-8))?.[0].length ?? 0);
    const address = piece.slice(0, end);
    const href = hrefOf(address);
    if (href === undefined) parts.push({ type: "text", text: piece });
    else {
      parts.push({ type: "link", text: address, href });
      if (end < piece.length) parts.push({ type: "text", text: piece.slice(end) });
    }
  }
}

/** Where a link leads; undefined for what must not be one. */
function hrefOf(address: string): string | undefined {
  if (address.length > mostLinkLength || deceptive.test(address) || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  // "https://bank.example@evil.example" leads elsewhere than it reads.
  if (url.username !== "" || url.password !== "") return undefined;
  return ["http:", "https:"].includes(url.protocol) ? url.href : undefined;
}

/** Whether a text is one to three emoji and nothing else: those are shown large. */
export const isEmojiOnly = (text: string): boolean =>
  text.length <= 40 && /^(?:\p{RGI_Emoji}\s*){1,3}$/v.test(text.trim());
