/** One message: its bubble, what it answers, reactions, time and state. */
import type { Message } from "@sotto/client/web";
import { memo, type ReactNode } from "react";
import { useProblemText } from "../app/context.tsx";
import { EngineError } from "../page/engine-client.ts";
import { useLanguage, useText } from "../text/index.tsx";
import { duration, timeOfDay } from "../text/times.ts";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icon.tsx";
import { Who, useName } from "../ui/who.tsx";
import { useMessageActions } from "./actions.ts";
import { Attachments } from "./attachments/attachments.tsx";
import { MessageMenu } from "./message-menu.tsx";
import { MessageText } from "./message-text.tsx";
import { Reactions } from "./reactions.tsx";
import { StatusIcon } from "./status-icon.tsx";

/** @param first whether it begins a run of one sender's messages. @param named whether its sender is shown. */
export const MessageView = memo(function MessageView({
  message,
  first,
  named,
}: {
  readonly message: Message;
  readonly first: boolean;
  readonly named: boolean;
}): ReactNode {
  const t = useText();
  const { language } = useLanguage();
  const { direction, from, sentAt, status, suite } = message;
  const name = useName(from, message.fromName);
  const who = direction === "out" ? t.common.you : name === "" ? from : `${name} (${from})`;
  if (message.kind === "timer") {
    return (
      <p className="line" data-id={message.id}>
        <Icon name="clock" />
        {message.timer === 0 || message.timer === undefined
          ? t.conversation.timerOff(who)
          : t.conversation.timerSet(who, duration(message.timer, language))}
      </p>
    );
  }
  return (
    <article
      className={`message message--${direction}${first ? " message--first" : ""}`}
      data-id={message.id}
      aria-label={who}
    >
      {named && direction === "in" && (
        <span className="message__avatar">{first && <Avatar name={name || from} of={from} size={32} />}</span>
      )}
      <div className="message__bubble">
        {named && first && direction === "in" && (
          <Who className="message__from" identifier={from} name={name} />
        )}
        {message.forwarded === true && (
          <span className="message__note">
            <Icon name="forward" />
            {t.conversation.forwarded}
          </span>
        )}
        <Quoted message={message} />
        <Body message={message} />
        <span className="message__meta">
          {message.expiresAfter !== undefined && (
            <span title={t.conversation.disappears}>
              <Icon name="clock" />
              <span className="visually-hidden">{t.conversation.disappears}</span>
            </span>
          )}
          {message.editedAt !== undefined && <span>{t.conversation.edited}</span>}
          {suite === "classic" && <span title={t.conversation.classic}>classic</span>}
          <time dateTime={new Date(sentAt * 1000).toISOString()}>{timeOfDay(sentAt, language)}</time>
          {direction === "out" && <StatusIcon status={status} />}
        </span>
        <Reactions message={message} />
      </div>
      {message.deleted !== true && <MessageMenu message={message} />}
    </article>
  );
});

function Body({ message }: { readonly message: Message }): ReactNode {
  const t = useText().conversation;
  if (message.deleted === true) return <p className="message__gone">{t.deleted}</p>;
  if (message.kind === "unknown") return <p className="message__gone">{t.unknown}</p>;
  return (
    <>
      <Attachments message={message} />
      {(message.body !== "" || message.attachments === undefined) && <MessageText text={message.body} />}
      <Failure message={message} />
    </>
  );
}

/** Why a message could not be sent, and what can be done. */
function Failure({ message }: { readonly message: Message }): ReactNode {
  const t = useText().conversation;
  const problemText = useProblemText();
  const actions = useMessageActions();
  const { status, problem } = message;
  if (status !== "failed") return null;
  return (
    <div className="message__problem">
      <p>{problem === undefined ? t.failed : problemText(new EngineError({ code: problem, message: "" }))}</p>
      <p>
        <button type="button" className="text-button" onClick={() => actions.sendAgain(message)}>
          {t.sendAgain}
        </button>
        <button type="button" className="text-button" onClick={() => actions.deleteForMe(message)}>
          {t.deleteFailed}
        </button>
      </p>
    </div>
  );
}

const mostQuoted = 180;

function Quoted({ message: { replyTo } }: { readonly message: Message }): ReactNode {
  const t = useText().conversation;
  const { show } = useMessageActions();
  const name = useName(replyTo?.from ?? "");
  if (replyTo === undefined) return null;
  const { found, body, from, id } = replyTo;
  return (
    <button type="button" className="quote" disabled={!found} onClick={() => show(id)}>
      <Who className="quote__from" identifier={from} name={name} />
      <bdi className="quote__text">
        {body === undefined || body === "" ? t.deleted : body.slice(0, mostQuoted)}
      </bdi>
    </button>
  );
}
