/** The first screen: what this is, which server it is, and the ways in. */
import { useState, type ReactNode } from "react";
import { useProblemText } from "../app/context.tsx";
import { LANGUAGES, useLanguage, useText, type Language } from "../text/index.tsx";
import { useFirstRunText } from "../text/first-run.ts";
import { useJoinsText } from "../text/joins.ts";
import { Fingerprint } from "../trust/fingerprint.tsx";
import { Button, Notice, TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { useFlow } from "./flow.tsx";
import { fingerprintIn, groupLinkOfAddress, inviteOfAddress, useServer, type KnownServer } from "./server.ts";
import { Step } from "./step.tsx";

/** Welcomes. */
export function WelcomeStep(): ReactNode {
  const f = useFirstRunText();
  const j = useJoinsText();
  const { start } = useFlow();
  const server = useServer();
  const { facts } = server;
  const ready = facts !== undefined;
  const open = facts?.registrationOpen !== false;
  return (
    <Step
      title={f.welcomeTitle}
      text={f.welcomeText}
      picture={<img className="first__logo" src="/icon.svg" alt="" width="64" height="64" />}
      footer={<LanguageChoice />}
    >
      {inviteOfAddress() === "damaged" && <Notice kind="warn">{f.linkDamaged}</Notice>}
      {groupLinkOfAddress() !== undefined && <Notice>{j.firstRun}</Notice>}
      {!open && <Notice kind="warn">{f.closed}</Notice>}
      <div className="first__choices">
        {open && (
          <Button kind="primary" disabled={!ready} onClick={() => start("register")}>
            {f.create}
          </Button>
        )}
        <Button disabled={!ready} onClick={() => start("link")}>
          {f.link}
        </Button>
        <Button kind="quiet" disabled={!ready} onClick={() => start("recover")}>
          {f.recover}
        </Button>
        <Button kind="quiet" disabled={!ready} onClick={() => start("restore")}>
          {f.restore}
        </Button>
      </div>
      <Server server={server} />
    </Step>
  );
}

function Server({ server }: { readonly server: KnownServer }): ReactNode {
  const t = useText();
  const f = useFirstRunText();
  const problemText = useProblemText();
  const { saved } = useFlow();
  const { facts, problem } = server;
  if (problem !== undefined) {
    return (
      <Notice kind="error">
        <p>{problemText(problem)}</p>
        <div className="notice__actions">
          <Button onClick={() => void server.ask()}>{t.common.retry}</Button>
        </div>
      </Notice>
    );
  }
  if (facts === undefined) {
    return <div className="skeleton server__loading" role="status" aria-label={f.serverLoading} />;
  }
  return (
    <details className="server">
      <summary>
        <Icon name="shield" />
        <span>{location.host}</span>
        <Icon name="down" />
      </summary>
      <div className="server__body">
        <p>{saved.invited ? f.serverInvited : f.serverPinned}</p>
        <div>
          <strong>{f.serverKey}</strong>
          <Fingerprint value={facts.fingerprint} label={f.serverKey} />
        </div>
        <p>{f.serverWhy}</p>
        {!saved.invited && <Compare fingerprint={facts.fingerprint} />}
      </div>
    </details>
  );
}

function Compare({ fingerprint }: { readonly fingerprint: string }): ReactNode {
  const f = useFirstRunText();
  const { set, to } = useFlow();
  const [pasted, setPasted] = useState("");
  const [result, setResult] = useState<"equal" | "not one">();
  const compare = (): void => {
    const expected = fingerprintIn(pasted);
    if (expected === undefined) return setResult("not one");
    if (expected === fingerprint) return setResult("equal");
    set({ serverKey: expected });
    to("mismatch");
  };
  return (
    <>
      <TextField
        label={f.serverCompare}
        autoComplete="off"
        spellCheck={false}
        dir="ltr"
        error={result === "not one" ? f.serverNotOne : undefined}
        value={pasted}
        onChange={(event) => {
          setPasted(event.target.value);
          setResult(undefined);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          compare();
        }}
      />
      <Button disabled={pasted.trim() === ""} onClick={compare}>
        {f.serverCompareAction}
      </Button>
      <p className="server__good" role="status">
        {result === "equal" ? f.serverEqual : ""}
      </p>
    </>
  );
}

function LanguageChoice(): ReactNode {
  const t = useText();
  const { language, choose } = useLanguage();
  return (
    <label className="language">
      <Icon name="globe" />
      <span className="visually-hidden">{t.common.language}</span>
      <select value={language} onChange={(event) => choose(event.target.value as Language)}>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
