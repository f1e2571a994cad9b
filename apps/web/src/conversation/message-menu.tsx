/** What can be done with a message: seen when it is pointed at, or when focus is in it. */
import type { Message } from "@sotto/client/web";
import { useCallback, useState, type ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { IconButton } from "../ui/controls.tsx";
import { Menu, type MenuItem } from "../ui/menu.tsx";
import { toast } from "../ui/toast.tsx";
import { useMessageActions } from "./actions.ts";
import { QuickReactions } from "./quick-reactions.tsx";

/** The buttons beside a message. */
export function MessageMenu({ message }: { readonly message: Message }): ReactNode {
  const t = useText();
  const actions = useMessageActions();
  const [choosing, setChoosing] = useState(false);
  const stopChoosing = useCallback(() => setChoosing(false), []);
  const { conversation: c } = t;
  // The classic suite carries texts and receipts, and nothing else; and nobody has what was not sent.
  const rich = message.suite === "mls" && message.kind === undefined && message.status !== "failed";
  const own = message.direction === "out";
  const copy = (): void => {
    void navigator.clipboard.writeText(message.body);
    toast({ text: c.copied });
  };
  const items: MenuItem[] = [
    ...(message.body === "" ? [] : [{ label: c.copy, icon: "copy", onChoose: copy } as const]),
    { label: c.forward, icon: "forward", onChoose: () => actions.forward(message) },
    ...(own && rich
      ? [{ label: c.edit, icon: "compose", onChoose: () => actions.edit(message) } as const]
      : []),
    ...(own ? [{ label: c.info, icon: "info", onChoose: () => actions.info(message) } as const] : []),
    { label: c.deleteForMe, icon: "trash", danger: true, onChoose: () => actions.deleteForMe(message) },
    ...(own && rich
      ? [
          {
            label: c.deleteForEveryone,
            icon: "trash",
            danger: true,
            onChoose: () => actions.deleteForEveryone(message),
          } as const,
        ]
      : []),
  ];
  return (
    <div className={choosing ? "message__actions message__actions--shown" : "message__actions"}>
      {choosing ? (
        <QuickReactions
          onChoose={(emoji) => {
            setChoosing(false);
            actions.react(message, emoji);
          }}
          onClose={stopChoosing}
        />
      ) : (
        <>
          {rich && <IconButton icon="emoji" label={c.react} onClick={() => setChoosing(true)} />}
          {rich && <IconButton icon="reply" label={c.reply} onClick={() => actions.reply(message)} />}
          <Menu label={c.more} items={items} />
        </>
      )}
    </div>
  );
}
