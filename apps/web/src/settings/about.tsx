/** Which program, which server, which account this is. */
import { useEffect, useState, type ReactNode } from "react";
import type { PublicServerFacts } from "@sotto/client/web";
import packageJson from "../../package.json" with { type: "json" };
import { useCalls, useEngineState } from "../app/context.tsx";
import { useSettingsText } from "../text/settings.ts";
import { Fingerprint } from "../trust/fingerprint.tsx";
import { Fact } from "./parts.tsx";

/** Put in by the build, for tests of updates. */
declare const SOTTO_LABEL: string;

function AboutPage(): ReactNode {
  const s = useSettingsText();
  const calls = useCalls();
  const state = useEngineState();
  const self = state.phase === "open" ? state.self : undefined;
  const [facts, setFacts] = useState<PublicServerFacts>();
  useEffect(() => {
    if (self === undefined) return;
    calls.fetchServerFacts({ server: self.serverOrigin, serverKey: self.serverFingerprint }).then(
      setFacts,
      // Offline: the rest is known here.
      () => undefined,
    );
  }, [calls, self]);
  return (
    <>
      <dl className="pairs">
        <Fact name={s.version}>Sotto {`${packageJson.version} ${SOTTO_LABEL}`.trim()}</Fact>
        <Fact name={s.serverAddress}>{self?.serverOrigin}</Fact>
        {facts !== undefined && <Fact name={s.serverVersion}>{facts.version}</Fact>}
        <Fact name={s.fingerprint}>
          {self !== undefined && <Fingerprint value={self.serverFingerprint} label={s.fingerprint} />}
        </Fact>
        <Fact name={s.accountId}>
          <code>{self?.accountId}</code>
        </Fact>
        <Fact name={s.deviceId}>
          <code>{self?.deviceId}</code>
        </Fact>
      </dl>
      <p>{s.notAudited}</p>
      <p className="field__hint">{s.licence}</p>
    </>
  );
}

export default AboutPage;
