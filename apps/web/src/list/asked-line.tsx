/** That this account waits to be let into groups: a line above the list, for what is no conversation yet. */
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { useCalls, useEngine } from "../app/context.tsx";
import { hrefOf } from "../app/route.ts";
import { useText } from "../text/index.tsx";
import { Icon } from "../ui/icon.tsx";

/** Leads to where this account asked. */
export function AskedLine(): ReactNode {
  const t = useText();
  const engine = useEngine();
  const calls = useCalls();
  const [count, setCount] = useState(0);
  const look = useCallback(
    () =>
      void calls.askedJoins().then(
        (asked) => setCount(asked.length),
        () => undefined,
      ),
    [calls],
  );
  useEffect(() => {
    look();
    return engine.subscribe((event) => {
      if (event.type === "client" && event.event.type === "joins" && event.event.groupId === undefined)
        look();
    });
  }, [engine, look]);
  if (count === 0) return null;
  return (
    <a className="list__archive" href={hrefOf({ screen: "join", link: "" })}>
      <Icon name="clock" />
      {t.list.asked(count)}
    </a>
  );
}
