/** What others learn. */
import type { Contact } from "@sotto/client/web";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { useTold } from "../details/use-told.ts";
import { useSettingsText } from "../text/settings.ts";
import { Avatar } from "../ui/avatar.tsx";
import { Button, Notice } from "../ui/controls.tsx";
import { Part } from "./parts.tsx";

function PrivacyPage(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const { problem, run } = useTold();
  const [readReceipts, setReadReceipts] = useState<boolean>();
  useEffect(() => {
    void run(async () => setReadReceipts((await calls.settings()).readReceipts));
  }, [calls, run]);
  return (
    <>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      <Part hint={s.receiptsText}>
        <label className="choice">
          <span>{s.receipts}</span>
          <input
            type="checkbox"
            role="switch"
            checked={readReceipts ?? false}
            disabled={readReceipts === undefined}
            onChange={(event) => {
              const { checked } = event.target;
              setReadReceipts(checked);
              void run(() => calls.updateSettings({ readReceipts: checked })).then(
                (done) => done || setReadReceipts(!checked),
              );
            }}
          />
        </label>
      </Part>
      <Blocked />
    </>
  );
}

function Blocked(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [people, setPeople] = useState<readonly Contact[]>([]);
  const look = useCallback(() => run(async () => setPeople(await calls.blocked())), [calls, run]);
  useEffect(() => void look(), [look]);
  return (
    <Part title={s.blocked} hint={s.blockedText}>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {people.map(({ identifier, name }) => (
        <div key={identifier} className="group__row">
          <Avatar name={name || identifier} of={identifier} size={40} />
          <span className="group__words">
            {name || identifier}
            {name !== "" && <small>{identifier}</small>}
          </span>
          <Button
            disabled={working}
            onClick={() => void run(() => calls.unblock(identifier)).then((done) => done && look())}
          >
            {s.unblock}
          </Button>
        </div>
      ))}
      {people.length === 0 && <div className="group__form">{s.blockedNone}</div>}
    </Part>
  );
}

export default PrivacyPage;
