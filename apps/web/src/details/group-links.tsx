/** Who asks to be let into a group, and the links by which people ask: for who may add people. */
import type { Group, GroupLink, JoinRequest } from "@sotto/client/web";
import { useCallback, useEffect, useId, useState, type ReactNode } from "react";
import { useCalls, useEngine } from "../app/context.tsx";
import { hrefOf } from "../app/route.ts";
import { localeOf, useLanguage, useText } from "../text/index.tsx";
import { useJoinsText } from "../text/joins.ts";
import { Avatar } from "../ui/avatar.tsx";
import { Button, Notice, TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { QrCode } from "../ui/qr-code.tsx";
import { Who } from "../ui/who.tsx";
import "./group-links.css";
import { useTold } from "./use-told.ts";

const daySec = 86_400;
const lives = [1, 7, 30, 90];

/** What is read of a group, anew with each change of who asks and each epoch. */
function useRead<T>(group: Group, read: (id: string) => Promise<readonly T[]>): readonly T[] {
  const engine = useEngine();
  const [items, setItems] = useState<readonly T[]>([]);
  const { id, epoch } = group;
  const look = useCallback(() => void read(id).then(setItems, () => undefined), [read, id]);
  useEffect(() => {
    look();
    return engine.subscribe((event) => {
      if (event.type === "client" && event.event.type === "joins" && event.event.groupId === id) look();
    });
  }, [engine, look, id, epoch]);
  return items;
}

/** Who asks to be let in. */
export function GroupRequests({ group }: { readonly group: Group }): ReactNode {
  const calls = useCalls();
  const requests = useRead(
    group,
    useCallback((id) => calls.joinRequests(id), [calls]),
  );
  return requests.length === 0 ? null : <Requests group={group.id} requests={requests} />;
}

/** The links that are good now. */
export function GroupLinks({ group }: { readonly group: Group }): ReactNode {
  const calls = useCalls();
  const links = useRead(
    group,
    useCallback((id) => calls.groupLinks(id), [calls]),
  );
  return <Links group={group.id} links={links} />;
}

function Requests({
  group,
  requests,
}: {
  readonly group: string;
  readonly requests: readonly JoinRequest[];
}): ReactNode {
  const t = useText();
  const j = useJoinsText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  return (
    <>
      <h3>{j.requests}</h3>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      <ul className="asking">
        {requests.map(({ accountId, identifier, name, verified }) => (
          <li key={accountId}>
            <Avatar name={name || identifier} of={identifier} size={36} />
            <span className="members__name">
              <Who identifier={identifier} name={name} />
              <small>{verified ? t.details.verified : t.details.notVerified}</small>
            </span>
            <span className="asking__actions">
              <Button
                kind="primary"
                disabled={working}
                aria-label={j.about(j.approve, name || identifier)}
                onClick={() => void run(() => calls.approveJoin(group, accountId))}
              >
                {j.approve}
              </Button>
              <Button
                disabled={working}
                aria-label={j.about(j.refuse, name || identifier)}
                onClick={() => void run(() => calls.refuseJoin(group, accountId))}
              >
                {j.refuse}
              </Button>
              <a
                className="button button--quiet"
                href={hrefOf({ screen: "conversation", key: identifier, panel: "verify" })}
              >
                {j.compare}
              </a>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Links({
  group,
  links,
}: {
  readonly group: string;
  readonly links: readonly GroupLink[];
}): ReactNode {
  const j = useJoinsText();
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [days, setDays] = useState(7);
  const select = useId();
  return (
    <>
      <h3>{j.links}</h3>
      <p className="field__hint">{j.linksHow}</p>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {links.map((link) => (
        <OneLink
          key={link.id}
          link={link}
          working={working}
          revoke={() => void run(() => calls.revokeGroupLink(group, link.id))}
        />
      ))}
      <div className="group-link__make">
        <div className="field">
          <label className="field__label" htmlFor={select}>
            {j.days}
          </label>
          <select
            id={select}
            className="field__input"
            value={days}
            onChange={(event) => setDays(Number(event.target.value))}
          >
            {lives.map((count) => (
              <option key={count} value={count}>
                {j.dayCount(count)}
              </option>
            ))}
          </select>
        </div>
        <Button
          disabled={working}
          onClick={() => void run(() => calls.createGroupLink(group, days * daySec))}
        >
          {j.make}
        </Button>
      </div>
    </>
  );
}

function OneLink({
  link: { link, expiresAt },
  working,
  revoke,
}: {
  readonly link: GroupLink;
  readonly working: boolean;
  readonly revoke: () => void;
}): ReactNode {
  const j = useJoinsText();
  const { language } = useLanguage();
  const [copied, setCopied] = useState(false);
  const [qr, setQr] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(link);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_500);
  };
  const until = new Date(expiresAt * 1000).toLocaleDateString(localeOf(language), { dateStyle: "medium" });
  return (
    <div className="group-link">
      <TextField
        label={j.address}
        hint={j.until(until)}
        readOnly
        dir="ltr"
        value={link}
        onFocus={(event) => event.target.select()}
      />
      {qr && <QrCode text={link} label={j.qrLabel} />}
      <p className="visually-hidden" role="status">
        {copied ? j.copied : ""}
      </p>
      <div className="group-link__actions">
        <Button onClick={() => void copy()}>
          <Icon name={copied ? "check" : "copy"} />
          {copied ? j.copied : j.copy}
        </Button>
        <Button aria-expanded={qr} onClick={() => setQr(!qr)}>
          {j.qr}
        </Button>
        <Button kind="danger" disabled={working} onClick={revoke}>
          {j.revoke}
        </Button>
      </div>
    </div>
  );
}
