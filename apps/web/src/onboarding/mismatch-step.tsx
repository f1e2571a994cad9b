/** The stop: the server has another key than the one that is expected of it. */
import { useEffect, useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Fingerprint } from "../trust/fingerprint.tsx";
import { Icon } from "../ui/icon.tsx";
import { useFlow } from "./flow.tsx";
import { Step } from "./step.tsx";

/** Says so, and goes no further. */
export function MismatchStep(): ReactNode {
  const f = useFirstRunText();
  const calls = useCalls();
  const { saved, set } = useFlow();
  const [found, setFound] = useState<string>();
  useEffect(() => {
    calls.fetchServerFacts({ server: location.origin }).then(
      ({ fingerprint }) => setFound(fingerprint),
      () => undefined,
    );
  }, [calls]);
  return (
    <Step
      title={f.mismatchTitle}
      text={f.mismatchText}
      picture={<Icon name="warning" className="first__warning" />}
      action={f.mismatchAgain}
      onNext={() => set({ step: "welcome" })}
    >
      <dl className="facts">
        <dt>{f.mismatchExpected}</dt>
        <dd>{saved.serverKey !== undefined && <Fingerprint value={saved.serverKey} />}</dd>
        <dt>{f.mismatchFound}</dt>
        <dd>{found !== undefined && <Fingerprint value={found} />}</dd>
      </dl>
    </Step>
  );
}
