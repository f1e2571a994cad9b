/** Notices when something else than what is open is pressed. */
import { useEffect, type RefObject } from "react";

/** Calls `onPress` when something outside of the element is pressed, while `active`. */
export function usePressElsewhere(
  element: RefObject<HTMLElement | null>,
  active: boolean,
  onPress: () => void,
): void {
  useEffect(() => {
    if (!active) return undefined;
    const listener = (event: PointerEvent): void => {
      if (element.current?.contains(event.target as Node) !== true) onPress();
    };
    addEventListener("pointerdown", listener);
    return () => removeEventListener("pointerdown", listener);
  }, [element, active, onPress]);
}
