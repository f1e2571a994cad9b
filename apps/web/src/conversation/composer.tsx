/** Writing: Enter sends, Shift+Enter begins a line; on a touch screen Enter begins a line and the button sends. */
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useCalls, useProblemText } from "../app/context.tsx";
import { useText } from "../text/index.tsx";
import { IconButton, Notice } from "../ui/controls.tsx";

const typingEveryMs = 3_000;
const mostHeightPx = 200;

/** @param conversationKey where it is written to. */
export function Composer({
  conversationKey,
  disabled,
}: {
  readonly conversationKey: string;
  readonly disabled: boolean;
}): ReactNode {
  const t = useText().conversation;
  const calls = useCalls();
  const problemText = useProblemText();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const input = useRef<HTMLTextAreaElement>(null);
  const typedAt = useRef(0);

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

  const send = (): void => {
    const body = text.trim();
    if (body === "" || disabled) return;
    const id = newId();
    setText("");
    setProblem(undefined);
    typedAt.current = 0;
    calls.send(conversationKey, body, { id }).catch((cause: unknown) => {
      setProblem(problemText(cause));
      // What was written is not lost, unless something else was written meanwhile.
      setText((now) => (now === "" ? body : now));
    });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
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
      <div className="composer__row">
        <textarea
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
          icon="send"
          label={t.send}
          disabled={disabled || text.trim() === ""}
          onClick={send}
        />
      </div>
    </div>
  );
}

/** 32 random hexadecimal digits: the message's id, chosen here so that sending can be repeated without sending twice. */
const newId = (): string => crypto.randomUUID().replaceAll("-", "");
