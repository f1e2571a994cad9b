/** The passphrase for what this browser keeps. */
import type { ReactNode } from "react";
import { useNewPassphrase } from "../passphrase/new-passphrase.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { useFlow } from "./flow.tsx";
import { Step } from "./step.tsx";

/** Asks for it. */
export function PassphraseStep(): ReactNode {
  const f = useFirstRunText();
  const { saved, setSecrets, next } = useFlow();
  const { fields, warned, take } = useNewPassphrase(saved.identifier);
  const go = (): void => {
    const passphrase = take();
    if (passphrase === undefined) return;
    setSecrets({ passphrase });
    next();
  };
  return (
    <Step
      title={f.passphraseTitle}
      text={saved.path === "link" ? f.passphraseLinkText : f.passphraseText}
      action={warned ? f.weakAnyway : f.next}
      onNext={go}
    >
      {fields}
    </Step>
  );
}
