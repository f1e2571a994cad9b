/** How far a file is on its way, and how to stop that. */
import type { ReactNode } from "react";
import { Icon } from "../../ui/icon.tsx";

const radius = 17;
const around = 2 * Math.PI * radius;

/** @param label what is under way. @param cancel what the button is called. */
export function Ring({
  done,
  total,
  label,
  cancel,
  onCancel,
}: {
  readonly done: number;
  readonly total: number;
  readonly label: string;
  readonly cancel: string;
  readonly onCancel: () => void;
}): ReactNode {
  const part = total > 0 ? Math.min(1, done / total) : 0;
  return (
    <span className="ring">
      <span
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(part * 100)}
      >
        <svg viewBox="0 0 40 40" aria-hidden="true" className={part === 0 ? "ring--waiting" : ""}>
          <circle cx="20" cy="20" r={radius} className="ring__track" />
          <circle
            cx="20"
            cy="20"
            r={radius}
            className="ring__part"
            strokeDasharray={`${around * Math.max(0.04, part)} ${around}`}
          />
        </svg>
      </span>
      <button type="button" className="ring__cancel" aria-label={cancel} title={cancel} onClick={onCancel}>
        <Icon name="close" />
      </button>
    </span>
  );
}
