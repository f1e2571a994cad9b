/** Asking to be let into a group by its link, and what came of asking. Nobody is asked before the person says so. */
import type { AskedJoin } from "@sotto/client/web";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { useCalls, useEngine, useProblemText } from "../app/context.tsx";
import { go, hrefOf } from "../app/route.ts";
import { useTold } from "../details/use-told.ts";
import { useJoinsText } from "../text/joins.ts";
import { useText } from "../text/index.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Button, Notice } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import "../ui/screen.css";
import "./join.css";

/** @param link as it stands in the address; empty: only what was asked. */
function JoinScreen({ link }: { readonly link: string }): ReactNode {
  const t = useText();
  const j = useJoinsText();
  return (
    <section className="screen">
      <header className="screen__header">
        <a className="icon-button" href={hrefOf({ screen: "home" })} aria-label={t.common.back}>
          <Icon name="back" />
        </a>
        <h1>{link === "" ? j.asked : j.title}</h1>
      </header>
      <div className="screen__body">
        {link !== "" && <Ask link={link} />}
        <Asked heading={link !== ""} />
      </div>
    </section>
  );
}

function Ask({ link }: { readonly link: string }): ReactNode {
  const j = useJoinsText();
  const calls = useCalls();
  const problemText = useProblemText();
  const { working, problem, run } = useTold();
  const [group, setGroup] = useState<string>();
  const [unread, setUnread] = useState<string>();
  const [member, setMember] = useState<AskedJoin>();
  useEffect(() => {
    calls.readGroupLink(link).then(
      (told) => setGroup(told.group),
      (cause: unknown) => setUnread(problemText(cause)),
    );
  }, [calls, link, problemText]);
  const ask = (): void =>
    void run(async () => {
      const asked = await calls.askToJoin(link);
      if (asked.state === "member") setMember(asked);
      // The link has done what it is for: it stays neither in the address nor behind "back".
      else location.replace(hrefOf({ screen: "join", link: "" }));
    });
  if (unread !== undefined) return <Notice kind="error">{unread}</Notice>;
  if (group === undefined) return <div className="skeleton join__loading" />;
  return (
    <div className="join">
      <Avatar name={group} of={link} size={72} />
      <p className="join__group">
        <bdi>{member?.group ?? group}</bdi>
      </p>
      {member?.groupId === undefined ? (
        <>
          <p>{j.invited(group)}</p>
          <p className="field__hint">{j.how}</p>
          {problem !== undefined && <Notice kind="error">{problem}</Notice>}
          <div className="dialog__actions">
            <Button disabled={working} onClick={() => go({ screen: "home" })}>
              {j.notNow}
            </Button>
            <Button kind="primary" disabled={working} onClick={ask}>
              {j.ask}
            </Button>
          </div>
        </>
      ) : (
        <>
          <p role="status">{j.member}</p>
          <a
            className="button button--primary"
            href={hrefOf({ screen: "conversation", key: member.groupId })}
          >
            {j.open}
          </a>
        </>
      )}
    </div>
  );
}

/** Where this account asked, and what is known of it. @param heading whether something stands above. */
function Asked({ heading }: { readonly heading: boolean }): ReactNode {
  const j = useJoinsText();
  const engine = useEngine();
  const calls = useCalls();
  const [asked, setAsked] = useState<readonly AskedJoin[]>();
  const look = useCallback(() => void calls.askedJoins().then(setAsked, () => undefined), [calls]);
  useEffect(() => {
    look();
    return engine.subscribe((event) => {
      if (event.type === "client" && event.event.type === "joins") look();
    });
  }, [engine, look]);
  if (asked === undefined || (asked.length === 0 && heading)) return null;
  if (asked.length === 0) return <p>{j.none}</p>;
  return (
    <section>
      {heading && <h2>{j.asked}</h2>}
      <ul className="join__asked">
        {asked.map(({ id, group, state }) => (
          <li key={id}>
            <Avatar name={group} of={id} size={40} />
            <span>
              <bdi>{group}</bdi>
              <small>{state === "member" ? j.member : j[state]}</small>
            </span>
            <Button
              kind="quiet"
              aria-label={j.about(j.forget, group)}
              onClick={() => void calls.forgetJoin(id)}
            >
              {j.forget}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export default JoinScreen;
