/** What a search found: conversations by their names, and beneath them messages with the words marked. Loaded with the first search. */
import type { ConversationSummary, SearchHit } from "@sotto/client/web";
import { useEffect, useState, type KeyboardEvent, type ReactNode } from "react";
import { useProblemText } from "../app/context.tsx";
import { hrefOf } from "../app/route.ts";
import { ConversationRow } from "../list/conversation-row.tsx";
import { keyOf } from "../store/conversations.ts";
import type { Search } from "../store/search.ts";
import { useLanguage, useText } from "../text/index.tsx";
import { useSearchText } from "../text/search.ts";
import { shortTime } from "../text/times.ts";
import { Icon } from "../ui/icon.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { SearchFilters } from "./search-filters.tsx";
import "./search.css";
import { useHits } from "./use-hits.ts";

const fewConversations = 4;
const firstHits = 20;
const moreHits = 40;

/** @param conversations whose name has what is searched for. @param open the one that is open. */
function SearchResults({
  search,
  conversations,
  open,
}: {
  readonly search: Search;
  readonly conversations: readonly ConversationSummary[];
  readonly open: string | undefined;
}): ReactNode {
  const s = useSearchText();
  const problemText = useProblemText();
  const [limit, setLimit] = useState(firstHits);
  const [all, setAll] = useState(false);
  useEffect(() => {
    setAll(false);
    setLimit(firstHits);
  }, [search]);
  const { found, problem } = useHits(search, limit);
  // Inside of one conversation, the names of others are beside the point.
  const named = search.in === undefined && search.query.trim() !== "" ? conversations : [];
  const shown = all ? named : named.slice(0, fewConversations);
  const hits = found?.hits ?? [];
  return (
    <>
      <SearchFilters search={search} />
      <div className="results" onKeyDown={moveBetween}>
        {shown.length > 0 && (
          <section>
            <h2 className="results__title">{s.conversations}</h2>
            <ul>
              {shown.map((summary) => (
                <li key={keyOf(summary)} className="results__conversation">
                  <ConversationRow summary={summary} typing={undefined} open={keyOf(summary) === open} />
                </li>
              ))}
            </ul>
            {named.length > shown.length && (
              <button type="button" className="results__more" onClick={() => setAll(true)}>
                {s.allConversations(named.length)}
              </button>
            )}
          </section>
        )}
        <section aria-busy={found?.of !== search}>
          <h2 className="results__title">{s.messages}</h2>
          {found === undefined && problem === undefined ? (
            <SkeletonRows count={4} />
          ) : (
            <ul>
              {hits.map((hit) => (
                <li key={`${hit.message.groupId ?? hit.message.conversation} ${hit.message.id}`}>
                  <Hit hit={hit} />
                </li>
              ))}
            </ul>
          )}
          {found?.more === true && (
            <button type="button" className="results__more" onClick={() => setLimit(limit + moreHits)}>
              {s.more}
            </button>
          )}
        </section>
        <p className="results__state" role="status">
          {problem !== undefined
            ? problemText(problem)
            : found === undefined
              ? ""
              : found.index === "building"
                ? s.building
                : found.index === "damaged"
                  ? s.damaged
                  : s.found(hits.length, found.more)}
        </p>
      </div>
    </>
  );
}

function Hit({ hit: { message, snippet, highlights } }: { readonly hit: SearchHit }): ReactNode {
  const t = useText();
  const { language } = useLanguage();
  const key = message.groupId ?? message.conversation;
  const who = message.direction === "out" ? t.common.you : message.fromName || message.from;
  return (
    <a className="hit" href={hrefOf({ screen: "conversation", key, at: message.id })}>
      <span className="hit__top">
        <bdi className="hit__where">{message.conversation}</bdi>
        <time className="hit__time">{shortTime(message.sentAt, language, t)}</time>
      </span>
      <span className="hit__text">
        {(message.groupId !== undefined || message.direction === "out") && (
          <>
            <bdi className="hit__who">{who}</bdi>:{" "}
          </>
        )}
        {message.attachments !== undefined && <Icon name="attach" />}
        <bdi>{marked(snippet, highlights)}</bdi>
      </span>
    </a>
  );
}

/** A text with parts of it marked. */
function marked(text: string, highlights: SearchHit["highlights"]): ReactNode[] {
  const parts: ReactNode[] = [];
  let at = 0;
  for (const [from, to] of highlights) {
    parts.push(text.slice(at, from), <mark key={from}>{text.slice(from, to)}</mark>);
    at = to;
  }
  return [...parts, text.slice(at)];
}

/** Arrow keys go from one result to the next, and back to the field above the first. */
function moveBetween(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("a, .results__more")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const to = event.key === "ArrowDown" ? links[at + 1] : links[at - 1];
  if (at === 0 && event.key === "ArrowUp") {
    document.querySelector<HTMLElement>('[data-shortcut="search"]')?.focus();
  } else {
    to?.focus();
  }
  event.preventDefault();
}

export default SearchResults;
