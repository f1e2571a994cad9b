/** A few emoji to react with, and the way to all others: the first has the focus at once, Escape or a click elsewhere closes. */
import { Suspense, lazy, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { IconButton } from "../ui/controls.tsx";
import { usePressElsewhere } from "../ui/use-press-elsewhere.ts";

const EmojiDialog = lazy(async () => import("../emoji/emoji-dialog.tsx"));

const quick = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** @param onClose called without a choice. */
export function QuickReactions({
  onChoose,
  onClose,
}: {
  readonly onChoose: (emoji: string) => void;
  readonly onClose: () => void;
}): ReactNode {
  const t = useText();
  const [choosingAny, setChoosingAny] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    root.current?.querySelector("button")?.focus();
  }, []);
  usePressElsewhere(root, true, onClose);
  const onKeyDown = (event: KeyboardEvent): void => {
    // An open dialog closes by itself.
    if (event.key !== "Escape" || choosingAny) return;
    event.preventDefault();
    onClose();
  };
  return (
    <div
      className="quick-reactions"
      role="group"
      aria-label={t.conversation.react}
      ref={root}
      onKeyDown={onKeyDown}
    >
      {quick.map((emoji) => (
        <button type="button" key={emoji} onClick={() => onChoose(emoji)}>
          {emoji}
        </button>
      ))}
      <IconButton icon="add" label={t.conversation.otherEmoji} onClick={() => setChoosingAny(true)} />
      <IconButton icon="close" label={t.common.close} onClick={onClose} />
      {choosingAny && (
        <Suspense>
          <EmojiDialog onChoose={onChoose} onClose={() => setChoosingAny(false)} />
        </Suspense>
      )}
    </div>
  );
}
