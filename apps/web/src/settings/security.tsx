/** What opens this browser's vault, and when it closes by itself. */
import { useState, type FormEvent, type ReactNode } from "react";
import { lockAfterMin, setLockAfterMin } from "../app/idle-lock.ts";
import { useCalls, useEngineState } from "../app/context.tsx";
import { useTold } from "../details/use-told.ts";
import { useNewPassphrase } from "../passphrase/new-passphrase.tsx";
import { SecretField } from "../passphrase/secret-field.tsx";
import { useSettingsText } from "../text/settings.ts";
import { Button } from "../ui/controls.tsx";
import { Part } from "./parts.tsx";
import { Passkeys } from "./passkeys.tsx";

const idleMinutes = [0, 1, 5, 15, 60];

function SecurityPage(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const [minutes, setMinutes] = useState(lockAfterMin);
  return (
    <>
      <Part hint={s.idleText}>
        <div className="group__form">
          <label className="field">
            <span className="field__label">{s.idle}</span>
            <select
              className="field__input"
              value={minutes}
              onChange={(event) => {
                setLockAfterMin(Number(event.target.value));
                setMinutes(Number(event.target.value));
              }}
            >
              {idleMinutes.map((n) => (
                <option key={n} value={n}>
                  {n === 0 ? s.idleNever : s.idleMinutes(n)}
                </option>
              ))}
            </select>
          </label>
          <Button onClick={() => void calls.lock()}>{s.lockNow}</Button>
        </div>
      </Part>
      <Passkeys />
      <ChangePassphrase />
    </>
  );
}

function ChangePassphrase(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const state = useEngineState();
  const { working, problem, run } = useTold();
  const [current, setCurrent] = useState("");
  const [changed, setChanged] = useState(false);
  const next = useNewPassphrase(state.phase === "open" ? state.self.identifier : "", s.passphraseNew);

  const change = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setChanged(false);
    const passphrase = next.take();
    if (passphrase === undefined) return;
    if (await run(() => calls.changePassphrase(current, passphrase))) {
      setCurrent("");
      next.clear();
      setChanged(true);
    }
  };

  return (
    <Part title={s.passphrase} hint={s.passphraseText}>
      <form className="group__form" noValidate onSubmit={(event) => void change(event)}>
        <SecretField
          label={s.passphraseCurrent}
          autoComplete="current-password"
          error={problem}
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
        />
        {next.fields}
        <Button type="submit" kind="primary" disabled={working || current === ""}>
          {next.warned ? s.passphraseAnyway : s.passphraseAction}
        </Button>
        <p className="good" role="status">
          {changed ? s.passphraseChanged : ""}
        </p>
      </form>
    </Part>
  );
}

export default SecurityPage;
