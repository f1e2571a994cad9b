/** What the system may show of new messages. */
import { useState, type ReactNode } from "react";
import {
  NOTIFICATION_CHOICES,
  canNotify,
  chooseNotifications,
  chosenNotifications,
  type NotificationChoice,
} from "../notifications/choice.ts";
import { useCalls } from "../app/context.tsx";
import { useTold } from "../details/use-told.ts";
import { canPush, endPush, keepPush, wantsPush, type PushProblem } from "../notifications/push.ts";
import { useSettingsText } from "../text/settings.ts";
import { Notice } from "../ui/controls.tsx";
import { Choice, Part } from "./parts.tsx";

function NotificationsPage(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const [choice, setChoice] = useState(chosenNotifications);
  const [refused, setRefused] = useState(false);
  const labels: Readonly<Record<NotificationChoice, string>> = {
    off: s.notifyOff,
    full: s.notifyFull,
    name: s.notifyName,
    nothing: s.notifyNothing,
  };
  const choose = async (next: NotificationChoice): Promise<void> => {
    const now = await chooseNotifications(next);
    setChoice(now);
    setRefused(now !== next);
    if (now === "off" && canPush()) endPush(calls).catch(() => undefined);
  };
  if (!canNotify()) return <Notice>{s.notifyCannot}</Notice>;
  return (
    <>
      {refused && <Notice kind="error">{s.notifyRefused}</Notice>}
      <Part title={s.notifyTitle} hint={s.notifyText}>
        {NOTIFICATION_CHOICES.map((each) => (
          <Choice
            key={each}
            name="notifications"
            label={labels[each]}
            checked={choice === each}
            onChoose={() => void choose(each)}
          />
        ))}
      </Part>
      {choice !== "off" && canPush() && <WhenClosed />}
    </>
  );
}

function WhenClosed(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [on, setOn] = useState(wantsPush);
  const [failed, setFailed] = useState<PushProblem>();
  const change = (wanted: boolean): void => {
    setOn(wanted);
    setFailed(undefined);
    void run(async () => {
      const why = wanted ? await keepPush(calls) : await endPush(calls);
      setFailed(why ?? undefined);
    }).then(() => setOn(wantsPush()));
  };
  const texts: Readonly<Record<PushProblem, string>> = { server: s.pushNoServer, browser: s.pushNoBrowser };
  return (
    <Part hint={s.pushText}>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {failed !== undefined && <Notice kind="error">{texts[failed]}</Notice>}
      <label className="choice">
        <span>{s.push}</span>
        <input
          type="checkbox"
          role="switch"
          checked={on}
          disabled={working}
          onChange={(event) => change(event.target.checked)}
        />
      </label>
    </Part>
  );
}

export default NotificationsPage;
