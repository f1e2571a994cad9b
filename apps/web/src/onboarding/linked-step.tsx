/** After the other device approved: whose account this is now, and the history as it comes. */
import { useState, type ReactNode } from "react";
import { useEngineState } from "../app/context.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { DiscardAccount } from "./discard-account.tsx";
import { useFlow } from "./flow.tsx";
import { useReadable } from "./readable.ts";
import { Step } from "./step.tsx";

/** Shows whose it is: a code could have been approved by somebody else. */
export function LinkedStep(): ReactNode {
  const f = useFirstRunText();
  const readable = useReadable();
  const state = useEngineState();
  const { history, next } = useFlow();
  // It is the account's, whatever happens to the engine meanwhile.
  const [identifier] = useState(() => (state.phase === "open" ? state.self.identifier : ""));
  const { taken = 0, parts = 0 } = history ?? {};
  const complete = parts > 0 && taken >= parts;
  return (
    <Step
      title={f.linkedTitle}
      text={
        <>
          <p>
            <strong className="first__who">{f.linkedText(readable(identifier))}</strong>
          </p>
          <p>{f.linkedHistory}</p>
        </>
      }
      action={f.linkedGo}
      onNext={next}
      footer={
        <DiscardAccount label={f.linkedNotMine} warning={f.linkedNotMineText} action={f.linkedRemove} />
      }
    >
      <div className="progress">
        <div className="bar" aria-hidden="true">
          <span style={{ width: `${parts === 0 ? 0 : (taken / parts) * 100}%` }} />
        </div>
        <p role="status">
          {complete ? f.linkedDone : parts === 0 ? f.linkedWaiting : f.linkedProgress(taken, parts)}
        </p>
      </div>
    </Step>
  );
}
