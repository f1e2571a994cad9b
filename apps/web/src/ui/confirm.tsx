/** Something that cannot be undone: pressed twice, with what it means in between. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useProblemText } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { Button, Notice } from "./controls.tsx";

/** @param label of what is pressed first. @param action of what is pressed then. */
export function Confirm({
  label,
  warning,
  action,
  onConfirm,
  className = "text-button",
}: {
  readonly label: string;
  readonly warning: ReactNode;
  readonly action: string;
  readonly onConfirm: () => Promise<void>;
  readonly className?: string;
}): ReactNode {
  const t = useText();
  const problemText = useProblemText();
  const [asked, setAsked] = useState(false);
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string>();

  const actions = useRef<HTMLDivElement>(null);
  // What does no harm is what Enter presses.
  useEffect(() => {
    if (asked) actions.current?.querySelector("button")?.focus();
  }, [asked]);

  const confirm = async (): Promise<void> => {
    setWorking(true);
    setProblem(undefined);
    try {
      await onConfirm();
      setAsked(false);
    } catch (cause) {
      setProblem(problemText(cause));
    }
    setWorking(false);
  };

  if (!asked) {
    return (
      <button type="button" className={className} onClick={() => setAsked(true)}>
        {label}
      </button>
    );
  }
  return (
    <Notice kind="warn" live>
      {warning}
      {problem !== undefined && <p className="field__error">{problem}</p>}
      <div ref={actions} className="notice__actions">
        <Button disabled={working} onClick={() => setAsked(false)}>
          {t.common.cancel}
        </Button>
        <Button kind="danger" disabled={working} onClick={() => void confirm()}>
          {action}
        </Button>
      </div>
    </Notice>
  );
}
