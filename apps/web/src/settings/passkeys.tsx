/** Passkeys that open this browser's vault. */
import { useCallback, useEffect, useState, type ReactNode } from "react";
import type { Passkey } from "@sotto/client/web-passkeys";
import { useCalls, useEngineState, useProblemText } from "../app/context.tsx";
import { NoPrfError, canUnlockByPasskey, makePasskey } from "../passkey/ceremony.ts";
import { EngineError } from "../page/engine-client.ts";
import { localeOf, useLanguage } from "../text/index.tsx";
import { useSettingsText } from "../text/settings.ts";
import { Button, IconButton } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { Part } from "./parts.tsx";

/** The list, and another one. */
export function Passkeys(): ReactNode {
  const s = useSettingsText();
  const { language } = useLanguage();
  const calls = useCalls();
  const state = useEngineState();
  const problemText = useProblemText();
  const [able, setAble] = useState<boolean>();
  const [passkeys, setPasskeys] = useState<readonly Passkey[]>([]);
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);

  const look = useCallback(async () => setPasskeys(await calls.passkeys()), [calls]);
  useEffect(() => {
    void canUnlockByPasskey().then(setAble);
    look().catch(() => undefined);
  }, [look]);

  const carryOut = async (work: () => Promise<void>): Promise<void> => {
    setWorking(true);
    setProblem(undefined);
    try {
      await work();
      await look();
    } catch (cause) {
      if (cause instanceof EngineError) setProblem(problemText(cause));
      else setProblem(cause instanceof NoPrfError ? s.passkeyNoPrf : s.passkeyFailed);
    }
    setWorking(false);
  };
  const add = async (): Promise<void> => {
    const { secret, ...passkey } = await makePasskey(
      state.phase === "open" ? state.self.identifier : "Sotto",
    );
    await calls.addPasskey(passkey, secret);
  };

  const date = new Intl.DateTimeFormat(localeOf(language), { dateStyle: "long" });
  return (
    <Part title={s.passkeys} hint={s.passkeysText}>
      {passkeys.map(({ id, addedAt }) => (
        <div key={id.join()} className="group__row">
          <Icon name="finger" />
          <span className="group__words">
            {s.passkeyName}
            <small>{s.passkeyAdded(date.format(addedAt * 1000))}</small>
          </span>
          <IconButton
            icon="trash"
            label={s.passkeyRemove}
            disabled={working}
            onClick={() => void carryOut(() => calls.removePasskey(id))}
          />
        </div>
      ))}
      <div className="group__form">
        {problem !== undefined && (
          <p className="field__error" role="alert">
            {problem}
          </p>
        )}
        {able === false ? (
          <p>{s.passkeysNone}</p>
        ) : (
          <Button disabled={working || able === undefined} onClick={() => void carryOut(add)}>
            {s.passkeyAdd}
          </Button>
        )}
      </div>
    </Part>
  );
}
