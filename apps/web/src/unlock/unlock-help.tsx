/** Beside the passphrase: a passkey, where one was let in, and a way out for who forgot it. Loaded after the field is there. */
import { useEffect, useState, type ReactNode } from "react";
import type { Passkey } from "@sotto/client/web-passkeys";
import { useCalls } from "../app/context.tsx";
import { firstSteps } from "../app/first-steps.ts";
import { askPasskey, canUnlockByPasskey } from "../passkey/ceremony.ts";
import { useLockedText } from "../text/locked.ts";
import { Button, Notice } from "../ui/controls.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Icon } from "../ui/icon.tsx";

function UnlockHelp(): ReactNode {
  const l = useLockedText();
  const calls = useCalls();
  return (
    <>
      <ByPasskey />
      <details className="unlock__forgot">
        <summary>{l.forgot}</summary>
        <p>{l.forgotText}</p>
        <Confirm
          label={l.begin}
          warning={l.beginText}
          action={l.beginAction}
          onConfirm={async () => {
            firstSteps.setKeyToKeep(undefined);
            await calls.destroy();
          }}
        />
      </details>
    </>
  );
}

function ByPasskey(): ReactNode {
  const l = useLockedText();
  const calls = useCalls();
  const [passkeys, setPasskeys] = useState<readonly Passkey[]>([]);
  const [working, setWorking] = useState(false);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let current = true;
    const look = async (): Promise<void> => {
      const known = (await canUnlockByPasskey()) ? await calls.passkeys() : [];
      if (current) setPasskeys(known);
    };
    // Without it the passphrase is there.
    look().catch(() => undefined);
    return () => {
      current = false;
    };
  }, [calls]);

  const unlock = async (): Promise<void> => {
    setWorking(true);
    setFailed(false);
    try {
      const { id, secret } = await askPasskey(passkeys);
      await calls.unlockByPasskey(id, secret);
    } catch {
      setFailed(true);
      setWorking(false);
    }
  };

  if (passkeys.length === 0) return null;
  return (
    <>
      {failed && <Notice kind="error">{l.passkeyFailed}</Notice>}
      <Button disabled={working} onClick={() => void unlock()}>
        <Icon name="finger" />
        {working ? l.passkeyWorking : l.passkey}
      </Button>
    </>
  );
}

export default UnlockHelp;
