/** How good a passphrase is, as it is typed. */
import { useEffect, useState, type ReactNode } from "react";
import { localeOf, useLanguage } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import type { Estimator, Strength } from "./strength.ts";

/** The estimator, once it was fetched. */
export function useStrength(): Estimator | undefined {
  const [loaded, setLoaded] = useState<Estimator>();
  useEffect(() => {
    let current = true;
    import("./strength.ts").then(
      ({ estimator }) => current && setLoaded(estimator),
      // Without it there is no meter; the passphrase works all the same.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, []);
  return loaded;
}

/** @param strength undefined while it is not known. */
export function StrengthMeter({ strength }: { readonly strength: Strength | undefined }): ReactNode {
  const f = useFirstRunText();
  const time = useDuration();
  const level = strength?.level ?? 0;
  const word = f.strength[level] ?? "";
  return (
    <div className="meter" data-level={strength === undefined ? "none" : level}>
      <div className="meter__bars" aria-hidden="true">
        {[0, 1, 2, 3].map((bar) => (
          <span
            key={bar}
            className={
              strength !== undefined && bar < Math.max(1, level) ? "meter__bar meter__bar--on" : "meter__bar"
            }
          />
        ))}
      </div>
      <p className="meter__words" role="status">
        {strength !== undefined && (
          <>
            <strong>{f.strengthLabel(word)}</strong>
            <span>{f.strengthTime(time(strength.seconds))}</span>
          </>
        )}
      </p>
    </div>
  );
}

const units = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** Says how long something takes, roughly. */
export function useDuration(): (seconds: number) => string {
  const f = useFirstRunText();
  const { language } = useLanguage();
  return (seconds) => {
    if (seconds < 1) return f.timeInstant;
    if (seconds > 200 * 31_557_600) return f.timeCenturies;
    const [unit, length] = units.find(([, from]) => seconds >= from) ?? ["second", 1];
    const count = Math.round(seconds / length);
    return new Intl.NumberFormat(localeOf(language), { style: "unit", unit, unitDisplay: "long" }).format(
      count,
    );
  };
}
