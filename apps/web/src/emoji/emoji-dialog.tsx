/** Choosing an emoji: the last ones, by group, or by words. Arrow keys move, Enter chooses. */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { useEmojiText } from "../text/emoji.ts";
import { useLanguage } from "../text/index.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Notice } from "../ui/controls.tsx";
import "./emoji.css";
import { findEmoji, loadEmoji, type Emoji, type EmojiGroups } from "./emoji-data.ts";

const mostFound = 96;
const mostRecent = 32;
const signs = ["🕘", "😀", "👋", "🐻", "🍎", "✈️", "⚽", "💡", "❤️", "🏁"];

/** @param onChoose gets one emoji. */
function EmojiDialog({
  onChoose,
  onClose,
}: {
  readonly onChoose: (emoji: string) => void;
  readonly onClose: () => void;
}): ReactNode {
  const t = useEmojiText();
  const { language } = useLanguage();
  const calls = useCalls();
  const [groups, setGroups] = useState<EmojiGroups>();
  const [recent, setRecent] = useState<readonly string[]>([]);
  const [failed, setFailed] = useState(false);
  const [search, setSearch] = useState("");
  const [tab, setTab] = useState<number>();
  const input = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);

  useEffect(() => {
    loadEmoji(language).then(setGroups, () => setFailed(true));
    calls.settings().then(
      ({ recentEmoji = [] }) => setRecent(recentEmoji),
      () => undefined,
    );
    input.current?.focus();
  }, [calls, language]);

  const byEmoji = useMemo(() => new Map(groups?.flat().map((one) => [one.emoji, one])), [groups]);
  const shownTab = tab ?? (recent.length > 0 ? 0 : 1);
  const shown = useMemo((): readonly Emoji[] => {
    if (groups === undefined) return [];
    if (search.trim() !== "") return findEmoji(groups, search, mostFound);
    if (shownTab > 0) return groups[shownTab - 1] ?? [];
    return recent.flatMap((emoji) => byEmoji.get(emoji) ?? []);
  }, [groups, byEmoji, search, shownTab, recent]);

  const choose = (emoji: string): void => {
    const recentEmoji = [emoji, ...recent.filter((one) => one !== emoji)].slice(0, mostRecent);
    calls.updateSettings({ recentEmoji }).catch(() => undefined);
    onChoose(emoji);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      // A line for searching would only be emptied by it.
      event.preventDefault();
      onClose();
    }
    const buttons = [...(grid.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const focused = buttons.indexOf(document.activeElement as HTMLElement);
    const next = neighbour(buttons, focused, event.key);
    if (next === undefined && event.key === "ArrowUp" && focused >= 0) input.current?.focus();
    else if (next === undefined) return;
    else next.focus();
    event.preventDefault();
  };

  return (
    <Dialog title={t.title} onClose={onClose}>
      {failed && <Notice kind="error">{t.failed}</Notice>}
      <div className="emoji" onKeyDown={onKeyDown}>
        <input
          ref={input}
          className="field__input"
          type="search"
          aria-label={t.search}
          placeholder={t.search}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <div className="emoji__tabs" role="group" aria-label={t.groups}>
          {signs.map((sign, i) => (
            <button
              key={sign}
              type="button"
              aria-label={t.names[i]}
              title={t.names[i]}
              aria-pressed={search === "" && i === shownTab}
              onClick={() => {
                setSearch("");
                setTab(i);
              }}
            >
              {sign}
            </button>
          ))}
        </div>
        <div
          className="emoji__grid"
          role="group"
          aria-label={search === "" ? t.names[shownTab] : t.found(shown.length)}
          ref={grid}
        >
          {shown.map(({ emoji, name }, i) => (
            <button
              key={emoji}
              type="button"
              aria-label={name}
              title={name}
              // One of them is reached by Tab, the others by arrow keys.
              tabIndex={i === 0 ? 0 : -1}
              onClick={() => choose(emoji)}
            >
              {emoji}
            </button>
          ))}
          {groups !== undefined && shown.length === 0 && (
            <p className="emoji__none">{search === "" ? t.noRecent : t.none}</p>
          )}
        </div>
        <p className="visually-hidden" role="status">
          {search === "" ? "" : t.found(shown.length)}
        </p>
      </div>
    </Dialog>
  );
}

/** Which button an arrow key leads to; undefined where it leads out. @param at -1: none of them has focus. */
function neighbour(buttons: readonly HTMLElement[], at: number, key: string): HTMLElement | undefined {
  const from = buttons[at];
  if (from === undefined) return key === "ArrowDown" ? buttons[0] : undefined;
  const forward = getComputedStyle(from).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  if (key === "ArrowLeft" || key === "ArrowRight") return buttons[key === forward ? at + 1 : at - 1];
  if (key === "Home") return buttons[0];
  if (key === "End") return buttons.at(-1);
  const sameColumn = (one: HTMLElement): boolean => Math.abs(one.offsetLeft - from.offsetLeft) < 2;
  if (key === "ArrowDown") return buttons.slice(at + 1).find(sameColumn);
  if (key === "ArrowUp") return buttons.slice(0, at).findLast(sameColumn);
  return undefined;
}

export default EmojiDialog;
