/** Carries out what messages are told to do. */
import type { Message } from "@sotto/client/web";
import { useMemo } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import type { Timeline } from "../store/timeline.ts";
import { useText } from "../text/index.tsx";
import { toast } from "../ui/toast.tsx";
import type { MessageActions, Writing } from "./actions.ts";

/** What the view opens for an action. */
export interface ActionTargets {
  write(writing: Writing): void;
  forward(message: Message): void;
  info(message: Message): void;
}

/** The actions of a conversation's messages. */
export function useActionsOf(key: string, timeline: Timeline, targets: ActionTargets): MessageActions {
  const t = useText();
  const calls = useCalls();
  const problemText = useProblemText();
  return useMemo(() => {
    const told = (work: Promise<unknown>): void => {
      work.catch((cause: unknown) => toast({ text: problemText(cause) }));
    };
    return {
      reply: (message) => targets.write({ kind: "reply", to: message }),
      edit: (message) => targets.write({ kind: "edit", of: message }),
      sendAgain: (message) => told(calls.sendAgain(key, message.id)),
      forward: targets.forward,
      info: targets.info,
      react: (message, emoji) => told(calls.react(key, message.id, emoji)),
      deleteForMe(message) {
        // Undo instead of a question: it is hidden now, and deleted when the line is gone.
        const restore = timeline.hide(message.id);
        const timer = setTimeout(() => told(calls.deleteMessage(key, message.id)), undoMs);
        toast({
          text: t.conversation.deleted,
          action: {
            label: t.common.undo,
            run() {
              clearTimeout(timer);
              restore();
            },
          },
        });
      },
      deleteForEveryone: (message) => told(calls.deleteMessage(key, message.id, { forEveryone: true })),
      show: (id) => void timeline.toMessage(id),
    };
  }, [key, timeline, targets, t, calls, problemText]);
}

const undoMs = 7_000;
