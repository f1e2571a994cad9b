/** The lock: the passphrase opens what this browser has stored. */
import { Suspense, lazy, useState, type FormEvent, type ReactNode } from "react";
import { Boundary } from "../app/boundary.tsx";
import { useCalls, useProblemText } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { Button, TextField } from "../ui/controls.tsx";
import "./unlock.css";

const UnlockHelp = lazy(async () => import("./unlock-help.tsx"));

/** Asks for the passphrase. */
export function Unlock(): ReactNode {
  const t = useText();
  const calls = useCalls();
  const problemText = useProblemText();
  const [passphrase, setPassphrase] = useState("");
  const [shown, setShown] = useState(false);
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string>();

  const unlock = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (working || passphrase === "") return;
    setWorking(true);
    setProblem(undefined);
    try {
      await calls.unlock(passphrase);
    } catch (cause) {
      setProblem(problemText(cause));
      setWorking(false);
    }
  };

  return (
    <main className="unlock">
      <form className="unlock__card" onSubmit={(event) => void unlock(event)}>
        <img src="/icon.svg" alt="" width="64" height="64" />
        <h1>{t.unlock.title}</h1>
        <p className="unlock__intro">{t.unlock.intro}</p>
        {/* So that password managers know what the passphrase belongs to. */}
        <input type="text" name="username" autoComplete="username" value="Sotto" readOnly hidden />
        <TextField
          label={t.unlock.passphrase}
          type={shown ? "text" : "password"}
          autoComplete="current-password"
          // The one thing that this screen is for.
          autoFocus
          value={passphrase}
          error={problem}
          onChange={(event) => setPassphrase(event.target.value)}
        />
        <label className="unlock__show">
          <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} />
          {t.unlock.show}
        </label>
        <Button kind="primary" type="submit" disabled={working || passphrase === ""}>
          {working ? t.unlock.working : t.unlock.action}
        </Button>
        <Boundary quiet>
          <Suspense>
            <UnlockHelp />
          </Suspense>
        </Boundary>
      </form>
    </main>
  );
}
