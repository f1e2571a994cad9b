/** Letting a device into the account: its code, who asks, and two deliberate steps, since a code can be part of a fraud. */
import { Suspense, lazy, useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import type { LinkRequest } from "@sotto/client/web";
import { useCalls, useProblemText } from "../app/context.tsx";
import { localeOf, useLanguage } from "../text/index.tsx";
import { useSettingsText } from "../text/settings.ts";
import { useTrustText } from "../text/trust.ts";
import { Button, Notice, TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { Fact, Part } from "./parts.tsx";

const Scanner = lazy(async () => import("../trust/scanner.tsx"));

const codeLetters = 16;

/** @param onDone back to the list. */
export function LinkDevice({ onDone }: { readonly onDone: () => void }): ReactNode {
  const s = useSettingsText();
  const [request, setRequest] = useState<LinkRequest>();
  const [linked, setLinked] = useState(false);
  if (linked) {
    return (
      <>
        <Notice live>
          <strong>{s.linkDone}</strong>
        </Notice>
        <Button onClick={onDone}>{s.linkAgain}</Button>
      </>
    );
  }
  return request === undefined ? (
    <AskCode onRequest={setRequest} onCancel={onDone} />
  ) : (
    <Approve request={request} onLinked={() => setLinked(true)} onCancel={onDone} />
  );
}

function AskCode({
  onRequest,
  onCancel,
}: {
  readonly onRequest: (request: LinkRequest) => void;
  readonly onCancel: () => void;
}): ReactNode {
  const s = useSettingsText();
  const trust = useTrustText();
  const calls = useCalls();
  const problemText = useProblemText();
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<string>();
  const [scanning, setScanning] = useState(false);
  const [working, setWorking] = useState(false);

  const look = async (typed: string): Promise<void> => {
    if (lettersOf(typed).length !== codeLetters) return setProblem(s.linkCodeWrong);
    setWorking(true);
    setProblem(undefined);
    try {
      onRequest(await calls.linkRequest(typed));
    } catch (cause) {
      const { code: why } = cause as { readonly code?: string };
      setProblem(
        why === "link_refused" ? s.linkRefused : why === "usage" ? s.linkCodeWrong : problemText(cause),
      );
      setWorking(false);
    }
  };

  return (
    <Part title={s.linkDevice} hint={s.linkHow}>
      <form
        className="group__form"
        noValidate
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          void look(code);
        }}
      >
        {scanning ? (
          <Suspense fallback={<div className="skeleton scanner" />}>
            <Scanner
              otherwise={trust.scanNoLink}
              onText={(text) => {
                if (!text.startsWith("sotto-link:")) return;
                setScanning(false);
                setCode(grouped(text));
                void look(text);
              }}
              onStop={() => setScanning(false)}
            />
          </Suspense>
        ) : (
          <Button onClick={() => setScanning(true)}>
            <Icon name="qr" />
            {s.linkScan}
          </Button>
        )}
        <TextField
          label={s.linkCode}
          hint={s.linkCodeHint}
          error={problem}
          className="code-line"
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          dir="ltr"
          value={code}
          onChange={(event) => {
            setProblem(undefined);
            // What is mended in the middle is left as it is: the caret would jump.
            const { value, selectionStart } = event.target;
            setCode(selectionStart === value.length && value.length > code.length ? grouped(value) : value);
          }}
        />
        <div className="notice__actions">
          <Button type="submit" kind="primary" disabled={working}>
            {s.linkLook}
          </Button>
          <Button kind="quiet" onClick={onCancel}>
            {s.linkAgain}
          </Button>
        </div>
      </form>
    </Part>
  );
}

function Approve({
  request,
  onLinked,
  onCancel,
}: {
  readonly request: LinkRequest;
  readonly onLinked: () => void;
  readonly onCancel: () => void;
}): ReactNode {
  const s = useSettingsText();
  const { language } = useLanguage();
  const calls = useCalls();
  const problemText = useProblemText();
  const [sure, setSure] = useState(false);
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { code, name, platform, address, askedAt } = request;
  const since = new Intl.DateTimeFormat(localeOf(language), { timeStyle: "medium" }).format(askedAt * 1000);

  const approve = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!sure || working) return;
    setWorking(true);
    setProblem(undefined);
    try {
      await calls.approveLink(code);
      onLinked();
    } catch (cause) {
      const { code: why } = cause as { readonly code?: string };
      setProblem(why === "link_refused" ? s.linkRefused : problemText(cause));
      setWorking(false);
    }
  };

  return (
    <form className="part" onSubmit={(event) => void approve(event)}>
      <h2 ref={heading} tabIndex={-1}>
        {s.linkWho}
      </h2>
      <dl className="pairs">
        <Fact name={s.linkCode}>
          <code className="link-code">{code}</code>
        </Fact>
        <Fact name={s.linkName}>
          <bdi>{name}</bdi>
        </Fact>
        <Fact name={s.linkPlatform}>
          <bdi>{platform}</bdi>
        </Fact>
        <Fact name={`${s.linkAddress} (${s.linkAddressHint})`}>{address}</Fact>
        <Fact name={s.linkSince}>{since}</Fact>
      </dl>
      <Notice kind="warn">{s.linkFraud}</Notice>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      <div className="group">
        <label className="choice">
          <span>{s.linkSure}</span>
          <input type="checkbox" checked={sure} onChange={(event) => setSure(event.target.checked)} />
        </label>
      </div>
      <div className="notice__actions">
        <Button type="submit" kind="primary" disabled={!sure || working}>
          {working ? s.linkLinking : s.linkAction}
        </Button>
        <Button kind="quiet" disabled={working} onClick={onCancel}>
          {s.linkAgain}
        </Button>
      </div>
    </form>
  );
}

const lettersOf = (typed: string): string => typed.replace(/^sotto-link:/i, "").replaceAll(/[^0-9a-z]/gi, "");

/** In groups of four, as the other screen shows it. */
const grouped = (typed: string): string =>
  (
    lettersOf(typed)
      .toUpperCase()
      .match(/.{1,4}/g) ?? []
  ).join("-");
