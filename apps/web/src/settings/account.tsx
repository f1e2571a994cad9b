/** The account: how people find it, its recovery key, and leaving this browser. */
import { useEffect, useState, type ReactNode } from "react";
import { useCalls, useEngineState } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { useReadable } from "../onboarding/readable.ts";
import { AskRecoveryKey, RecoveryKey } from "../recovery/recovery-key.tsx";
import { useSettingsText } from "../text/settings.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Icon } from "../ui/icon.tsx";
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
      <Recovery />
      <Remove />
    </>
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
