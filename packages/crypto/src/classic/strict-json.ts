/**
 * JSON for what is signed or comes from strangers: bounded in size and depth, valid UTF-8 without lone surrogates, and
 * without duplicate names, since parsers differ in which one they keep (RFC 8259 §4).
 */
import { CodecError, fromUtf8 } from "@sotto/protocol";

/** What a document may be. */
export interface StrictJsonBounds {
  readonly maxBytes: number;
  /** 1: a flat object. */
  readonly maxDepth: number;
  /** Whether numbers must be plain digits (`0`, `17`): no sign, fraction or exponent, no more than 15 digits. */
  readonly naturalNumbersOnly: boolean;
}

/** Parses a document. @throws CodecError `message_refused`. */
export function parseStrictJson(bytes: Uint8Array, bounds: StrictJsonBounds): unknown {
  if (bytes.length > bounds.maxBytes)
    throw new CodecError("message_refused", `more than ${bounds.maxBytes} bytes of JSON`);
  let value: unknown;
  let text: string;
  try {
    text = fromUtf8(bytes);
    checkDepth(text, bounds.maxDepth);
    value = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof CodecError) throw cause;
    throw new CodecError("message_refused", "not JSON in UTF-8", { cause });
  }
  checkTokens(text, bounds.naturalNumbersOnly);
  return value;
}

/** Before parsing, so that depth costs nothing. What is inside strings is skipped; broken text is left to the parser. */
function checkDepth(text: string, maxDepth: number): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (depth > maxDepth) throw new CodecError("message_refused", "JSON nested too deeply");
  }
}

/** After parsing, on text known to be valid JSON. */
function checkTokens(text: string, naturalNumbersOnly: boolean): void {
  // One set of names per open object; undefined for an open array.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === "{") open.push(new Set());
    else if (char === "[") open.push(undefined);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = endOfString(text, at);
      const string = JSON.parse(text.slice(at, end + 1)) as string;
      if (!string.isWellFormed()) throw new CodecError("message_refused", "JSON with half a character");
      if (isName(text, end + 1)) addName(open.at(-1), string);
      at = end;
    } else if (char === "-" || isDigit(char)) {
      const number = /[-+.0-9eE]+/y;
      number.lastIndex = at;
      const token = number.exec(text)?.[0] ?? char;
      if (naturalNumbersOnly && !/^(?:0|[1-9][0-9]{0,14})$/.test(token)) {
        throw new CodecError("message_refused", "a number that is not written as plain digits");
      }
      at += token.length - 1;
    }
  }
}

function addName(names: Set<string> | undefined, name: string): void {
  if (names?.has(name)) throw new CodecError("message_refused", "a name stands twice in one object");
  names?.add(name);
}

/** Index of the quotation mark that ends the string beginning at `start`; the text's end when there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

function isName(text: string, from: number): boolean {
  let at = from;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at++;
  return text[at] === ":";
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9";
}
