/** An open conversation: who it is with, its messages, and writing. */
import type { ConversationSummary, Message } from "@sotto/client/web";
import {
  Suspense,
  lazy,
  useCallback,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from "react";
import { useCalls, useConversations, useEngine, useProblemText } from "../app/context.tsx";
import { go, hrefOf } from "../app/route.ts";
import { keyOf } from "../store/conversations.ts";
import { searched, toSearchField } from "../store/search.ts";
import { openTimeline } from "../store/timeline.ts";
import { useText } from "../text/index.tsx";
import { Button, IconButton, Notice } from "../ui/controls.tsx";
import { ConversationAvatar } from "../ui/conversation-avatar.tsx";
import { Icon } from "../ui/icon.tsx";
import { toast } from "../ui/toast.tsx";
import { useLabels, useName } from "../ui/who.tsx";
import { MessageActionsProvider, type Writing } from "./actions.ts";
import { Composer } from "./composer.tsx";
import "./conversation.css";
import { MessageList } from "./message-list.tsx";
import { useActionsOf } from "./use-message-actions.ts";

const ForwardDialog = lazy(async () => import("./forward-dialog.tsx"));
const InfoDialog = lazy(async () => import("./info-dialog.tsx"));
const Details = lazy(async () => import("../details/details.tsx"));

/** @param conversationKey a group's id, or a person's identifier. */
function ConversationView({
  conversationKey: key,
  panel,
  at,
}: {
  readonly conversationKey: string;
  readonly panel: string | undefined;
  /** The message that is to be seen. */
  readonly at: string | undefined;
}): ReactNode {
  const engine = useEngine();
  const conversations = useConversations();
  const subscribe = useCallback((changed: () => void) => conversations.subscribe(changed), [conversations]);
  const all = useSyncExternalStore(subscribe, () => conversations.all);
  const typing = useSyncExternalStore(subscribe, () => conversations.typing).get(key);
  const whole = useSyncExternalStore(subscribe, () => conversations.whole);
  const summary = all?.find((known) => keyOf(known) === key);
  const [timeline] = useState(() =>
    openTimeline(engine, key, (summary?.unread ?? 0) + (summary?.request?.unread ?? 0), at),
  );
  const window = useSyncExternalStore(
    useCallback((changed) => timeline.subscribe(changed), [timeline]),
    () => timeline.window,
  );
  useEffect(() => () => timeline.close(), [timeline]);
  useMarkRead(key, (summary?.unread ?? 0) + (summary?.request?.unread ?? 0));
  useEscape();
  const [writing, setWriting] = useState<Writing>({ kind: "new" });
  const [forwarded, setForwarded] = useState<Message>();
  const [informed, setInformed] = useState<Message>();
  const targets = useMemo(() => ({ write: setWriting, forward: setForwarded, info: setInformed }), []);
  const actions = useActionsOf(key, timeline, targets);
  useEffect(() => {
    if (at === undefined) return;
    actions.show(at);
    // Asked for once more, it is shown once more; and "back" leads to where one was.
    history.replaceState(history.state, "", hrefOf({ screen: "conversation", key }));
  }, [actions, at, key]);
  const lastOwn = (): Message | undefined =>
    timeline.window.messages?.findLast(
      ({ direction, suite, kind, deleted }) =>
        direction === "out" && suite === "mls" && kind === undefined && deleted !== true,
    );

  const { identityChanged = false, blocked: shutOut = false } = summary?.contact ?? {};
  const blocked = identityChanged || shutOut;
  const gone = summary?.group?.state === "left" || summary?.group?.state === "removed";
  return (
    <MessageActionsProvider value={actions}>
      <section className="conversation">
        <ConversationHeader summary={summary} conversationKey={key} typing={typing} />
        <MessageList timeline={timeline} window={window} group={summary?.group !== undefined} />
        <Warnings summary={summary} conversationKey={key} />
        {/* Once the list has it, so that it begins with what was begun before. */}
        {(summary !== undefined || whole) && (
          <Composer
            conversationKey={key}
            disabled={blocked || gone}
            draft={summary?.draft ?? ""}
            writing={writing}
            onWrite={setWriting}
            lastOwn={lastOwn}
          />
        )}
      </section>
      <Suspense>
        {forwarded !== undefined && (
          <ForwardDialog message={forwarded} onClose={() => setForwarded(undefined)} />
        )}
        {informed !== undefined && (
          <InfoDialog conversationKey={key} message={informed} onClose={() => setInformed(undefined)} />
        )}
        {panel !== undefined && <Details conversationKey={key} summary={summary} panel={panel} />}
      </Suspense>
    </MessageActionsProvider>
  );
}

/** What is seen counts as read, while the page itself is seen. */
function useMarkRead(key: string, unread: number): void {
  const calls = useCalls();
  useEffect(() => {
    const mark = (): void => {
      if (unread === 0 || document.visibilityState !== "visible" || !document.hasFocus()) return;
      calls.markRead(key).catch(() => undefined);
    };
    mark();
    addEventListener("focus", mark);
    document.addEventListener("visibilitychange", mark);
    return () => {
      removeEventListener("focus", mark);
      document.removeEventListener("visibilitychange", mark);
    };
  }, [calls, key, unread]);
}

function useEscape(): void {
  useEffect(() => {
    const leave = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented) go({ screen: "home" });
    };
    addEventListener("keydown", leave);
    return () => removeEventListener("keydown", leave);
  }, []);
}

