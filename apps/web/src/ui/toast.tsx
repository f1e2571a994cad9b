/** A line that says what was done, with a way back, for a few seconds. */
import { useEffect, useSyncExternalStore, type ReactNode } from "react";
import "./toast.css";

interface Toast {
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

let shown: Toast | undefined;
const listeners = new Set<() => void>();
const shownMs = 7_000;

/** Shows a line in place of the one before. */
export function toast(next: Toast | undefined): void {
  shown = next;
  for (const listener of listeners) listener();
}

/** Where the lines appear. */
export function ToastArea(): ReactNode {
  const current = useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => shown,
  );
  useEffect(() => {
    if (current === undefined) return undefined;
    const timer = setTimeout(() => shown === current && toast(undefined), shownMs);
    return () => clearTimeout(timer);
  }, [current]);
  return (
    <div className="toast-area" role="status">
      {current !== undefined && (
        <div className="toast">
          {current.text}
          {current.action !== undefined && (
            <button
              type="button"
              onClick={() => {
                current.action?.run();
                toast(undefined);
              }}
            >
              {current.action.label}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
