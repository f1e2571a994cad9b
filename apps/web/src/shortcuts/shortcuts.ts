/**
 * Keyboard shortcuts of the whole app. All but one take a modifier, so that they never get in the way of writing or of speech input (WCAG
 * 2.2, 2.1.4); the single "?" can be switched off. What a shortcut presses says so by `data-shortcut`.
 */
import { go, type Route } from "../app/route.ts";
import { keyOf, type Conversations } from "../store/conversations.ts";

/** What a shortcut does. */
export type Action =
  | "new"
  | "search"
  | "find"
  | "next"
  | "previous"
  | "write"
  | "close"
  | "settings"
  | "lock"
  | "sheet";

/** A combination of keys; `code` is the place of the key, whatever the keyboard's language. */
interface Combination {
  readonly code: string;
  readonly mod?: boolean;
  readonly alt?: boolean;
  readonly shift?: boolean;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** Each action's keys. */
export const SHORTCUTS: Readonly<Record<Action, Combination>> = {
  new: { code: "KeyN", alt: true },
  search: { code: "KeyK", mod: true },
  find: { code: "KeyF", mod: true, shift: true },
  next: { code: "ArrowDown", alt: true },
  previous: { code: "ArrowUp", alt: true },
  write: { code: "KeyM", alt: true },
  close: { code: "Escape" },
  settings: { code: "Comma", mod: true },
  lock: { code: "KeyL", alt: true, shift: true },
  sheet: { code: "Slash", mod: true },
};

/** A combination as it stands on the keys of this computer. */
export function keysOf({ code, mod, alt, shift }: Combination): readonly string[] {
  const names: Readonly<Record<string, string>> = {
    ArrowDown: "↓",
    ArrowUp: "↑",
    Escape: "Esc",
    Comma: ",",
    Slash: "/",
  };
  return [
    ...(mod === true ? [isMac ? "⌘" : "Ctrl"] : []),
    ...(alt === true ? [isMac ? "⌥" : "Alt"] : []),
    ...(shift === true ? [isMac ? "⇧" : "Shift"] : []),
    names[code] ?? code.replace("Key", ""),
  ];
}

const singleKey = "sotto.single-key-off";

/** Whether "?" alone opens the list. */
export const singleKeyOn = (): boolean => localStorage.getItem(singleKey) === null;

/** Switches that. */
export function setSingleKey(on: boolean): void {
  if (on) localStorage.removeItem(singleKey);
  else localStorage.setItem(singleKey, "1");
}

/** Which action an event asks for. */
function actionOf(event: KeyboardEvent): Action | undefined {
  const mod = isMac ? event.metaKey : event.ctrlKey;
  const other = isMac ? event.ctrlKey : event.metaKey;
  if (other || event.isComposing) return undefined;
  if (event.key === "?" && !mod && !event.altKey)
    return singleKeyOn() && !isWriting(event) ? "sheet" : undefined;
  const found = Object.entries(SHORTCUTS).find(
    ([, keys]) =>
      event.code === keys.code &&
      mod === (keys.mod ?? false) &&
      event.altKey === (keys.alt ?? false) &&
      event.shiftKey === (keys.shift ?? false),
  );
  return found?.[0] as Action | undefined;
}

const isWriting = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select"));

/** What the shortcuts act on. */
export interface ShortcutTargets {
  readonly conversations: Conversations;
  route(): Route;
  lock(): void;
  showSheet(): void;
}

/** Listens. Returns what ends it. */
export function listenToShortcuts(targets: ShortcutTargets): () => void {
  const step = (by: 1 | -1): void => {
    // As the list shows them.
    const all = (targets.conversations.all ?? [])
      .filter(({ archived }) => !archived)
      .toSorted((a, b) => Number(b.pinned) - Number(a.pinned));
    const route = targets.route();
    const at = route.screen === "conversation" ? all.findIndex((one) => keyOf(one) === route.key) : -1;
    const next = all[at === -1 ? (by === 1 ? 0 : all.length - 1) : at + by];
    if (next !== undefined) go({ screen: "conversation", key: keyOf(next) });
  };
  const close = (): boolean => {
    if (document.querySelector("dialog[open]") !== null || targets.route().screen === "home") return false;
    go(closed(targets.route()));
    return true;
  };
  const carryOut = (action: Action): boolean => {
    switch (action) {
      case "next":
      case "previous":
        step(action === "next" ? 1 : -1);
        return true;
      case "new":
        go({ screen: "new" });
        return true;
      case "settings":
        go({ screen: "settings", page: "" });
        return true;
      case "search":
      case "find":
      case "write":
        press(action);
        return true;
      case "close":
        return close();
      case "lock":
        targets.lock();
        return true;
      case "sheet":
        targets.showSheet();
        return true;
    }
  };
  const listener = (event: KeyboardEvent): void => {
    if (event.defaultPrevented) return;
    const action = actionOf(event);
    if (action !== undefined && carryOut(action)) event.preventDefault();
  };
  addEventListener("keydown", listener);
  return () => removeEventListener("keydown", listener);
}

/** One screen up. */
function closed(route: Route): Route {
  if (route.screen === "conversation" && route.panel !== undefined) {
    return { screen: "conversation", key: route.key };
  }
  if (route.screen === "settings" && route.page !== "") return { screen: "settings", page: "" };
  return { screen: "home" };
}

/** Presses, or goes to, what says that it belongs to a shortcut. */
function press(name: string): void {
  const target = document.querySelector<HTMLElement>(`[data-shortcut="${name}"]`);
  if (target === null) return;
  if (target.matches("input, textarea")) target.focus();
  else target.click();
}
