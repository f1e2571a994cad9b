/** Beginning anew under one's number when everything is lost: what it means, the delay, and its end. */
import { useEffect, useState, type ReactNode } from "react";
import { localeOf, useLanguage } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Notice } from "../ui/controls.tsx";
import { DiscardAccount } from "./discard-account.tsx";
import { useFlow } from "./flow.tsx";
import { useReadable } from "./readable.ts";
import { resetTimes } from "./steps.ts";
import { Step } from "./step.tsx";

/** Says what is given up. */
export function ExplainStep(): ReactNode {
  const f = useFirstRunText();
  const { next } = useFlow();
  return (
    <Step title={f.resetTitle} text={f.resetText} action={f.resetGo} onNext={next}>
      <ul className="points">
        {f.resetPoints.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
    </Step>
  );
}

/** Shows when it can be ended, and ends it. */
export function WaitingStep(): ReactNode {
  const f = useFirstRunText();
  const { language } = useLanguage();
  const readable = useReadable();
  const { saved, to, set } = useFlow();
  const [now, setNow] = useState(() => Date.now() / 1000);
  const [early, setEarly] = useState(false);
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now() / 1000), 1_000);
    return () => clearInterval(ticking);
  }, []);
  const { resetAt = 0, lapsesAt = 0 } = resetTimes() ?? {};
  const day = (sec: number): string =>
    new Intl.DateTimeFormat(localeOf(language), { dateStyle: "full", timeStyle: "short" }).format(sec * 1000);
  const lapsed = now > lapsesAt;
  // The last code that was sent began it; ending it takes another one.
  const finish = (): void => {
    if (now < resetAt) return setEarly(true);
    set({ code: undefined });
    to("code");
  };
  return (
    <Step
      title={f.waitingTitle}
      text={
        <>
          <p>{f.waitingText(readable(saved.identifier))}</p>
          <p>{f.waitingHow}</p>
        </>
      }
      action={f.waitingFinish}
      onNext={finish}
      footer={<DiscardAccount />}
    >
      <dl className="facts">
        <dt>{f.waitingFrom}</dt>
        <dd>{day(resetAt)}</dd>
        <dt>{f.waitingUntil}</dt>
        <dd>{day(lapsesAt)}</dd>
      </dl>
      {lapsed && <Notice kind="warn">{f.waitingLapsed}</Notice>}
      {early && now < resetAt && (
        <Notice kind="warn" live>
          {f.waitingEarly(inTime(resetAt - now, language))}
        </Notice>
      )}
    </Step>
  );
}

/** Such as "in 3 days". */
function inTime(sec: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(localeOf(language), { numeric: "auto" });
  if (sec >= 86_400) return format.format(Math.round(sec / 86_400), "day");
  if (sec >= 3_600) return format.format(Math.round(sec / 3_600), "hour");
  if (sec >= 60) return format.format(Math.round(sec / 60), "minute");
  return format.format(Math.ceil(sec), "second");
}
