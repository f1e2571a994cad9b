/** The number that both sides compare: by eye, or by the camera, which looks at the other screen's picture of it. */
import { formatSafetyNumberQr, parseSafetyNumberQr, type Contact } from "@sotto/client/web";
import { Suspense, lazy, useEffect, useState, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { useTrustText } from "../text/trust.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { QrCode } from "../ui/qr-code.tsx";
import { useTold } from "./use-told.ts";

const Scanner = lazy(async () => import("../trust/scanner.tsx"));

/** @param peer whom it is compared with. */
export function SafetyNumber({
  peer,
  contact,
}: {
  readonly peer: string;
  readonly contact: Contact | undefined;
}): ReactNode {
  const t = useText().details;
  const s = useTrustText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [number, setNumber] = useState<string>();
  const [scanning, setScanning] = useState(false);
  const [scanned, setScanned] = useState<string>();
  const { accountId, identityChanged = false, verified = false } = contact ?? {};
  useEffect(() => {
    void run(async () => setNumber(await calls.safetyNumber(peer)));
  }, [calls, peer, run, accountId, identityChanged]);
  const differs = scanned !== undefined && scanned !== number;

  const compare = (text: string): void => {
    const theirs = parseSafetyNumberQr(text);
    // Other pictures are looked past.
    if (theirs === undefined || number === undefined) return;
    setScanning(false);
    setScanned(theirs);
    if (theirs !== number) return;
    void run(async () => {
      if (identityChanged) await calls.acknowledgeIdentity(peer);
      if (!verified) await calls.setVerified(peer, true);
    });
  };

  return (
    <>
      <p className="field__hint">{t.compareHow(peer)}</p>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {differs && <Notice kind="error">{s.different(peer)}</Notice>}
      {scanned !== undefined && !differs && verified && <Notice live>{s.equal(peer)}</Notice>}
      {number !== undefined && (
        <>
          {scanning && (
            <Suspense fallback={<div className="skeleton scanner" />}>
              <Scanner otherwise={s.scanNoNumber} onText={compare} onStop={() => setScanning(false)} />
            </Suspense>
          )}
          <QrCode text={formatSafetyNumberQr(number)} label={t.safetyQr} />
          {!scanning && (
            <Button
              onClick={() => {
                setScanned(undefined);
                setScanning(true);
              }}
            >
              <Icon name="qr" />
              {s.scanNumber}
            </Button>
          )}
          <p className="safety-number" aria-label={t.safetyNumber}>
            {number.split(" ").map((part, i) => (
              // The same five digits may stand twice.
              // oxlint-disable-next-line react/no-array-index-key
              <span key={i}>{part}</span>
            ))}
          </p>
        </>
      )}
      <div className="dialog__actions">
        {identityChanged && !differs && (
          <Button disabled={working} onClick={() => void run(() => calls.acknowledgeIdentity(peer))}>
            {t.acceptKey}
          </Button>
        )}
        {(verified || !differs) && (
          <Button
            kind={verified ? "plain" : "primary"}
            disabled={working || number === undefined}
            onClick={() => void run(() => calls.setVerified(peer, !verified))}
          >
            {verified ? t.unverify : t.verify}
          </Button>
        )}
      </div>
    </>
  );
}
