/** The filters of a search, as a row of chips. Each is a control of the browser's own: it works by keyboard and on every phone. */
import { useEffect, useState, type ReactNode } from "react";
import type { Contact } from "@sotto/client/web";
import { useCalls, useConversations, useEngineState } from "../app/context.tsx";
import { keyOf } from "../store/conversations.ts";
import { searched, type Search } from "../store/search.ts";
import { useSearchText } from "../text/search.ts";
import { Icon } from "../ui/icon.tsx";

/** Shows and sets the filters. */
export function SearchFilters({ search }: { readonly search: Search }): ReactNode {
  const s = useSearchText();
  const { all = [] } = useConversations();
  const people = usePeople();
  const state = useEngineState();
  const self = state.phase === "open" ? state.self.identifier : "";
  const [dates, setDates] = useState(search.since !== "" || search.until !== "");
  const inside = search.in;
  const isListed = inside === undefined || all.some((summary) => keyOf(summary) === inside.key);
  return (
    <div className="filters" role="group" aria-label={s.filters}>
      <select
        className={inside === undefined ? "chip" : "chip chip--on"}
        aria-label={s.conversation}
        value={inside?.key ?? ""}
        onChange={({ target }) => {
          const name = target.selectedOptions[0]?.text ?? "";
          searched.set({ in: target.value === "" ? undefined : { key: target.value, name } });
        }}
      >
        <option value="">{s.anyConversation}</option>
        {!isListed && <option value={inside.key}>{inside.name}</option>}
        {all.map((summary) => (
          <option key={keyOf(summary)} value={keyOf(summary)}>
            {summary.peer}
          </option>
        ))}
      </select>
      <select
        className={search.from === "" ? "chip" : "chip chip--on"}
        aria-label={s.person}
        value={search.from}
        onChange={({ target }) => searched.set({ from: target.value })}
      >
        <option value="">{s.anybody}</option>
        {self !== "" && <option value={self}>{s.me}</option>}
        {people.map(({ identifier, name }) => (
          <option key={identifier} value={identifier}>
            {name === "" ? identifier : `${name} (${identifier})`}
          </option>
        ))}
      </select>
      <button
        type="button"
        className={search.attachments ? "chip chip--on" : "chip"}
        aria-pressed={search.attachments}
        onClick={() => searched.set({ attachments: !search.attachments })}
      >
        <Icon name="attach" />
        {s.files}
      </button>
      <button
        type="button"
        className={search.since !== "" || search.until !== "" ? "chip chip--on" : "chip"}
        aria-expanded={dates}
        onClick={() => {
          if (dates) searched.set({ since: "", until: "" });
          setDates(!dates);
        }}
      >
        <Icon name="clock" />
        {s.date}
      </button>
      {dates && (
        <div className="filters__dates">
          <label>
            {s.since}
            <input
              type="date"
              value={search.since}
              max={search.until}
              onChange={({ target }) => searched.set({ since: target.value })}
            />
          </label>
          <label>
            {s.until}
            <input
              type="date"
              value={search.until}
              min={search.since}
              onChange={({ target }) => searched.set({ until: target.value })}
            />
          </label>
        </div>
      )}
    </div>
  );
}

function usePeople(): readonly Contact[] {
  const calls = useCalls();
  const [people, setPeople] = useState<readonly Contact[]>([]);
  useEffect(() => {
    let current = true;
    calls.contacts().then(
      (all) => current && setPeople(all.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)))),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [calls]);
  return people;
}

const nameOf = ({ name, identifier }: Contact): string => name || identifier;
