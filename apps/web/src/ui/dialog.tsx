/** A question or a small form in front of everything else. */
import type { ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { IconButton } from "./controls.tsx";
import "./dialog.css";
import { useModal } from "./use-modal.ts";

/** Modal while it is there: focus stays in it, Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactNode {
  const t = useText();
  const dialog = useModal();
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => event.key === "Escape" && event.stopPropagation()}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div className="dialog__box">
        <header className="dialog__header">
          <h2>{title}</h2>
          <IconButton icon="close" label={t.common.close} onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
