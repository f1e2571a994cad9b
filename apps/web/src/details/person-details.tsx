/** A person: whether they are verified, what they are called here, and whether they may reach this account. */
import type { Contact } from "@sotto/client/web";
import { useState, type FormEvent, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { NAME_LETTERS, cleanName } from "../onboarding/name.ts";
import { Button, Notice, TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { SafetyNumber } from "./safety-number.tsx";
import { useTold } from "./use-told.ts";

/** @param verifying whether the number is shown at once. */
export function PersonDetails({
  peer,
  contact,
  verifying,
}: {
  readonly peer: string;
  readonly contact: Contact | undefined;
  readonly verifying: boolean;
}): ReactNode {
  const t = useText().details;
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [shown, setShown] = useState(verifying);
  const verified = contact?.verified === true;

  return (
    <section className="details__part">
      <p className={verified ? "details__verified" : ""}>
        <Icon name={verified ? "shield" : "info"} />
        {verified ? t.verified : t.notVerified}
      </p>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {shown ? (
        <SafetyNumber peer={peer} contact={contact} />
      ) : (
        <Button onClick={() => setShown(true)}>{t.compare}</Button>
      )}
      {contact !== undefined && <Nickname key={contact.accountId} peer={peer} nickname={contact.nickname} />}
      {contact !== undefined && (
        <Button
          kind={contact.blocked ? "plain" : "danger"}
          disabled={working}
          onClick={() => void run(() => (contact.blocked ? calls.unblock(peer) : calls.block(peer)))}
        >
          {contact.blocked ? t.unblock : t.block}
        </Button>
      )}
    </section>
  );
}

/** What they are called on this account's devices. */
function Nickname({ peer, nickname }: { readonly peer: string; readonly nickname: string }): ReactNode {
  const t = useText().details;
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [typed, setTyped] = useState(nickname);
  const clean = cleanName(typed);
  const save = (event: FormEvent): void => {
    event.preventDefault();
    void run(() => calls.setNickname(peer, clean));
  };
  return (
    <form className="details__form" noValidate onSubmit={save}>
      <TextField
        label={t.nickname}
        hint={t.nicknameHint}
        error={problem}
        autoComplete="off"
        maxLength={NAME_LETTERS}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <Button type="submit" disabled={working || clean === nickname}>
        {t.nicknameSave}
      </Button>
    </form>
  );
}
