/** What is decided about a conversation: its place in the list, quiet, how long messages stay, and its end. */
import type { ConversationSummary } from "@sotto/client/web";
import { useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { go } from "../app/route.ts";
import { useLanguage, useText } from "../text/index.tsx";
import { duration } from "../text/times.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { useTold } from "./use-told.ts";

const timers = [0, 300, 3_600, 86_400, 604_800, 2_419_200];
const forEver = Number.MAX_SAFE_INTEGER;

/** The choices. */
export function Options({
  conversationKey: key,
  summary,
}: {
  readonly conversationKey: string;
  readonly summary: ConversationSummary;
}): ReactNode {
  const t = useText().details;
  const { language } = useLanguage();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [ending, setEnding] = useState<"clear" | "delete">();
  const { pinned, archived, mutedUntil, timer = 0, group } = summary;
  const change = (changes: Parameters<typeof calls.updateConversation>[1]): void =>
    void run(() => calls.updateConversation(key, changes));
  const muteFor = (sec: number): void =>
    change({ mutedUntil: sec === 0 || sec === forEver ? sec : Math.floor(Date.now() / 1000) + sec });
  const end = async (): Promise<void> => {
    const work = ending === "clear" ? calls.clearConversation(key) : calls.deleteConversation(key);
    if (!(await run(() => work))) return;
    setEnding(undefined);
    go(ending === "clear" ? { screen: "conversation", key } : { screen: "home" });
  };
  const gone = group === undefined || group.state === "left" || group.state === "removed";
  const known = timers.includes(timer) ? timers : [...timers, timer];

  return (
    <section className="details__part">
      <h3>{t.options}</h3>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      <label className="switch">
        <span>{t.pinned}</span>
        <input type="checkbox" checked={pinned} onChange={() => change({ pinned: !pinned })} />
      </label>
      <label className="switch">
        <span>{t.archived}</span>
        <input type="checkbox" checked={archived} onChange={() => change({ archived: !archived })} />
      </label>
      <label className="field">
        <span className="field__label">{t.mute}</span>
        <select
          className="field__input"
          value={mutedUntil === 0 ? 0 : forEver}
          onChange={(event) => muteFor(Number(event.target.value))}
        >
          <option value={0}>{t.notMuted}</option>
          <option value={3_600}>{t.mutedFor(duration(3_600, language))}</option>
          <option value={28_800}>{t.mutedFor(duration(28_800, language))}</option>
          <option value={604_800}>{t.mutedFor(duration(604_800, language))}</option>
          <option value={forEver}>{t.muted}</option>
        </select>
      </label>
      <label className="field">
        <span className="field__label">{t.timer}</span>
        <select
          className="field__input"
          value={timer}
          disabled={working}
          onChange={(event) => void run(() => calls.setTimer(key, Number(event.target.value)))}
        >
          {known.map((sec) => (
            <option key={sec} value={sec}>
              {sec === 0 ? t.timerOff : duration(sec, language)}
            </option>
          ))}
        </select>
        <span className="field__hint">{t.timerHint}</span>
      </label>
      {ending === undefined ? (
        <div className="details__ends">
          <Button onClick={() => setEnding("clear")}>{t.clear}</Button>
          {gone && (
            <Button kind="danger" onClick={() => setEnding("delete")}>
              {t.delete}
            </Button>
          )}
        </div>
      ) : (
        <Notice kind="warn">
          <p>{ending === "clear" ? t.clearSure : t.deleteSure}</p>
          <div className="dialog__actions">
            <Button onClick={() => setEnding(undefined)}>{t.keep}</Button>
            <Button kind="danger" disabled={working} onClick={() => void end()}>
              {ending === "clear" ? t.clear : t.delete}
            </Button>
          </div>
        </Notice>
      )}
    </section>
  );
}
