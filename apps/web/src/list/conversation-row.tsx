/** One conversation in the list. */
import type { ConversationSummary, Message } from "@sotto/client/web";
import { memo, type ReactNode } from "react";
import { hrefOf } from "../app/route.ts";
import { StatusIcon } from "../conversation/status-icon.tsx";
import { keyOf } from "../store/conversations.ts";
import { useLanguage, useText, type Catalogue } from "../text/index.tsx";
import { shortTime } from "../text/times.ts";
import { ConversationAvatar } from "../ui/conversation-avatar.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { Who, useName } from "../ui/who.tsx";

/** A link to the conversation, with its last message. */
export const ConversationRow = memo(function ConversationRow({
  summary,
  typing,
  open,
}: {
  readonly summary: ConversationSummary;
  readonly typing: string | undefined;
  readonly open: boolean;
}): ReactNode {
  const t = useText();
  const { language } = useLanguage();
  const { peer, last, unread, contact, draft, pinned, mutedUntil, markedUnread } = summary;
  const drafted = draft !== "" && !open;
  const { request, asking } = summary;
  const count = unread + (request?.unread ?? 0);
  const key = keyOf(summary);
  return (
    <a
      className={`row${open ? " row--open" : ""}${count > 0 ? " row--unread" : ""}`}
      href={hrefOf({ screen: "conversation", key })}
      aria-current={open ? "page" : undefined}
    >
      <ConversationAvatar conversationKey={key} summary={summary} size={48} />
      <span className="row__main">
        <span className="row__top">
          <Who className="row__name" identifier={peer} name={contact?.name ?? ""} />
          {contact?.verified === true && (
            <span className="row__verified" title={t.common.verified}>
              <Icon name="shield" />
              <span className="visually-hidden">{t.common.verified}</span>
            </span>
          )}
          {last !== undefined && <time className="row__time">{shortTime(last.sentAt, language, t)}</time>}
        </span>
        <span className="row__bottom">
          {typing === undefined ? <LastLine summary={summary} drafted={drafted} /> : <Typing of={typing} />}
          {mutedUntil > 0 && <Sign icon="mute" label={t.list.muted} />}
          {pinned && <Sign icon="pin" label={t.list.pinned} />}
          {request !== undefined && <span className="row__request">{t.list.request}</span>}
          {asking !== undefined && <span className="row__request">{t.list.asking(asking)}</span>}
          {count === 0 && markedUnread && <span className="row__unread">{"\u00a0"}</span>}
          {count > 0 && (
            <span className="row__unread">
              <span aria-hidden="true">{count > 999 ? "999+" : count}</span>
              <span className="visually-hidden">{t.list.unread(count)}</span>
            </span>
          )}
        </span>
      </span>
    </a>
  );
});

function Typing({ of }: { readonly of: string }): ReactNode {
  const t = useText();
  const name = useName(of);
  return <span className="row__typing">{t.conversation.typing(name || of)}</span>;
}

function LastLine({
  summary: { last, group, draft },
  drafted,
}: {
  readonly summary: ConversationSummary;
  readonly drafted: boolean;
}): ReactNode {
  const t = useText();
  if (drafted) {
    return (
      <span className="row__last">
        <span className="row__draft">{t.list.draft}:</span> <bdi>{draft.slice(0, mostShown)}</bdi>
      </span>
    );
  }
  if (last === undefined) return <span className="row__last">{t.list.noMessages}</span>;
  return (
    <>
      {last.direction === "out" && <StatusIcon status={last.status} />}
      <span className="row__last">
        {group !== undefined && last.direction === "in" && (
          <>
            <bdi>{last.fromName || last.from}</bdi>:{" "}
          </>
        )}
        {last.deleted === true ? t.conversation.deleted : <bdi>{textOf(last, t).slice(0, mostShown)}</bdi>}
      </span>
    </>
  );
}

/** The text of a message, or what stands for it. */
function textOf({ body, attachments: [file] = [] }: Message, t: Catalogue): string {
  if (body !== "" || file === undefined) return body;
  if (file.voice === true) return t.list.voice;
  return file.type.startsWith("image/") ? t.list.picture : file.name;
}

const mostShown = 200;

function Sign({ icon, label }: { readonly icon: IconName; readonly label: string }): ReactNode {
  return (
    <span className="row__sign" title={label}>
      <Icon name={icon} />
      <span className="visually-hidden">{label}</span>
    </span>
  );
}
