/** The list beside the open conversation; on narrow screens one of the two. */
import { Suspense, lazy, useEffect, type ReactNode } from "react";
import { ConversationList } from "../list/conversation-list.tsx";
import { useText } from "../text/index.tsx";
import { Boundary } from "./boundary.tsx";
import { useEngine } from "./context.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { ToastArea } from "../ui/toast.tsx";
import "./main.css";
import { useRoute, type Route } from "./route.ts";

const loadConversation = async () => import("../conversation/conversation-view.tsx");
const ConversationView = lazy(loadConversation);
const NewConversation = lazy(async () => import("../new/new-conversation.tsx"));
const JoinScreen = lazy(async () => import("../join/join-screen.tsx"));
const ShortcutHost = lazy(async () => import("../shortcuts/shortcut-host.tsx"));
const NotificationHost = lazy(async () => import("../notifications/notification-host.tsx"));
const Settings = lazy(async () => import("../settings/settings.tsx"));

/** The app's main screen. */
export function Main(): ReactNode {
  const t = useText();
  const route = useRoute();
  // The list is there first; what is opened from it comes before it is asked for.
  useEffect(() => void loadConversation().catch(() => undefined), []);
  useIdleLock();
  return (
    <main className={route.screen === "home" ? "main" : "main main--open"}>
      <a className="skip-link button" href="#view" onClick={skip}>
        {t.common.skipToMessages}
      </a>
      <nav className="main__list" aria-label={t.list.title}>
        <ConversationList open={route.screen === "conversation" ? route.key : undefined} />
      </nav>
      <div className="main__view" id="view" tabIndex={-1}>
        <Boundary key={route.screen}>
          <Suspense fallback={<SkeletonRows count={5} />}>
            <View route={route} />
          </Suspense>
        </Boundary>
      </div>
      <ToastArea />
      <Boundary quiet>
        <Suspense>
          <ShortcutHost />
          <NotificationHost />
        </Suspense>
      </Boundary>
    </main>
  );
}

function useIdleLock(): void {
  const engine = useEngine();
  useEffect(() => {
    let ended = false;
    let end: (() => void) | undefined;
    import("./idle-lock.ts").then(
      ({ watchIdle }) => (end = ended ? undefined : watchIdle(engine)),
      () => undefined,
    );
    return () => {
      ended = true;
      end?.();
    };
  }, [engine]);
}

function skip(event: { preventDefault(): void }): void {
  // The address after # is the open screen's.
  event.preventDefault();
  document.querySelector<HTMLElement>("#view")?.focus();
}

function View({ route }: { readonly route: Route }): ReactNode {
  const t = useText();
  switch (route.screen) {
    case "conversation":
      return (
        <ConversationView key={route.key} conversationKey={route.key} panel={route.panel} at={route.at} />
      );
    case "new":
      return <NewConversation />;
    case "join":
      return <JoinScreen key={route.link} link={route.link} />;
    case "settings":
      return <Settings page={route.page} />;
    case "home":
      return (
        <div className="main__nothing">
          <img src="/icon.svg" alt="" width="72" height="72" />
          <p>{t.conversation.choose}</p>
        </div>
      );
  }
}
