/** Somebody with the person's number asked to replace the account: it can be stopped here. */
import { useEffect, useState, type ReactNode } from "react";
import { useCalls, useEngine } from "../app/context.tsx";
import { useTold } from "../details/use-told.ts";
import { localeOf, useLanguage } from "../text/index.tsx";
import { useSettingsText } from "../text/settings.ts";
import { Button, Notice } from "../ui/controls.tsx";

/** Shown while there is a reset to stop. */
export function ResetWarning(): ReactNode {
  const s = useSettingsText();
  const { language } = useLanguage();
  const engine = useEngine();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [at, setAt] = useState<number>();
  const [stopped, setStopped] = useState(false);
  useEffect(() => {
    let current = true;
    const look = (): void => {
      calls.resetPending().then(
        (pending) => current && setAt(pending),
        () => undefined,
      );
    };
    look();
    const stop = engine.subscribe(
      (event) =>
        event.type === "client" &&
        event.event.type === "notice" &&
        event.event.notice.type === "reset_pending" &&
        look(),
    );
    return () => {
      current = false;
      stop();
    };
  }, [calls, engine]);

  if (stopped) return <Notice live>{s.resetStopped}</Notice>;
  if (at === undefined) return null;
  const when = new Intl.DateTimeFormat(localeOf(language), { dateStyle: "full", timeStyle: "short" }).format(
    at * 1000,
  );
  return (
    <Notice kind="error">
      <strong>{s.resetTitle}</strong>
      <p>{s.resetText(when)}</p>
      {problem !== undefined && <p>{problem}</p>}
      <div className="notice__actions">
        <Button
          kind="primary"
          disabled={working}
          onClick={() => void run(() => calls.cancelReset()).then(setStopped)}
        >
          {s.resetStop}
        </Button>
      </div>
    </Notice>
  );
}
