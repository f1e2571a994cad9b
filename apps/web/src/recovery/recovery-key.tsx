/** The recovery key: shown once its passphrase is known, to be copied, saved or printed. */
import { useState, type ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { useCalls, useProblemText } from "../app/context.tsx";
import { SecretField } from "../passphrase/secret-field.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Button } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import "./recovery-key.css";

/** @param of whose it is, and where: for the file that is saved. */
export function RecoveryKey({
  recoveryKey,
  of,
}: {
  readonly recoveryKey: string;
  readonly of: { readonly identifier: string; readonly serverOrigin: string };
}): ReactNode {
  const f = useFirstRunText();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(recoveryKey);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_500);
  };
  const download = (): void => {
    const text = f.keyFile(recoveryKey, of.identifier, of.serverOrigin);
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = f.keyFileName;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <div className="key-sheet">
      <div className="key" role="group" aria-label={f.keyLabel} translate="no">
        {recoveryKey.split("-").map((group, i) => (
          <span key={i}>{group}</span>
        ))}
      </div>
      <p className="key-sheet__printed">
        {of.identifier}, {of.serverOrigin}
      </p>
      <p className="visually-hidden" role="status">
        {copied ? f.keyCopied : ""}
      </p>
      <div className="key-actions">
        <Button onClick={() => void copy()}>
          <Icon name={copied ? "check" : "copy"} />
          {copied ? f.keyCopied : f.keyCopy}
        </Button>
        <Button onClick={download}>
          <Icon name="download" />
          {f.keyDownload}
        </Button>
        <Button onClick={() => print()}>
          <Icon name="print" />
          {f.keyPrint}
        </Button>
      </div>
    </div>
  );
}

/** Asks for the passphrase, and gives the recovery key. @param onKey undefined: this device does not have it. */
export function AskRecoveryKey({
  onKey,
}: {
  readonly onKey: (recoveryKey: string | undefined) => void;
}): ReactNode {
  const t = useText();
  const f = useFirstRunText();
  const calls = useCalls();
  const problemText = useProblemText();
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);
  const ask = async (): Promise<void> => {
    setWorking(true);
    setProblem(undefined);
    try {
      onKey(await calls.recoveryKey(passphrase));
    } catch (cause) {
      setProblem(problemText(cause));
    }
    setWorking(false);
  };
  return (
    <>
      <SecretField
        label={t.unlock.passphrase}
        hint={f.keyShowText}
        error={problem}
        autoComplete="current-password"
        value={passphrase}
        onChange={(event) => setPassphrase(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          void ask();
        }}
      />
      <Button disabled={working || passphrase === ""} onClick={() => void ask()}>
        {f.keyShow}
      </Button>
    </>
  );
}
