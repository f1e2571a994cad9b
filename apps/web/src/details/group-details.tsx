/** A group: who is in it, with which role; adding, removing, renaming, leaving. The group's rules say who may. */
import type { Group, GroupMember } from "@sotto/client/web";
import { Suspense, lazy, useEffect, useState, type FormEvent, type ReactNode } from "react";
import { useCalls } from "../app/context.tsx";
import { go } from "../app/route.ts";
import { useText } from "../text/index.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Button, Notice, TextField } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { Menu, type MenuItem } from "../ui/menu.tsx";
import { Who } from "../ui/who.tsx";
import { GroupPicture } from "./group-picture.tsx";
import { useTold } from "./use-told.ts";

const loadLinks = async () => import("./group-links.tsx");
const GroupRequests = lazy(async () => ({ default: (await loadLinks()).GroupRequests }));
const GroupLinks = lazy(async () => ({ default: (await loadLinks()).GroupLinks }));

/** The people of a group, and what can be changed. */
export function GroupDetails({ group }: { readonly group: Group }): ReactNode {
  const t = useText().details;
  const calls = useCalls();
  const { working, problem, run } = useTold();
  const [members, setMembers] = useState<readonly GroupMember[]>();
  const [adding, setAdding] = useState("");
  const [name, setName] = useState(group.name);
  const [leaving, setLeaving] = useState(false);
  const { id, epoch, admin, state } = group;
  useEffect(() => {
    calls.groupMembers(id).then(setMembers, () => undefined);
  }, [calls, id, epoch]);
  const inUse = state === "joined";

  const add = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const people = adding.split(/[,;\n]/).map((text) => text.trim());
    if (
      await run(() =>
        calls.addToGroup(
          id,
          people.filter((text) => text !== ""),
        ),
      )
    )
      setAdding("");
  };
  const rename = (event: FormEvent): void => {
    event.preventDefault();
    void run(() => calls.renameGroup(id, name.trim()));
  };
  const leave = async (): Promise<void> => {
    if (await run(() => calls.leaveGroup(id))) go({ screen: "conversation", key: id });
  };

  const choicesFor = ({ identifier, role }: GroupMember): MenuItem[] => [
    {
      label: role === "admin" ? t.noAdmin : t.makeAdmin,
      icon: "shield",
      onChoose: () => void run(() => calls.setAdmins(id, [identifier], role !== "admin")),
    },
    {
      label: t.remove,
      icon: "trash",
      danger: true,
      onChoose: () => void run(() => calls.removeFromGroup(id, [identifier])),
    },
  ];

  return (
    <section className="details__part">
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {admin && inUse && (
        <Suspense>
          <GroupRequests group={group} />
        </Suspense>
      )}
      {admin && inUse && <GroupPicture group={group} />}
      <h3>{t.members(group.members)}</h3>
      <ul className="members">
        {members?.map((member) => (
          <li key={member.accountId}>
            <Avatar name={member.name || member.identifier} of={member.identifier} size={36} />
            <span className="members__name">
              <Who identifier={member.identifier} name={member.name} />
              <small>
                {[
                  member.self ? t.self : "",
                  member.role === "admin" ? t.admin : "",
                  member.self ? "" : member.verified ? t.verified : t.notVerified,
                ]
                  .filter((part) => part !== "")
                  .join(" · ")}
              </small>
            </span>
            {member.verified && !member.self && <Icon name="shield" className="members__verified" />}
            {admin && inUse && !member.self && (
              <Menu label={t.choices(member.name || member.identifier)} items={choicesFor(member)} />
            )}
          </li>
        ))}
      </ul>
      {admin && inUse && (
        <>
          <form className="details__form" onSubmit={(event) => void add(event)}>
            <TextField
              label={t.addPeople}
              hint={t.addHint}
              value={adding}
              onChange={(event) => setAdding(event.target.value)}
            />
            <Button type="submit" disabled={working || adding.trim() === ""}>
              {t.add}
            </Button>
          </form>
          <form className="details__form" onSubmit={rename}>
            <TextField
              label={t.groupName}
              value={name}
              maxLength={100}
              onChange={(event) => setName(event.target.value)}
            />
            <Button type="submit" disabled={working || name.trim() === "" || name.trim() === group.name}>
              {t.rename}
            </Button>
          </form>
        </>
      )}
      {admin && inUse && (
        <Suspense>
          <GroupLinks group={group} />
        </Suspense>
      )}
      {inUse &&
        (leaving ? (
          <Notice kind="warn">
            <p>{t.leaveSure}</p>
            <div className="dialog__actions">
              <Button onClick={() => setLeaving(false)}>{t.stay}</Button>
              <Button kind="danger" disabled={working} onClick={() => void leave()}>
                {t.leave}
              </Button>
            </div>
          </Notice>
        ) : (
          <Button kind="danger" onClick={() => setLeaving(true)}>
            {t.leave}
          </Button>
        ))}
    </section>
  );
}
