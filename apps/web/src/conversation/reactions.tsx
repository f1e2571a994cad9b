/** What people think of a message: one sign per emoji, with their number and names. */
import type { Message } from "@sotto/client/web";
import type { ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { useLabels } from "../ui/who.tsx";
import { useMessageActions } from "./actions.ts";

/** The signs; a click adds one's own, or takes it back. */
export function Reactions({ message }: { readonly message: Message }): ReactNode {
  const t = useText();
  const { react } = useMessageActions();
  const labelOf = useLabels();
  const { reactions = [] } = message;
  if (reactions.length === 0) return null;
  const byEmoji = Map.groupBy(reactions, ({ emoji }) => emoji);
  return (
    <ul className="reactions" aria-label={t.conversation.reactions}>
      {[...byEmoji].map(([emoji, given]) => {
        const own = given.some((reaction) => reaction.own);
        const names = given
          .map((reaction) => (reaction.own ? t.common.you : labelOf(reaction.from)))
          .join(", ");
        return (
          <li key={emoji}>
            <button
              type="button"
              className={own ? "reaction reaction--own" : "reaction"}
              aria-pressed={own}
              title={names}
              onClick={() => react(message, own ? "" : emoji)}
            >
              <span>{emoji}</span>
              {given.length > 1 && <span>{given.length}</span>}
              <span className="visually-hidden">{names}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
