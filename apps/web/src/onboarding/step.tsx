/** The frame of every first step: back, how far one is, a heading, a form that Enter carries on, and what went wrong. */
import { useLayoutEffect, useRef, type FormEvent, type ReactNode } from "react";
import { useText } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { Button, IconButton, Notice } from "../ui/controls.tsx";
import { useFlow } from "./flow.tsx";
import "./onboarding.css";

/** One step. @param working what is being done; nothing can be pressed meanwhile. @param problem what went wrong, and what to do. */
export function Step({
  title,
  text,
  children,
  action,
  onNext,
  working,
  problem,
  footer,
  picture,
}: {
  readonly title: string;
  readonly text?: ReactNode;
  readonly children?: ReactNode;
  /** The text of the main button; without it there is none. */
  readonly action?: string | undefined;
  readonly onNext?: () => void;
  readonly working?: string | undefined;
  readonly problem?: string | undefined;
  readonly footer?: ReactNode;
  readonly picture?: ReactNode;
}): ReactNode {
  const t = useText();
  const { back, place, announce } = useFlow();
  const form = useRef<HTMLFormElement>(null);

  // Before the next key: whoever types on while a screen or a field takes another's place loses nothing.
  useLayoutEffect(() => {
    document.title = `${title} – Sotto`;
    announce(title);
    // With a keyboard at hand the one field is where to go on, and the heading is read out beside it. Elsewhere a keyboard on the screen
    // would cover what is to be read.
    const field = matchMedia("(pointer: fine)").matches
      ? form.current?.querySelector<HTMLElement>("[data-first]")
      : undefined;
    (field ?? form.current?.querySelector("h1"))?.focus();
    return () => {
      document.title = "Sotto";
    };
  }, [title, announce]);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (working === undefined) onNext?.();
  };

  return (
    <main className="first">
      <form ref={form} className="first__card" noValidate onSubmit={submit}>
        {(back !== undefined || place !== undefined) && (
          <div className="first__top">
            {back !== undefined && (
              <IconButton icon="back" label={t.common.back} disabled={working !== undefined} onClick={back} />
            )}
            {place !== undefined && <Progress {...place} />}
          </div>
        )}
        {picture}
        <h1 tabIndex={-1}>{title}</h1>
        {text !== undefined && <div className="first__text">{text}</div>}
        {problem !== undefined && <Notice kind="error">{problem}</Notice>}
        {children}
        {action !== undefined && (
          <Button kind="primary" type="submit" className="first__action" disabled={working !== undefined}>
            {action}
          </Button>
        )}
        <p className="first__working" role="status">
          {working}
        </p>
        {footer !== undefined && <div className="first__footer">{footer}</div>}
      </form>
    </main>
  );
}

function Progress({ at, count }: { readonly at: number; readonly count: number }): ReactNode {
  const f = useFirstRunText();
  return (
    <div className="first__progress" role="img" aria-label={f.stepOf(at, count)}>
      {Array.from({ length: count }, (_, i) => (
        <span key={i} className={i < at ? "first__dot first__dot--done" : "first__dot"} />
      ))}
    </div>
  );
}
