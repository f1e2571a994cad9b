/** What others learn. */
import { useEffect, useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { useTold } from "../details/use-told.ts";
import { useSettingsText } from "../text/settings.ts";
import { Notice } from "../ui/controls.tsx";
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
    </>
  );
}

export default PrivacyPage;
