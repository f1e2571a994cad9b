/** Notifications and counts while the app is open. Loaded after the first screen. */
import { useEffect, useRef, type ReactNode } from "react";
import { useConversations, useEngine } from "../app/context.tsx";
import { useNotificationWords } from "../text/notifications.ts";
import { canNotify } from "./choice.ts";
import { canPush, keepPush, wantsPush } from "./push.ts";
import { showCounts } from "./counts.ts";
import { startNotifier } from "./notifier.ts";

function NotificationHost(): ReactNode {
  const engine = useEngine();
  const conversations = useConversations();
  const words = useNotificationWords();
  const newest = useRef(words);
  newest.current = words;
  useEffect(() => {
    const ended = new AbortController();
    showCounts(conversations, ended.signal);
    if (canNotify()) startNotifier(engine, conversations, () => newest.current, ended.signal);
    return () => ended.abort();
  }, [engine, conversations]);
  useEffect(() => {
    let online = false;
    const look = (): void => {
      const now = engine.state.phase === "open" && engine.state.connection === "online";
      // What fails now is tried at the next connection.
      if (now && !online && canPush() && wantsPush()) keepPush(engine.calls).catch(() => undefined);
      online = now;
    };
    look();
    return engine.subscribe(({ type }) => type === "state" && look());
  }, [engine]);
  return null;
}

export default NotificationHost;