function ConversationHeader({
  summary,
  conversationKey: key,
  typing,
}: {
  readonly summary: ConversationSummary | undefined;
  readonly conversationKey: string;
  readonly typing: string | undefined;
}): ReactNode {
  const t = useText();
  const peer = summary?.peer ?? key;
  const known = summary?.contact?.name ?? "";
  const name = known || peer;
  const typist = useName(typing ?? "");
  const about =
    typing === undefined
      ? summary?.group === undefined
        ? known === ""
          ? ""
          : peer
        : t.conversation.members(summary.group.members)
      : t.conversation.typing(typist || typing);
  return (
    <header className="conversation__header">
      <a
        className="icon-button conversation__back"
        href={hrefOf({ screen: "home" })}
        aria-label={t.common.back}
      >
        <Icon name="back" />
      </a>
      <ConversationAvatar conversationKey={key} summary={summary} size={40} />
      <div className="conversation__who">
        <h1 className="conversation__name">
          <bdi>{name}</bdi>
          {summary?.contact?.verified === true && (
            <span className="row__verified" title={t.common.verified}>
              <Icon name="shield" />
              <span className="visually-hidden">{t.common.verified}</span>
            </span>
          )}
        </h1>
        <p className="conversation__about" aria-live="polite">
          {about}
        </p>
      </div>
      <IconButton
        icon="search"
        label={t.conversation.find}
        data-shortcut="find"
        onClick={() => {
          searched.set({ query: "", in: { key, name } });
          // Where there is room for one of the two, the list is the place to search.
          if (matchMedia("(width < 720px)").matches) go({ screen: "home" });
          toSearchField();
        }}
      />
      <a
        className="icon-button"
        href={hrefOf({ screen: "conversation", key, panel: "details" })}
        aria-label={t.conversation.details}
        title={t.conversation.details}
      >
        <Icon name="info" />
      </a>
    </header>
  );
}

function Warnings({
  summary,
  conversationKey: key,
}: {
  readonly summary: ConversationSummary | undefined;
  readonly conversationKey: string;
}): ReactNode {
  const t = useText().conversation;
  const calls = useCalls();
  const problemText = useProblemText();
  const labelOf = useLabels();
  const { group, contact, peer, request } = summary ?? {};
  const told = (work: Promise<unknown>): void => {
    work.catch((cause: unknown) => toast({ text: problemText(cause) }));
  };
  if (request !== undefined) {
    const decline = (work: Promise<unknown>): void => {
      told(work);
      go({ screen: "home" });
    };
    return (
      <Notice>
        <p>
          {group === undefined ? t.request(labelOf(request.from)) : t.groupRequest(labelOf(request.from))}
        </p>
        <p className="conversation__choices">
          <Button kind="primary" onClick={() => told(calls.acceptRequest(key))}>
            {t.acceptRequest}
          </Button>
          <Button onClick={() => decline(calls.deleteRequest(key))}>{t.deleteRequest}</Button>
          {group === undefined && (
            <Button kind="danger" onClick={() => decline(calls.block(key))}>
              {t.block}
            </Button>
          )}
        </p>
      </Notice>
    );
  }
  if (contact?.blocked === true) {
    return (
      <Notice>
        <p>{t.blocked}</p>
        <p className="conversation__choices">
          <Button onClick={() => told(calls.unblock(key))}>{t.unblock}</Button>
        </p>
      </Notice>
    );
  }
  if (contact?.identityChanged === true) {
    return (
      <Notice kind="warn">
        <p>{t.identityChanged(peer ?? key)}</p>
        <p className="conversation__choices">
          <a className="button" href={hrefOf({ screen: "conversation", key, panel: "verify" })}>
            {t.compare}
          </a>
          <Button onClick={() => void calls.acknowledgeIdentity(key)}>{t.accept}</Button>
        </p>
      </Notice>
    );
  }
  if (group?.state === "left" || group?.state === "removed") return <Notice>{t.left}</Notice>;
  if (group?.state === "healing") return <Notice>{t.healing}</Notice>;
  return null;
}

export default ConversationView;
