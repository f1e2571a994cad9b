/** The quiet line that says that a new version waits. Mounted once; it also begins to keep the app for use offline. */
import { useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { useEngine } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { Button } from "../ui/controls.tsx";
import { askToKeepStorage } from "./persistence.ts";
import { applyUpdate, lookForUpdate, updates, watchUpdates } from "./updates.ts";
import "./update-bar.css";

function UpdateBar(): ReactNode {
  const t = useText().common;
  const state = useSyncExternalStore(updates.subscribe, updates.state);
  const [later, setLater] = useState(false);
  useWatch();
  if (state === "none" || (later && state === "ready")) return null;
  const texts = { ready: t.updateReady, waiting: t.updateWaiting, busy: t.updateBusy };
  return (
    <div className="update-bar" role="status">
      <span>{texts[state]}</span>
      {state !== "waiting" && (
        <>
          <Button kind="primary" onClick={() => void applyUpdate()}>
            {t.updateReload}
          </Button>
          {state === "ready" && <Button onClick={() => setLater(true)}>{t.updateLater}</Button>}
        </>
      )}
    </div>
  );
}

function useWatch(): void {
  const engine = useEngine();
  useEffect(() => {
    void watchUpdates();
    let online = false;
    return engine.subscribe((event) => {
      if (event.type === "outdated") return updates.outdated();
      if (event.type !== "state" || event.state.phase !== "open") return undefined;
      askToKeepStorage();
      const now = event.state.connection === "online";
      if (now && !online) lookForUpdate();
      online = now;
      return undefined;
    });
  }, [engine]);
}

export default UpdateBar;
