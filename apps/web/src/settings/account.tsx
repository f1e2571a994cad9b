/** The account: how people find it, its recovery key, and leaving this browser. */
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { useCalls, useEngineState } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { useTold } from "../details/use-told.ts";
import { NAME_LETTERS, cleanName } from "../onboarding/name.ts";
import { useReadable } from "../onboarding/readable.ts";
import { AskRecoveryKey, RecoveryKey } from "../recovery/recovery-key.tsx";
import { useSettingsText } from "../text/settings.ts";
import { Button, Notice, TextField } from "../ui/controls.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Icon } from "../ui/icon.tsx";
import { DeleteAccount } from "./delete-account.tsx";
import { Part } from "./parts.tsx";
import { ResetWarning } from "./reset-warning.tsx";

function AccountPage(): ReactNode {
  const s = useSettingsText();
  const readable = useReadable();
  const state = useEngineState();
  const identifier = state.phase === "open" ? state.self.identifier : "";
  return (
    <>
      <ResetWarning />
      <Part title={s.identifier}>
        <div className="group__row">
          <Icon name="person" />
          <span className="group__words">{readable(identifier)}</span>
        </div>
      </Part>
      <Name />
      <Recovery />
      <Remove />
      <DeleteAccount />
    </>
  );
}

function Name(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [name, setName] = useState("");
  const [saved, setSaved] = useState<string>();
  useEffect(() => {
    void run(async () => {
      const profile = await calls.profile();
      setName(profile.name);
      setSaved(profile.name);
    });
  }, [calls, run]);
  const [told, setTold] = useState(false);
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const clean = cleanName(name);
    if (!(await run(() => calls.updateProfile({ name: clean })))) return;
    setName(clean);
    setSaved(clean);
    setTold(true);
  };
  return (
    <Part title={s.name} hint={s.nameText}>
      <form className="group__form" noValidate onSubmit={(event) => void save(event)}>
        <TextField
          label={s.name}
          autoComplete="name"
          maxLength={NAME_LETTERS}
          error={problem}
          value={name}
          onChange={(event) => {
            setName(event.target.value);
            setTold(false);
          }}
        />
        <Button type="submit" disabled={working || saved === undefined || cleanName(name) === saved}>
          {s.nameSave}
        </Button>
        <p className="good" role="status">
          {told ? s.nameSaved : ""}
        </p>
      </form>
    </Part>
  );
}

function Recovery(): ReactNode {
  const s = useSettingsText();
  const state = useEngineState();
  const [shown, setShown] = useState<string | "elsewhere">();
  const [later, setLater] = useState(() => firstSteps.keyToKeep() === "later");
  return (
    <Part title={s.recovery} hint={s.recoveryText}>
      <div className="group__form">
        {later && <Notice kind="warn">{s.recoveryLater}</Notice>}
        {shown === undefined || state.phase !== "open" ? (
          <AskRecoveryKey onKey={(key) => setShown(key ?? "elsewhere")} />
        ) : shown === "elsewhere" ? (
          <p role="status">{s.recoveryElsewhere}</p>
        ) : (
          <RecoveryKey recoveryKey={shown} of={state.self} />
        )}
        {later && shown !== undefined && (
          <Button
            kind="primary"
            onClick={() => {
              firstSteps.setKeyToKeep(undefined);
              setLater(false);
            }}
          >
            {s.recoveryKept}
          </Button>
        )}
      </div>
    </Part>
  );
}

function Remove(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const [only, setOnly] = useState(false);
  useEffect(() => {
    calls.devices().then(
      (devices) => setOnly(devices.filter(({ revoked }) => !revoked).length <= 1),
      () => undefined,
    );
  }, [calls]);
  return (
    <Part title={s.removeTitle} hint={s.removeText}>
      <div className="group__form">
        <Confirm
          className="button button--danger"
          label={s.removeAsk}
          warning={only ? s.removeLast : s.removeText}
          action={s.removeAction}
          onConfirm={async () => {
            firstSteps.setKeyToKeep(undefined);
            location.hash = "#/";
            await calls.destroy();
          }}
        />
      </div>
    </Part>
  );
}

export default AccountPage;
