/** The end of the account: what goes and what stays, then the passphrase, then it is gone. */
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useCalls, useEngineState } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { useTold } from "../details/use-told.ts";
import { SecretField } from "../passphrase/secret-field.tsx";
import { useSettingsText } from "../text/settings.ts";
import { useText } from "../text/index.tsx";
import { Button, Notice } from "../ui/controls.tsx";
import { Part } from "./parts.tsx";

/** Deletes the account on the server and in this browser. */
export function DeleteAccount(): ReactNode {
  const s = useSettingsText();
  const state = useEngineState();
  const [asked, setAsked] = useState(false);
  const gone = state.phase === "open" && state.problem === "account_deleted";
  return (
    <Part title={s.deleteTitle} hint={s.deleteText}>
      <div className="group__form">
        {gone && <Notice kind="warn">{s.deletedElsewhere}</Notice>}
        {asked ? (
          <Ask onCancel={() => setAsked(false)} />
        ) : (
          <button type="button" className="button button--danger" onClick={() => setAsked(true)}>
            {s.deleteAsk}
          </button>
        )}
      </div>
    </Part>
  );
}

function Ask({ onCancel }: { readonly onCancel: () => void }): ReactNode {
  const s = useSettingsText();
  const t = useText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [sure, setSure] = useState(false);
  const [passphrase, setPassphrase] = useState("");
  const points = useRef<HTMLUListElement>(null);
  // Who comes here by the keyboard hears first what goes.
  useEffect(() => points.current?.focus(), []);

  const end = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!(await run(() => calls.deleteAccount(passphrase)))) return;
    firstSteps.setKeyToKeep(undefined);
    location.hash = "#/";
  };

  return (
    <form className="delete-account" noValidate onSubmit={(event) => void end(event)}>
      <ul ref={points} tabIndex={-1}>
        {s.deletePoints.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
      <label className="choice">
        <span>{s.deleteSure}</span>
        <input type="checkbox" checked={sure} onChange={(event) => setSure(event.target.checked)} />
      </label>
      <SecretField
        label={s.passphraseCurrent}
        autoComplete="current-password"
        error={problem}
        value={passphrase}
        onChange={(event) => setPassphrase(event.target.value)}
      />
      <div className="notice__actions">
        <Button disabled={working} onClick={onCancel}>
          {t.common.cancel}
        </Button>
        <Button type="submit" kind="danger" disabled={!sure || passphrase === "" || working}>
          {working ? s.deleteWorking : s.deleteAction}
        </Button>
      </div>
    </form>
  );
}
