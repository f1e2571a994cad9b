/**
 * The messages of a conversation: a window of the timeline in a scroller that keeps what is seen in its place, whatever comes before or
 * after it, and follows the newest message while its end is seen.
 */
import type { Message } from "@sotto/client/web";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import type { Timeline, Window } from "../store/timeline.ts";
import { useLanguage, useText } from "../text/index.tsx";
import { dayHeading, sameDay } from "../text/times.ts";
import { IconButton } from "../ui/controls.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { MessageView } from "./message-view.tsx";

const nearPx = 600;
const endPx = 48;
const flashMs = 1_600;
/** Messages of one sender within this time are one run. */
const runSec = 300;

/** @param group whether there are several people, so that senders are named. */
export function MessageList({
  timeline,
  window,
  group,
}: {
  readonly timeline: Timeline;
  readonly window: Window;
  readonly group: boolean;
}): ReactNode {
  const t = useText();
  const { language } = useLanguage();
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ readonly id: string; readonly top: number } | undefined>(undefined);
  const atEnd = useRef(true);
  const [away, setAway] = useState(false);
  const { messages, newer, unreadFrom, target } = window;

  /** Remembers which message is seen where. */
  const remember = useCallback((): void => {
    const box = scroller.current;
    if (box === null) return;
    atEnd.current = !newer && box.scrollHeight - box.scrollTop - box.clientHeight < endPx;
    setAway(!atEnd.current);
    const { top } = box.getBoundingClientRect();
    for (const element of box.querySelectorAll<HTMLElement>("[data-id]")) {
      const rect = element.getBoundingClientRect();
      if (rect.bottom <= top) continue;
      anchor.current = { id: element.dataset["id"] ?? "", top: rect.top - top };
      return;
    }
  }, [newer]);

  const onScroll = (): void => {
    const box = scroller.current;
    if (box === null) return;
    remember();
    if (box.scrollTop < nearPx) void timeline.loadOlder();
    if (box.scrollHeight - box.scrollTop - box.clientHeight < nearPx) void timeline.loadNewer();
  };

  const opened = useRef(false);
  const shown = useRef<Window["target"]>(undefined);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null || messages === undefined) return;
    const wanted = target !== shown.current && target !== undefined ? elementOf(box, target.id) : null;
    if (wanted !== null) {
      opened.current = true;
      shown.current = target;
      wanted.scrollIntoView({ block: "center" });
      flash(wanted);
    } else if (!opened.current) {
      opened.current = true;
      const marker = box.querySelector(".unread-marker");
      if (marker === null) box.scrollTop = box.scrollHeight;
      else marker.scrollIntoView({ block: "center" });
    } else if (atEnd.current) {
      box.scrollTop = box.scrollHeight;
    } else {
      const seen = anchor.current;
      const element = seen && elementOf(box, seen.id);
      if (seen !== undefined && element) {
        box.scrollTop += element.getBoundingClientRect().top - box.getBoundingClientRect().top - seen.top;
      }
    }
    remember();
  }, [messages, target, remember]);

  // A keyboard on the screen, or a composer that grows, makes the box smaller: its end stays in sight.
  useEffect(() => {
    const box = scroller.current;
    if (box === null) return undefined;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  const toNewest = (): void => {
    atEnd.current = true;
    const box = scroller.current;
    if (newer) void timeline.toNewest();
    else if (box !== null) box.scrollTop = box.scrollHeight;
  };

  return (
    <div className="messages">
      <div
        className="messages__scroller"
        ref={scroller}
        onScroll={onScroll}
        role="log"
        aria-label={t.conversation.messages}
        tabIndex={0}
      >
        {messages === undefined ? (
          <SkeletonRows count={6} />
        ) : (
          <>
            {!window.older && <p className="messages__begin">{t.conversation.encrypted}</p>}
            {messages.map((message, i) => {
              const before = messages[i - 1];
              const newDay = before === undefined || !sameDay(before.sentAt, message.sentAt);
              return (
                <div key={`${message.direction} ${message.from} ${message.id}`} className="messages__item">
                  {newDay && (
                    <h2 className="day">
                      <span>{dayHeading(message.sentAt, language, t)}</span>
                    </h2>
                  )}
                  {message.id === unreadFrom && (
                    <p className="unread-marker" role="separator">
                      {t.conversation.unreadFrom}
                    </p>
                  )}
                  <MessageView message={message} first={newDay || beginsRun(before, message)} named={group} />
                </div>
              );
            })}
          </>
        )}
      </div>
      {away && (
        <IconButton
          className="messages__newest"
          icon="down"
          label={t.conversation.newest}
          onClick={toNewest}
        />
      )}
    </div>
  );
}

const elementOf = (box: HTMLElement, id: string): HTMLElement | null =>
  box.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);

/** Draws the eye to a message. */
function flash(element: HTMLElement): void {
  element.classList.add("message--flash");
  setTimeout(() => element.classList.remove("message--flash"), flashMs);
}

const beginsRun = (before: Message | undefined, message: Message): boolean =>
  before === undefined ||
  before.direction !== message.direction ||
  before.from !== message.from ||
  message.sentAt - before.sentAt > runSec;
