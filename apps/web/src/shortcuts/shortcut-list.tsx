/** Every shortcut with its keys. */
import { useState, type ReactNode } from "react";
import { useSettingsText } from "../text/settings.ts";
import { SHORTCUTS, keysOf, setSingleKey, singleKeyOn, type Action } from "./shortcuts.ts";
import "./shortcuts.css";

/** The list, and the switch of the single key. */
export function ShortcutList(): ReactNode {
  const s = useSettingsText();
  const [single, setSingle] = useState(singleKeyOn);
  const names: Readonly<Record<Action, string>> = {
    new: s.keysNew,
    search: s.keysSearch,
    find: s.keysFind,
    next: s.keysNext,
    previous: s.keysPrevious,
    write: s.keysWrite,
    close: s.keysClose,
    settings: s.keysSettings,
    lock: s.keysLock,
    sheet: s.keysSheet,
  };
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ...Object.entries(SHORTCUTS).map(([action, keys]) => [names[action as Action], keysOf(keys)] as const),
    [s.keysSend, ["Enter"]],
    [s.keysLine, ["Shift", "Enter"]],
  ];
  return (
    <>
      <dl className="shortcuts">
        {rows.map(([name, keys]) => (
          <div key={name} className="shortcuts__row">
            <dt>{name}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
              {name === s.keysSheet && single && <kbd>?</kbd>}
            </dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={single}
          onChange={(event) => {
            setSingleKey(event.target.checked);
            setSingle(event.target.checked);
          }}
        />
        <span>
          {s.keysSingle}
          <span className="field__hint">{s.keysSingleHint}</span>
        </span>
      </label>
    </>
  );
}
