/** The list of conversations: searched by name, the newest first, drawn only as far as it is seen. */
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  Suspense,
  lazy,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import { ConnectionLine } from "../app/connection-line.tsx";
import { useCalls, useConversations } from "../app/context.tsx";
import { hrefOf } from "../app/route.ts";
import { keyOf } from "../store/conversations.ts";
import { isSearching, searched } from "../store/search.ts";
import { useText } from "../text/index.tsx";
import { IconButton } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { AskedLine } from "./asked-line.tsx";
import { ConversationRow } from "./conversation-row.tsx";
import "./conversation-list.css";

const rowHeight = 72;
const loadResults = async () => import("../search/search-results.tsx");
const SearchResults = lazy(loadResults);

/** @param open the conversation that is open, by its key. */
export function ConversationList({ open }: { readonly open: string | undefined }): ReactNode {
  const t = useText();
  const conversations = useConversations();
  const subscribe = useCallback((changed: () => void) => conversations.subscribe(changed), [conversations]);
  const all = useSyncExternalStore(subscribe, () => conversations.all);
  const whole = useSyncExternalStore(subscribe, () => conversations.whole);
  const typing = useSyncExternalStore(subscribe, () => conversations.typing);
  const search = useSyncExternalStore(searched.subscribe, searched.get);
  const searching = isSearching(search);
  const calls = useCalls();
  const scroller = useRef<HTMLDivElement>(null);
  const [archive, setArchive] = useState(false);
  const archived = useMemo(() => (all ?? []).filter((summary) => summary.archived).length, [all]);
  const found = useMemo(() => {
    const wanted = search.query.trim().toLocaleLowerCase();
    const named = (all ?? []).filter(({ peer, contact }) =>
      `${peer}\n${contact?.name ?? ""}`.toLocaleLowerCase().includes(wanted),
    );
    // A search looks everywhere.
    const here = wanted === "" ? named.filter((summary) => summary.archived === archive) : named;
    return here.toSorted((a, b) => Number(b.pinned) - Number(a.pinned));
  }, [all, search.query, archive]);
  const rows = useVirtualizer({
    count: found.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  /** The program and the index come while the first key is on its way. */
  const prepare = (): void => {
    void loadResults().catch(() => undefined);
    void calls.search("").catch(() => undefined);
  };
  // What was searched for is nobody's business once it is locked.
  useEffect(() => () => searched.clear(), []);

  return (
    <div className="list">
      <header className="list__header">
        <h1 className="list__title">{t.common.appName}</h1>
        <a
          className="icon-button"
          href={hrefOf({ screen: "new" })}
          aria-label={t.list.new}
          title={t.list.new}
        >
          <Icon name="compose" />
        </a>
        <a
          className="icon-button"
          href={hrefOf({ screen: "settings", page: "" })}
          aria-label={t.list.settings}
          title={t.list.settings}
        >
          <Icon name="settings" />
        </a>
      </header>
      <div className="list__search">
        <Icon name="search" />
        <input
          type="search"
          data-shortcut="search"
          value={search.query}
          aria-label={t.list.search}
          placeholder={search.in === undefined ? t.list.search : t.list.searchIn(search.in.name)}
          onFocus={prepare}
          onChange={(event) => searched.set({ query: event.target.value })}
          onKeyDown={onSearchKey}
        />
        {searching && <IconButton icon="close" label={t.list.endSearch} onClick={() => searched.clear()} />}
      </div>
      <ConnectionLine />
      <AskedLine />
      {(archived > 0 || archive) && !searching && (
        <button type="button" className="list__archive" onClick={() => setArchive(!archive)}>
          <Icon name={archive ? "back" : "archive"} />
          {archive ? t.list.all : t.list.archived(archived)}
        </button>
      )}
      <div className="list__rows" ref={scroller}>
        {searching ? (
          <Suspense fallback={<SkeletonRows count={8} />}>
            <SearchResults search={search} conversations={found} open={open} />
          </Suspense>
        ) : all === undefined || (found.length === 0 && !whole) ? (
          <SkeletonRows count={8} />
        ) : found.length === 0 ? (
          <div className="list__empty">
            <h2>{t.list.empty}</h2>
            <p>{t.list.emptyText}</p>
          </div>
        ) : (
          <ul className="list__all" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, start }) => {
              const summary = found[index];
              if (summary === undefined) return null;
              const key = keyOf(summary);
              return (
                <li
                  key={key}
                  style={{ transform: `translateY(${start}px)`, height: rowHeight }}
                  aria-setsize={found.length}
                  aria-posinset={index + 1}
                >
                  <ConversationRow summary={summary} typing={typing.get(key)} open={key === open} />
                </li>
              );
            })}
          </ul>
        )}
      </div>
    </div>
  );
}

/** Down leads to what was found, Escape ends the search. */
function onSearchKey(event: KeyboardEvent<HTMLElement>): void {
  if (event.key === "ArrowDown") document.querySelector<HTMLElement>(".results a")?.focus();
  else if (event.key === "Escape" && isSearching(searched.get())) searched.clear();
  else return;
  event.preventDefault();
}
