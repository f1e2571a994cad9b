/** Writing: Enter sends, Shift+Enter begins a line; on a touch screen Enter begins a line and the button sends. */
import type { Message } from "@sotto/client/web";
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { IconButton, Notice } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import type { Writing } from "./actions.ts";
import { useDraft } from "./use-draft.ts";

const typingEveryMs = 3_000;
const mostHeightPx = 200;

/** @param conversationKey where it is written to. @param draft what was begun before. @param lastOwn what "arrow up" changes. */
export function Composer({
  conversationKey,
  disabled,
  draft,
  writing,
  onWrite,
  lastOwn,
}: {
  readonly conversationKey: string;
  readonly disabled: boolean;
  readonly draft: string;
  readonly writing: Writing;
  readonly onWrite: (writing: Writing) => void;
  readonly lastOwn: () => Message | undefined;
}): ReactNode {
  const t = useText().conversation;
  const calls = useCalls();
  const problemText = useProblemText();
  const [text, setText] = useState(draft);
  const [problem, setProblem] = useState<string>();
  const input = useRef<HTMLTextAreaElement>(null);
  const typedAt = useRef(0);
  useDraft(conversationKey, writing.kind === "edit" ? undefined : text, draft);

  useLayoutEffect(() => {
    const box = input.current;
    if (box === null) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(mostHeightPx, box.scrollHeight)}px`;
  }, [text]);

  const touch = matchMedia("(pointer: coarse)").matches;
  useEffect(() => {
    // A keyboard that jumps up at each opening would be in the way.
    if (!touch) input.current?.focus();
  }, [touch]);

  const before = useRef(draft);
  useEffect(() => {
    if (writing.kind === "new") return;
    if (writing.kind === "edit") {
      setText((now) => {
        before.current = now;
        return writing.of.body;
      });
    }
    input.current?.focus();
  }, [writing]);

  const stop = (): void => {
    if (writing.kind === "edit") setText(before.current);
    onWrite({ kind: "new" });
    input.current?.focus();
  };

  const send = (): void => {
    const body = text.trim();
    if (body === "" || disabled) return;
    setText("");
    setProblem(undefined);
    onWrite({ kind: "new" });
    typedAt.current = 0;
    perform(body).catch((cause: unknown) => {
      setProblem(problemText(cause));
      // What was written is not lost, unless something else was written meanwhile.
      setText((now) => (now === "" ? body : now));
    });
  };

  const perform = (body: string): Promise<unknown> => {
    if (writing.kind === "edit") return calls.edit(conversationKey, writing.of.id, body);
    const reply = writing.kind === "reply" ? { replyTo: writing.to.id } : {};
    return calls.send(conversationKey, body, { id: newId(), ...reply });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && writing.kind !== "new") {
      event.preventDefault();
      event.nativeEvent.stopImmediatePropagation();
      stop();
    }
    if (event.key === "ArrowUp" && !event.altKey && text === "" && writing.kind === "new") {
      const last = lastOwn();
      if (last === undefined) return;
      event.preventDefault();
      onWrite({ kind: "edit", of: last });
    }
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing || touch) return;
    event.preventDefault();
    send();
  };

  const onChange = (value: string): void => {
    setText(value);
    const now = performance.now();
    if (value === "" || now - typedAt.current < typingEveryMs) return;
    typedAt.current = now;
    calls.sendTyping(conversationKey).catch(() => undefined);
  };

  return (
    <div className="composer">
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      {writing.kind !== "new" && <About writing={writing} onStop={stop} />}
      <div className="composer__row">
        <textarea
          data-shortcut="write"
          ref={input}
          className="composer__input"
          rows={1}
          dir="auto"
          value={text}
          placeholder={t.write}
          aria-label={t.write}
          disabled={disabled}
          enterKeyHint={touch ? "enter" : "send"}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <IconButton
          className="composer__send"
          icon={writing.kind === "edit" ? "check" : "send"}
          label={writing.kind === "edit" ? t.save : t.send}
          disabled={disabled || text.trim() === ""}
          onClick={send}
        />
      </div>
    </div>
  );
}

const mostQuoted = 120;

/** What is answered, or changed. */
function About({
  writing,
  onStop,
}: {
  readonly writing: Exclude<Writing, { readonly kind: "new" }>;
  readonly onStop: () => void;
}): ReactNode {
  const t = useText();
  const message = writing.kind === "reply" ? writing.to : writing.of;
  return (
    <div className="composer__about">
      <Icon name={writing.kind === "reply" ? "reply" : "compose"} />
      <div className="composer__about-text">
        <strong>
          {writing.kind === "reply" ? t.conversation.replying(message.from) : t.conversation.editing}
        </strong>
        <bdi>{message.body.slice(0, mostQuoted)}</bdi>
      </div>
      <IconButton icon="close" label={t.common.cancel} onClick={onStop} />
    </div>
  );
}

/** 32 random hexadecimal digits: the message's id, chosen here so that sending can be repeated without sending twice. */
const newId = (): string => crypto.randomUUID().replaceAll("-", "");
