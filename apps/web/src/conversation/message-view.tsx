/** One message: its bubble, time and state. */
import type { Message } from "@sotto/client/web";
import { memo, type ReactNode } from "react";
import { useLanguage, useText } from "../text/index.tsx";
import { timeOfDay } from "../text/times.ts";
import { Avatar } from "../ui/avatar.tsx";
import { MessageText } from "./message-text.tsx";
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
  const { direction, body, from, sentAt, status, suite } = message;
  return (
    <article
      className={`message message--${direction}${first ? " message--first" : ""}`}
      data-id={message.id}
      aria-label={direction === "out" ? t.common.you : from}
    >
      {named && direction === "in" && (
        <span className="message__avatar">{first && <Avatar name={from} of={from} size={32} />}</span>
      )}
      <div className="message__bubble">
        {named && first && direction === "in" && <bdi className="message__from">{from}</bdi>}
        <MessageText text={body} />
        <span className="message__meta">
          {suite === "classic" && <span title={t.conversation.classic}>classic</span>}
          <time dateTime={new Date(sentAt * 1000).toISOString()}>{timeOfDay(sentAt, language)}</time>
          {direction === "out" && <StatusIcon status={status} />}
        </span>
      </div>
    </article>
  );
});
