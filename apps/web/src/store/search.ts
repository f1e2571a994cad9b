/** What is being searched for: kept beside the list, so that it is still there when one comes back from a hit. */

/** A conversation to search in. */
interface SearchPlace {
  /** A group's id, or a person's identifier. */
  readonly key: string;
  readonly name: string;
}

/** A query with its filters. */
export interface Search {
  readonly query: string;
  readonly in: SearchPlace | undefined;
  /** An identifier; empty: anybody. */
  readonly from: string;
  /** Days, as date inputs give them; empty: any. */
  readonly since: string;
  readonly until: string;
  readonly attachments: boolean;
}

const nothing: Search = { query: "", in: undefined, from: "", since: "", until: "", attachments: false };
let current = nothing;
const listeners = new Set<() => void>();

/** Whether anything is searched for. */
export const isSearching = (search: Search): boolean =>
  search.query.trim() !== "" ||
  search.in !== undefined ||
  search.from !== "" ||
  search.since !== "" ||
  search.until !== "" ||
  search.attachments;

/** The search of this page. */
export const searched = {
  get: (): Search => current,
  set(changes: Partial<Search>): void {
    current = { ...current, ...changes };
    for (const listener of listeners) listener();
  },
  clear(): void {
    searched.set(nothing);
  },
  subscribe(changed: () => void): () => void {
    listeners.add(changed);
    return () => listeners.delete(changed);
  },
} as const;

/** Goes to the field, as soon as it is to be seen. */
export function toSearchField(frames = 60): void {
  const field = document.querySelector<HTMLInputElement>('[data-shortcut="search"]');
  field?.focus();
  if (document.activeElement !== field && frames > 0) requestAnimationFrame(() => toSearchField(frames - 1));
}
