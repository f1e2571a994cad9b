/** What keys mean. Terminals deliver several keys in one chunk when somebody types fast or a script writes. */
import type { Key } from "ink";
import type { Edit } from "./editor.ts";

/** What a key asks for. */
export type Action =
  | { readonly type: "edit"; readonly step: Edit }
  | {
      readonly type:
        | "submit"
        | "escape"
        | "new"
        | "menu"
        | "people"
        | "pick"
        | "help"
        | "quit"
        | "up"
        | "down"
        | "page-up"
        | "page-down";
    }
  | { readonly type: "switch"; readonly by: 1 | -1 };

const act = (type: Exclude<Action["type"], "edit" | "switch">): Action => ({ type });
const edit = (type: Exclude<Edit["type"], "insert">): Action => ({ type: "edit", step: { type } });

const controls: Readonly<Record<string, Action>> = {
  a: edit("home"),
  b: edit("left"),
  c: act("quit"),
  d: edit("delete"),
  e: edit("end"),
  f: edit("right"),
  g: act("help"),
  k: edit("kill-to-end"),
  n: act("new"),
  p: act("menu"),
  q: act("quit"),
  r: act("pick"),
  t: act("people"),
  u: edit("kill-to-start"),
  w: edit("kill-word"),
};

/** The actions of one chunk of input as Ink reports it. */
export function actionsOf(input: string, key: Key): readonly Action[] {
  if (key.return) return [key.meta || key.shift ? insert("\n") : act("submit")];
  if (key.escape) return [act("escape")];
  if (key.tab) return [{ type: "switch", by: key.shift ? -1 : 1 }];
  if (key.upArrow) return [act("up")];
  if (key.downArrow) return [act("down")];
  if (key.pageUp) return [act("page-up")];
  if (key.pageDown) return [act("page-down")];
  if (key.home) return [edit("home")];
  if (key.end) return [edit("end")];
  if (key.leftArrow) return [edit(key.ctrl || key.meta ? "word-left" : "left")];
  if (key.rightArrow) return [edit(key.ctrl || key.meta ? "word-right" : "right")];
  if (key.backspace) return [edit(key.meta || key.ctrl ? "kill-word" : "backspace")];
  if (key.delete) return [edit("delete")];
  if (key.ctrl) return controlAction(input);
  if (key.meta && input.length === 1) return metaAction(input);
  return textActions(input);
}

const insert = (text: string): Action => ({ type: "edit", step: { type: "insert", text } });

function controlAction(letter: string): readonly Action[] {
  const action = controls[letter];
  return action === undefined ? [] : [action];
}

function metaAction(letter: string): readonly Action[] {
  if (letter === "b") return [edit("word-left")];
  if (letter === "f") return [edit("word-right")];
  return [];
}

/** Text, with the keys among it that Ink does not take apart. */
function textActions(input: string): readonly Action[] {
  const actions: Action[] = [];
  let text = "";
  const flush = (): void => {
    if (text !== "") actions.push(insert(text));
    text = "";
  };
  for (const character of input) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x20 && code !== 0x7f) {
      text += character;
      continue;
    }
    flush();
    if (character === "\r") actions.push(act("submit"));
    else if (character === "\n") actions.push(insert("\n"));
    else if (character === "\t") actions.push({ type: "switch", by: 1 });
    else if (code === 0x7f || code === 0x08) actions.push(edit("backspace"));
    else actions.push(...controlAction(String.fromCodePoint(code + 0x60)));
  }
  flush();
  return actions;
}

/** Pasted text as it may stand in a message: newlines are kept, other control characters are not. */
export function cleanPaste(text: string): string {
  return (
    text
      .replaceAll(/\r\n?/g, "\n")
      .replaceAll("\t", "    ")
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "")
  );
}
