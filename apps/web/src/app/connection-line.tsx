/** A line when the server is not connected: that it waits, or why, where the person can do something about it. And when the clock is wrong. */
import { useEffect, useState, type ReactNode } from "react";
import { EngineError } from "../page/engine-client.ts";
import { useText } from "../text/index.tsx";
import { useEngine, useEngineState, useProblemText } from "./context.tsx";

/** Reasons that do not pass by themselves. */
const telling = new Set(
  "clock_wrong server_key_mismatch unsupported_version sign_in_refused account_deleted storage_full storage_failed vault_damaged".split(
    " ",
  ),
);

/** The line; empty while all is well. */
export function ConnectionLine(): ReactNode {
  const { common } = useText();
  const problemText = useProblemText();
  const state = useEngineState();
  const aheadMs = useClockAhead();
  const connection = state.phase === "open" ? state.connection : "offline";
  const problem = state.phase === "open" ? state.problem : undefined;
  let text = "";
  if (connection !== "online" && problem !== undefined && telling.has(problem)) {
    text = problemText(new EngineError({ code: problem, message: "" }));
  } else if (connection === "offline") text = common.offline;
  else if (connection === "connecting") text = common.connecting;
  else if (aheadMs !== 0) text = common.clockOff(Math.round(Math.abs(aheadMs) / 60_000), aheadMs > 0);
  return (
    <p className={`list__connection list__connection--${text === "" ? connection : "offline"}`} role="status">
      {text}
    </p>
  );
}

/** How far this device's clock is ahead of the server's; 0 when it agrees. */
function useClockAhead(): number {
  const engine = useEngine();
  const [aheadMs, setAheadMs] = useState(0);
  useEffect(() => {
    const look = (): void => {
      engine.calls.doctor().then(
        ({ clockAheadMs = 0 }) => setAheadMs(clockAheadMs),
        () => undefined,
      );
    };
    if (engine.state.phase === "open" && engine.state.connection === "online") look();
    return engine.subscribe((event) => {
      if (event.type === "state" && event.state.phase === "open" && event.state.connection === "online")
        look();
    });
  }, [engine]);
  return aheadMs;
}
