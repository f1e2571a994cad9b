/** Keeps what is begun in a conversation, a moment after the last key, and when it is left. */
import { useEffect, useRef } from "react";
import { useCalls } from "../app/context.tsx";

const quietMs = 600;

/** @param text undefined while something else is written there. @param stored what is kept already. */
export function useDraft(key: string, text: string | undefined, stored: string): void {
  const calls = useCalls();
  const kept = useRef(stored);
  const newest = useRef(text);
  newest.current = text;
  useEffect(() => {
    const keep = (): void => {
      const draft = newest.current;
      if (draft === undefined || draft === kept.current) return;
      kept.current = draft;
      // Somebody who was never written to has no conversation to keep it in.
      calls.updateConversation(key, { draft }).catch(() => undefined);
    };
    const timer = setTimeout(keep, text === "" ? 0 : quietMs);
    return () => clearTimeout(timer);
  }, [calls, key, text]);
  useEffect(
    () => () => {
      const draft = newest.current;
      if (draft !== undefined && draft !== kept.current) {
        calls.updateConversation(key, { draft }).catch(() => undefined);
      }
    },
    [calls, key],
  );
}
