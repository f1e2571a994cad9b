/** The first steps in this browser: an identifier, its code, a passphrase, and the recovery key to keep. */
import { useState, type FormEvent, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { Button, Notice, TextField } from "../ui/controls.tsx";
import "../unlock/unlock.css";

/** Makes an account. */
function Onboarding(): ReactNode {
  const t = useText();
  const calls = useCalls();
  const problemText = useProblemText();
  const [serverKey, setServerKey] = useState<string>();
  const [identifier, setIdentifier] = useState("");
  const [code, setCode] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);

  const go = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setWorking(true);
    setProblem(undefined);
    const server = location.origin;
    try {
      if (serverKey === undefined) {
        const { fingerprint } = await calls.fetchServerFacts({ server });
        await calls.requestCode({ server, serverKey: fingerprint, identifier });
        setServerKey(fingerprint);
      } else {
        await calls.register({ server, serverKey, identifier, code, passphrase, deviceName: "Browser" });
      }
    } catch (cause) {
      setProblem(problemText(cause));
    }
    setWorking(false);
  };

  return (
    <main className="unlock">
      <form className="unlock__card" onSubmit={(event) => void go(event)}>
        <img src="/icon.svg" alt="" width="64" height="64" />
        <h1>{t.common.appName}</h1>
        {problem !== undefined && <Notice kind="error">{problem}</Notice>}
        <TextField
          label={t.list.peer}
          hint={t.list.peerHint}
          value={identifier}
          disabled={serverKey !== undefined}
          onChange={(event) => setIdentifier(event.target.value)}
        />
        {serverKey !== undefined && (
          <>
            <TextField
              label={t.unlock.code}
              inputMode="numeric"
              autoComplete="one-time-code"
              value={code}
              onChange={(event) => setCode(event.target.value)}
            />
            <TextField
              label={t.unlock.passphrase}
              type="password"
              autoComplete="new-password"
              value={passphrase}
              onChange={(event) => setPassphrase(event.target.value)}
            />
          </>
        )}
        <Button kind="primary" type="submit" disabled={working}>
          {t.unlock.next}
        </Button>
      </form>
    </main>
  );
}

export default Onboarding;
