/**
 * Somebody: the name that was given here, or that they chose, and beside it, never in its place, the number or address that nobody else
 * has. A name proves nothing.
 */
import { useCallback, useSyncExternalStore, type ReactNode } from "react";
import { useConversations } from "../app/context.tsx";
import "./who.css";

/** The name of somebody, as far as it is known here; empty: none. @param given what came with a message. */
export function useName(identifier: string, given = ""): string {
  const conversations = useConversations();
  return useSyncExternalStore(
    useCallback((changed) => conversations.subscribe(changed), [conversations]),
    () =>
      conversations.all?.find(({ peer, group }) => group === undefined && peer === identifier)?.contact
        ?.name || given,
  );
}

/** On one line, for sentences: "Ben (+1 555 …)". */
export function useLabels(): (identifier: string, given?: string) => string {
  const conversations = useConversations();
  const all = useSyncExternalStore(
    useCallback((changed) => conversations.subscribe(changed), [conversations]),
    () => conversations.all,
  );
  return useCallback(
    (identifier, given = "") => {
      const known = all?.find(({ peer, group }) => group === undefined && peer === identifier);
      const name = known?.contact?.name || given;
      return name === "" ? identifier : `${name} (${identifier})`;
    },
    [all],
  );
}

/** Name and identifier, in that order. */
export function Who({
  identifier,
  name,
  className = "",
}: {
  readonly identifier: string;
  readonly name: string;
  readonly className?: string;
}): ReactNode {
  if (name === "" || name === identifier) return <bdi className={className}>{identifier}</bdi>;
  return (
    <span className={`who ${className}`}>
      <bdi>{name}</bdi> <bdi className="who__id">{identifier}</bdi>
    </span>
  );
}
