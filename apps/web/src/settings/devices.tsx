/** The account's devices: which there are, taking one off, letting one in. */
import { useCallback, useEffect, useState, type ReactNode } from "react";
import type { DeviceSummary } from "@sotto/client/web";
import { useCalls, useEngine, useProblemText } from "../app/context.tsx";
import { localeOf, useLanguage } from "../text/index.tsx";
import { useSettingsText } from "../text/settings.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Icon } from "../ui/icon.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { LinkDevice } from "./link-device.tsx";
import { Part } from "./parts.tsx";

function DevicesPage(): ReactNode {
  const s = useSettingsText();
  const { devices, problem, look } = useDevices();
  const [linking, setLinking] = useState(false);
  if (linking) {
    return (
      <LinkDevice
        onDone={() => {
          setLinking(false);
          void look();
        }}
      />
    );
  }
  const used = devices?.filter(({ revoked }) => !revoked);
  const gone = devices?.filter(({ revoked }) => revoked) ?? [];
  return (
    <>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      <Button kind="primary" onClick={() => setLinking(true)}>
        <Icon name="add" />
        {s.linkDevice}
      </Button>
      {used === undefined ? (
        <SkeletonRows count={2} />
      ) : (
        <Part title={s.devices}>
          {used.map((device) => (
            <Device key={device.id} device={device} onRevoked={look} />
          ))}
        </Part>
      )}
      {gone.length > 0 && (
        <Part title={s.revokedTitle}>
          {gone.map((device) => (
            <Device key={device.id} device={device} onRevoked={look} />
          ))}
        </Part>
      )}
    </>
  );
}

function Device({
  device,
  onRevoked,
}: {
  readonly device: DeviceSummary;
  readonly onRevoked: () => Promise<void>;
}): ReactNode {
  const s = useSettingsText();
  const { language } = useLanguage();
  const calls = useCalls();
  const { id, addedAt, current, revoked } = device;
  const name = device.name === "" ? s.unnamed : device.name;
  const since = new Intl.DateTimeFormat(localeOf(language), { dateStyle: "long" }).format(addedAt * 1000);
  return (
    <div>
      <div className="group__row">
        <Icon name="devices" />
        <span className="group__words">
          {name}
          <small>{s.addedAt(since)}</small>
        </span>
        {current && <span className="badge">{s.thisDevice}</span>}
        {revoked && <span className="field__hint">{s.revoked}</span>}
      </div>
      {!current && !revoked && (
        <div className="group__form">
          <Confirm
            label={s.revoke}
            warning={
              <>
                <strong>{s.revokeAsk(name)}</strong>
                <p>{s.revokeText}</p>
              </>
            }
            action={s.revokeAction}
            onConfirm={async () => {
              await calls.revokeDevice(id);
              await onRevoked();
            }}
          />
        </div>
      )}
    </div>
  );
}

function useDevices(): {
  readonly devices: readonly DeviceSummary[] | undefined;
  readonly problem: string | undefined;
  look(): Promise<void>;
} {
  const engine = useEngine();
  const problemText = useProblemText();
  const [devices, setDevices] = useState<readonly DeviceSummary[]>();
  const [problem, setProblem] = useState<string>();
  const look = useCallback(async () => {
    try {
      setDevices(await engine.calls.devices());
      setProblem(undefined);
    } catch (cause) {
      setProblem(problemText(cause));
    }
  }, [engine, problemText]);
  useEffect(() => {
    void look();
    return engine.subscribe(
      (event) =>
        event.type === "client" &&
        event.event.type === "notice" &&
        event.event.notice.type === "device_added" &&
        void look(),
    );
  }, [engine, look]);
  return { devices, problem, look };
}

export default DevicesPage;
