/** Listens to shortcuts while the app is open, and shows their list. Loaded after the first screen. */
import { useEffect, useState, type ReactNode } from "react";
import { useCalls, useConversations } from "../app/context.tsx";
import { currentRoute } from "../app/route.ts";
import { useSettingsText } from "../text/settings.ts";
import { Dialog } from "../ui/dialog.tsx";
import { ShortcutList } from "./shortcut-list.tsx";
import { listenToShortcuts } from "./shortcuts.ts";

function ShortcutHost(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const conversations = useConversations();
  const [shown, setShown] = useState(false);
  useEffect(
    () =>
      listenToShortcuts({
        conversations,
        route: currentRoute,
        lock: () => void calls.lock(),
        showSheet: () => setShown(true),
      }),
    [calls, conversations],
  );
  return (
    shown && (
      <Dialog title={s.shortcuts} onClose={() => setShown(false)}>
        <ShortcutList />
      </Dialog>
    )
  );
}

export default ShortcutHost;
