/** A backup that brings the account back, and a copy of the history that anybody can read. */
import { useState, useSyncExternalStore, type FormEvent, type ReactNode } from "react";
import { useCalls, useConversations, useEngineState } from "../app/context.tsx";
import { useTold } from "../details/use-told.ts";
import { saveFile } from "../media/save.ts";
import { useNewPassphrase } from "../passphrase/new-passphrase.tsx";
import { keyOf } from "../store/conversations.ts";
import { useSettingsText } from "../text/settings.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { Part } from "./parts.tsx";

function BackupPage(): ReactNode {
  return (
    <>
      <Backup />
      <ReadableCopy />
    </>
  );
}

/** "2026-11-28", for names of files. */
const today = (): string => new Date().toISOString().slice(0, 10);

function Backup(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const state = useEngineState();
  const { working, problem, run } = useTold();
  const [saved, setSaved] = useState<number>();
  const chosen = useNewPassphrase(state.phase === "open" ? state.self.identifier : "", s.backupPassphrase);

  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setSaved(undefined);
    const passphrase = chosen.take();
    if (passphrase === undefined) return;
    await run(async () => {
      const { file, messages } = await calls.backup(passphrase);
      saveFile(file, `sotto-${today()}.backup`);
      chosen.clear();
      setSaved(messages);
    });
  };

  return (
    <Part title={s.backupTitle} hint={s.backupText}>
      <form className="group__form" noValidate onSubmit={(event) => void save(event)}>
        {chosen.fields}
        {problem !== undefined && <Notice kind="error">{problem}</Notice>}
        <Button type="submit" kind="primary" disabled={working}>
          {working ? s.backupWorking : chosen.warned ? s.passphraseAnyway : s.backupAction}
        </Button>
        <p className="good" role="status">
          {saved === undefined ? "" : s.backupSaved(saved)}
        </p>
      </form>
    </Part>
  );
}

type Format = "html" | "txt" | "json";

function ReadableCopy(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const state = useEngineState();
  const conversations = useConversations();
  const { working, problem, run } = useTold();
  const [format, setFormat] = useState<Format>("html");
  const [of, setOf] = useState("");
  const [saved, setSaved] = useState(false);
  const all = useSyncExternalStore(
    (changed) => conversations.subscribe(changed),
    () => conversations.all,
  );

  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (state.phase !== "open") return;
    const { self } = state;
    setSaved(false);
    await run(async () => {
      const { collectHistory, renderHtml, renderJson, renderText } = await import("@sotto/client/readable");
      const peer = of === "" ? undefined : of;
      const history = await collectHistory(calls, self, peer, Math.floor(Date.now() / 1000));
      const render = { html: renderHtml, txt: renderText, json: renderJson }[format];
      saveFile(new Blob([render(history)]), `sotto-${today()}.${format}`);
      setSaved(true);
    });
  };

  return (
    <Part title={s.copyTitle} hint={s.copyText}>
      <form className="group__form" onSubmit={(event) => void save(event)}>
        <label className="field">
          <span className="field__label">{s.copyOf}</span>
          <select className="field__input" value={of} onChange={(event) => setOf(event.target.value)}>
            <option value="">{s.copyAll}</option>
            {(all ?? []).map((summary) => (
              <option key={keyOf(summary)} value={keyOf(summary)}>
                {summary.contact?.name || summary.peer}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span className="field__label">{s.copyFormat}</span>
          <select
            className="field__input"
            value={format}
            onChange={(event) => setFormat(event.target.value as Format)}
          >
            <option value="html">{s.copyHtml}</option>
            <option value="txt">{s.copyPlain}</option>
            <option value="json">JSON</option>
          </select>
        </label>
        <Notice kind="warn">{s.copyWarning}</Notice>
        {problem !== undefined && <Notice kind="error">{problem}</Notice>}
        <Button type="submit" disabled={working}>
          {s.copyAction}
        </Button>
        <p className="good" role="status">
          {saved ? s.copySaved : ""}
        </p>
      </form>
    </Part>
  );
}

export default BackupPage;
