/** A dialog that is modal as long as it is there. When it goes, focus is where it was before. */
import { useEffect, useRef, type RefObject } from "react";

/** For the `ref` of a dialog element. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      // Browsers do that themselves only for a dialog that stays in the page. What is behind it stays where it was.
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return dialog;
}
