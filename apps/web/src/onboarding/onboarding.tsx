/** The first steps in this browser: an account, made, linked, recovered or begun anew. */
import type { ReactNode } from "react";
import { CodeStep } from "./code-step.tsx";
import { FlowProvider, useFlow } from "./flow.tsx";
import { IdentifierStep } from "./identifier-step.tsx";
import { KeyStep } from "./key-step.tsx";
import { LinkStep } from "./link-step.tsx";
import { LinkedStep } from "./linked-step.tsx";
import { MismatchStep } from "./mismatch-step.tsx";
import { NameStep } from "./name-step.tsx";
import { PasskeyStep } from "./passkey-step.tsx";
import { PassphraseStep } from "./passphrase-step.tsx";
import { KeyEntryStep, RecoveredStep } from "./recover-steps.tsx";
import { BackupStep, RestoredStep } from "./restore-steps.tsx";
import { ExplainStep, WaitingStep } from "./reset-steps.tsx";
import type { StepName } from "./steps.ts";
import { WelcomeStep } from "./welcome-step.tsx";

const screens: Readonly<Record<StepName, () => ReactNode>> = {
  welcome: WelcomeStep,
  mismatch: MismatchStep,
  identifier: IdentifierStep,
  name: NameStep,
  "key-entry": KeyEntryStep,
  backup: BackupStep,
  explain: ExplainStep,
  passphrase: PassphraseStep,
  code: CodeStep,
  link: LinkStep,
  linked: LinkedStep,
  recovered: RecoveredStep,
  restored: RestoredStep,
  key: KeyStep,
  passkey: PasskeyStep,
  waiting: WaitingStep,
};

/** The first steps. */
function Onboarding(): ReactNode {
  return (
    <FlowProvider>
      <Screen />
    </FlowProvider>
  );
}

function Screen(): ReactNode {
  const { saved } = useFlow();
  const Shown = screens[saved.step];
  return <Shown key={`${saved.path}/${saved.step}`} />;
}

export default Onboarding;
