/** A button that opens a list of choices: arrow keys move, Enter chooses, Escape or a click elsewhere closes. */
import {
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import { IconButton } from "./controls.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { usePressElsewhere } from "./use-press-elsewhere.ts";
import "./menu.css";

/** One choice. */
export interface MenuItem {
  readonly label: string;
  readonly icon: IconName;
  readonly danger?: boolean;
  readonly onChoose: () => void;
}

/** A composer, or a thumb, is at the bottom. */
const marginPx = 80;

/** @param label what the button is called. */
export function Menu({
  label,
  icon = "more",
  items,
  className = "",
}: {
  readonly label: string;
  readonly icon?: IconName;
  readonly items: readonly MenuItem[];
  readonly className?: string;
}): ReactNode {
  const [open, setOpen] = useState(false);
  const [up, setUp] = useState(false);
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);

  useLayoutEffect(() => {
    if (!open || list.current === null) return;
    // Where it would be cut off below, it opens above.
    setUp(list.current.getBoundingClientRect().bottom > innerHeight - marginPx);
    return () => setUp(false);
  }, [open]);

  useEffect(() => {
    if (open) list.current?.querySelector<HTMLElement>("button")?.focus();
  }, [open]);
  const shut = useCallback(() => setOpen(false), []);
  usePressElsewhere(root, open, shut);

  const leave = (): void => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>("button")?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + buttons.length, Home: 0, End: buttons.length - 1 }[
      event.key
    ];
    if (event.key === "Escape") leave();
    else if (event.key === "Tab") setOpen(false);
    else if (to !== undefined) buttons[to % buttons.length]?.focus();
    else return;
    if (event.key !== "Tab") event.preventDefault();
  };

  return (
    <div className={`menu ${className}${up ? " menu--up" : ""}`} ref={root}>
      <IconButton
        icon={icon}
        label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <ul className="menu__list" id={id} role="menu" aria-label={label} ref={list} onKeyDown={onKeyDown}>
          {items.map((item) => (
            <li key={item.label} role="none">
              <button
                type="button"
                role="menuitem"
                className={item.danger === true ? "menu__item menu__item--danger" : "menu__item"}
                onClick={() => {
                  leave();
                  item.onChoose();
                }}
              >
                <Icon name={item.icon} />
                {item.label}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
