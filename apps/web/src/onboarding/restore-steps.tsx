/** Coming back with a backup file: which one, what opens it, and what came back. */
import { useId, useState, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { SecretField } from "../passphrase/secret-field.tsx";
import { useText } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Icon } from "../ui/icon.tsx";
import { useFlow } from "./flow.tsx";
import { Step } from "./step.tsx";

/** Asks for the file, and looks whether it is whole. */
export function BackupStep(): ReactNode {
  const t = useText();
  const f = useFirstRunText();
  const calls = useCalls();
  const problemText = useProblemText();
  const { saved, set, setSecrets, next } = useFlow();
  const [file, setFile] = useState<File>();
  const [passphrase, setPassphrase] = useState("");
  const [othersLost, setOthersLost] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [working, setWorking] = useState(false);

  const look = async (): Promise<void> => {
    setProblem(undefined);
    setWrong(undefined);
    if (file === undefined) return setProblem(f.backupMissing);
    if (passphrase === "") return setWrong(f.backupPassphraseMissing);
    setWorking(true);
    try {
      const info = await calls.inspectBackup({ file, passphrase });
      if (info.serverFingerprint === saved.serverKey) {
        set({ identifier: info.identifier });
        setSecrets({ backup: { file, passphrase, othersLost } });
        return next();
      }
      setProblem(f.backupElsewhere(info.serverOrigin));
    } catch (cause) {
      const { code } = cause as { readonly code?: string };
      if (code === "passphrase_wrong") setWrong(t.errors.passphrase_wrong);
      else setProblem(problemText(cause));
    }
    setWorking(false);
  };

  return (
    <Step
      title={f.backupTitle}
      text={f.backupText}
      problem={problem}
      working={working ? f.backupLooking : undefined}
      action={f.next}
      onNext={() => void look()}
    >
      <FileField file={file} onFile={setFile} />
      <SecretField
        label={f.backupPassphrase}
        error={wrong}
        autoComplete="off"
        value={passphrase}
        onChange={(event) => setPassphrase(event.target.value)}
      />
      <label className="first__tick">
        <input
          type="checkbox"
          checked={othersLost}
          onChange={(event) => setOthersLost(event.target.checked)}
        />
        <span>{f.backupOthersLost}</span>
      </label>
    </Step>
  );
}

function FileField({
  file,
  onFile,
}: {
  readonly file: File | undefined;
  readonly onFile: (file: File | undefined) => void;
}): ReactNode {
  const f = useFirstRunText();
  const id = useId();
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {f.backupFile}
      </label>
      <div className="first__file">
        <input
          id={id}
          type="file"
          className="first__file-input"
          onChange={(event) => onFile((event.currentTarget as HTMLInputElement).files?.[0])}
        />
        <span className="button button--plain" aria-hidden="true">
          <Icon name="file" />
          {f.backupChoose}
        </span>
        <bdi>{file?.name}</bdi>
      </div>
    </div>
  );
}

/** Says that it worked, and what follows. */
export function RestoredStep(): ReactNode {
  const f = useFirstRunText();
  const { next } = useFlow();
  return (
    <Step
      title={f.recoveredTitle}
      text={f.restoredText}
      picture={<Icon name="shield" className="first__picture" />}
      action={f.next}
      onNext={next}
    />
  );
}
