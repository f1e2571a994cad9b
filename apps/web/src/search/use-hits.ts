/**
 * Hits for what is typed, as it is typed: one query at a time, the newest one next, and again when messages change or the index is still
 * being made.
 */
import type { SearchHit, SearchOptions, SearchPage } from "@sotto/client/web";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useEngine } from "../app/context.tsx";
import type { Search } from "../store/search.ts";

/** What was found. */
export interface Hits {
  readonly hits: readonly SearchHit[];
  readonly more: boolean;
  readonly index: SearchPage["index"];
  /** Of which search. */
  readonly of: Search;
}

const buildingMs = 700;
const changedMs = 400;

/** Searches. @param limit how many hits are wanted. */
export function useHits(
  search: Search,
  limit: number,
): { readonly found: Hits | undefined; readonly problem: unknown } {
  const engine = useEngine();
  const [found, setFound] = useState<Hits>();
  const [problem, setProblem] = useState<unknown>();
  const wanted = useRef({ search, limit });
  const busy = useRef(false);
  const again = useRef<ReturnType<typeof setTimeout>>(undefined);

  const run = useCallback(async (): Promise<void> => {
    if (busy.current) return;
    busy.current = true;
    clearTimeout(again.current);
    try {
      // What is typed meanwhile is asked for when this answer is there.
      for (let asked: typeof wanted.current | undefined; asked !== wanted.current;) {
        asked = wanted.current;
        const { query } = asked.search;
        const { hits, next, index } = await engine.calls.search(query, optionsOf(asked.search, asked.limit));
        setFound({ hits, more: next !== undefined, index, of: asked.search });
        setProblem(undefined);
        if (index === "building") again.current = setTimeout(() => void run(), buildingMs);
      }
    } catch (cause) {
      setProblem(cause);
    } finally {
      busy.current = false;
    }
  }, [engine]);

  // Before the letter is drawn, not after: the hits are looked for meanwhile.
  useLayoutEffect(() => {
    wanted.current = { search, limit };
    void run();
  }, [run, search, limit]);
  useEffect(() => {
    const stop = engine.subscribe((event) => {
      const isChange =
        event.type === "state" ||
        (event.type === "client" &&
          ["message", "message_changed", "messages_removed"].includes(event.event.type));
      if (!isChange) return;
      clearTimeout(again.current);
      again.current = setTimeout(() => void run(), changedMs);
    });
    return () => {
      stop();
      clearTimeout(again.current);
    };
  }, [engine, run]);

  return { found, problem };
}

/** Midnight at the beginning of a day here, in seconds. */
const startOf = (day: string): number => Math.floor(new Date(`${day}T00:00`).getTime() / 1000);

function optionsOf(search: Search, limit: number): SearchOptions {
  const { since, until, from, attachments } = search;
  const end = new Date(`${until}T00:00`);
  end.setDate(end.getDate() + 1);
  return {
    ...(search.in !== undefined && { in: search.in.key }),
    ...(from !== "" && { from }),
    ...(since !== "" && { since: startOf(since) }),
    ...(until !== "" && { until: Math.floor(end.getTime() / 1000) }),
    ...(attachments && { attachments }),
    limit,
  };
}
