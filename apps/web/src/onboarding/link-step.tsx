/** The code by which another device lets this browser in: as a picture to scan, and as letters to type. */
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { useCalls, useEngine, useProblemText } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { useFirstRunText } from "../text/first-run.ts";
import { QrCode } from "../ui/qr-code.tsx";
import { DEVICE_NAME, PLATFORM } from "./device.ts";
import { useFlow } from "./flow.tsx";
import { Step } from "./step.tsx";

/** Shows it, and waits. */
export function LinkStep(): ReactNode {
  const f = useFirstRunText();
  const engine = useEngine();
  const calls = useCalls();
  const problemText = useProblemText();
  const { saved, secrets, next } = useFlow();
  const [shown, setShown] = useState<{ readonly code: string; readonly qr: string }>();
  const [problem, setProblem] = useState<string>();
  const [expired, setExpired] = useState(false);
  const attempt = useRef(0);

  useEffect(() => engine.subscribe((event) => event.type === "link-code" && setShown(event)), [engine]);

  const begin = useCallback(async () => {
    const mine = ++attempt.current;
    setProblem(undefined);
    setExpired(false);
    setShown(undefined);
    try {
      const { serverKey = "" } = saved;
      firstSteps.show(true);
      await calls.link({
        server: location.origin,
        serverKey,
        passphrase: secrets.passphrase,
        deviceName: DEVICE_NAME,
        platform: PLATFORM,
      });
      if (mine === attempt.current) next();
    } catch (cause) {
      if (mine !== attempt.current) return;
      firstSteps.show(false);
      setShown(undefined);
      if ((cause as { readonly code?: string }).code === "link_refused") setExpired(true);
      else setProblem(problemText(cause));
    }
  }, [calls, saved, secrets.passphrase, next, problemText]);

  useEffect(() => {
    void begin();
    return () => {
      attempt.current += 1;
      void calls.cancelLink();
    };
  }, []);

  if (expired || problem !== undefined) {
    return (
      <Step
        title={expired ? f.linkExpiredTitle : f.linkTitle}
        text={expired ? f.linkExpiredText : undefined}
        problem={problem}
        action={f.linkNew}
        onNext={() => void begin()}
      />
    );
  }
  return (
    <Step title={f.linkTitle}>
      <ol className="how">
        {f.linkHow.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ol>
      {shown === undefined ? (
        <div className="skeleton qr qr--waiting" role="status" aria-label={f.linkMaking} />
      ) : (
        <>
          <QrCode text={shown.qr} label={f.linkQr(shown.code)} />
          <p className="link-code" role="group" aria-label={f.linkCode} translate="no">
            {shown.code}
          </p>
          <p className="pulse" role="status">
            {f.linkWaiting}
          </p>
          <p className="first__text first__text--centred">{f.linkWarning}</p>
        </>
      )}
    </Step>
  );
}
