/** Writing: Enter sends, Shift+Enter begins a line; on a touch screen Enter begins a line and the button sends. */
import type { Message } from "@sotto/client/web";
import {
  Suspense,
  lazy,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import { useCalls, useEngine, useProblemText } from "../app/context.tsx";
import type { FileToSend } from "../engine/messages.ts";
import { uploadsOf } from "../store/uploads.ts";
import { useAttachmentText } from "../text/attachments.ts";
import { useText } from "../text/index.tsx";
import { IconButton, Notice } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { useName } from "../ui/who.tsx";
import { toast } from "../ui/toast.tsx";
import type { Writing } from "./actions.ts";
import { AttachButton } from "./compose/attach-button.tsx";
import { ChosenFiles } from "./compose/chosen-files.tsx";
import { useDrop } from "./compose/use-drop.ts";
import { filesToSend, useChosen, type ChosenFile } from "./compose/use-chosen.ts";
import { useDraft } from "./use-draft.ts";

const Recorder = lazy(async () => import("../voice/recorder.tsx"));
const EmojiDialog = lazy(async () => import("../emoji/emoji-dialog.tsx"));

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
  const a = useAttachmentText();
  const engine = useEngine();
  const calls = useCalls();
  const problemText = useProblemText();
  const chosen = useChosen(conversationKey);
  const [recording, setRecording] = useState(false);
  const [choosing, setChoosing] = useState(false);
  const [text, setText] = useState(draft);
  const [problem, setProblem] = useState<string>();
  const input = useRef<HTMLTextAreaElement>(null);
  const typedAt = useRef(0);
  // What is being sent stays the draft until it is stored: a page that goes before would lose it.
  const [sending, setSending] = useState("");
  useDraft(conversationKey, writing.kind === "edit" ? undefined : text || sending, draft);

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

  const canAttach = !disabled && writing.kind !== "edit";
  const attach = (files: readonly File[], folders = false): void => {
    if (folders) toast({ text: a.folder });
    if (files.length === 0) return;
    chosen.add(files);
    setRecording(false);
    input.current?.focus();
  };
  const dragged = useDrop(canAttach, attach);
  const files = writing.kind === "edit" ? [] : chosen.files;
  const nothing = text.trim() === "" && files.length === 0;

  const send = (): void => {
    const body = text.trim();
    if (nothing || disabled) return;
    setText("");
    setProblem(undefined);
    onWrite({ kind: "new" });
    typedAt.current = 0;
    if (files.length > 0) chosen.set([]);
    if (writing.kind !== "edit") setSending(body);
    perform(body, files)
      .catch((cause: unknown) => {
        setProblem(problemText(cause));
        // What was written is not lost, unless something else was written meanwhile.
        setText((now) => (now === "" ? body : now));
        if (files.length > 0) chosen.set(files);
      })
      .finally(() => setSending((now) => (now === body ? "" : now)));
  };

  const perform = async (body: string, sent: readonly ChosenFile[]): Promise<unknown> => {
    if (writing.kind === "edit") return calls.edit(conversationKey, writing.of.id, body);
    return sendWith(body, sent.length === 0 ? [] : await filesToSend(sent));
  };

  const sendWith = (body: string, attachments: readonly FileToSend[]): Promise<unknown> => {
    const id = newId();
    const reply = writing.kind === "reply" ? { replyTo: writing.to.id } : {};
    if (attachments.length === 0) return calls.send(conversationKey, body, { id, ...reply });
    const given = attachments.map(({ file }) => file);
    uploadsOf(engine).keep(conversationKey, id, given);
    return calls.send(conversationKey, body, { id, ...reply, attachments });
  };

  const onPaste = (event: ClipboardEvent): void => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    // What was copied from a table is there as a picture as well: its text is what is wanted.
    const hasText = event.clipboardData?.types.includes("text/plain") === true;
    if (pasted.length === 0 || hasText || !canAttach) return;
    event.preventDefault();
    attach(pasted);
  };

  const insert = (emoji: string): void => {
    const box = input.current;
    const from = box?.selectionStart ?? text.length;
    const to = box?.selectionEnd ?? text.length;
    onChange(text.slice(0, from) + emoji + text.slice(to));
    caret.current = from + emoji.length;
    setChoosing(false);
  };
  const caret = useRef<number>(undefined);
  useEffect(() => {
    const at = caret.current;
    // While the dialog is there, nothing behind it takes focus.
    if (choosing || at === undefined) return;
    caret.current = undefined;
    input.current?.focus();
    input.current?.setSelectionRange(at, at);
  }, [choosing]);

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
      <ChosenFiles files={files} onRemove={(key) => chosen.remove(key)} />
      {dragged && <div className="drop">{a.drop}</div>}
      {recording && (
        <Suspense>
          <Recorder
            onClose={() => setRecording(false)}
            onSend={(voice) => {
              setRecording(false);
              onWrite({ kind: "new" });
              sendWith("", [voice]).catch((cause: unknown) => setProblem(problemText(cause)));
            }}
          />
        </Suspense>
      )}
      <div className="composer__row" hidden={recording}>
        {writing.kind !== "edit" && <AttachButton disabled={disabled} onFiles={attach} />}
        <textarea
          data-shortcut="write"
          ref={input}
          className="composer__input"
          rows={1}
          dir="auto"
          value={text}
          placeholder={files.length > 0 ? a.caption : t.write}
          aria-label={t.write}
          disabled={disabled}
          enterKeyHint={touch ? "enter" : "send"}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <IconButton icon="emoji" label={t.emoji} disabled={disabled} onClick={() => setChoosing(true)} />
        {nothing && writing.kind !== "edit" ? (
          <IconButton icon="mic" label={t.record} disabled={disabled} onClick={() => setRecording(true)} />
        ) : (
          <IconButton
            className="composer__send"
            icon={writing.kind === "edit" ? "check" : "send"}
            label={writing.kind === "edit" ? t.save : t.send}
            disabled={disabled || nothing}
            onClick={send}
          />
        )}
      </div>
      {choosing && (
        <Suspense>
          <EmojiDialog onChoose={insert} onClose={() => setChoosing(false)} />
        </Suspense>
      )}
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
  const name = useName(message.from, message.fromName);
  return (
    <div className="composer__about">
      <Icon name={writing.kind === "reply" ? "reply" : "compose"} />
      <div className="composer__about-text">
        <strong>
          {writing.kind === "reply" ? t.conversation.replying(name || message.from) : t.conversation.editing}
        </strong>
        <bdi>{message.body.slice(0, mostQuoted)}</bdi>
      </div>
      <IconButton icon="close" label={t.common.cancel} onClick={onStop} />
    </div>
  );
}

/** 32 random hexadecimal digits: the message's id, chosen here so that sending can be repeated without sending twice. */
const newId = (): string => crypto.randomUUID().replaceAll("-", "");
