/** What can lie over the messages, and what its keys and texts mean. Pure. */
import { UsageError } from "@sotto/protocol";
import type { ConversationSummary, DeviceSummary, LinkRequest, SearchPage } from "@sotto/client";
import { parseDuration } from "../duration.ts";
import { parsePeer } from "../options.ts";
import { edit, type Draft, type Edit } from "./editor.ts";

/** What a line of text is asked for. `group`: its id. */
export type Asked =
  | { readonly kind: "person" }
  | { readonly kind: "link-code" }
  | { readonly kind: "group-name" }
  | { readonly kind: "group-people"; readonly name: string }
  | { readonly kind: "add"; readonly group: string; readonly name: string }
  | { readonly kind: "rename"; readonly group: string; readonly name: string }
  /** `conversation`: its key. */
  | { readonly kind: "timer"; readonly conversation: string; readonly name: string }
  | { readonly kind: "react"; readonly conversation: string; readonly message: string };

/** A line that somebody fills in. */
export interface Prompt {
  readonly type: "prompt";
  readonly asked: Asked;
  readonly draft: Draft;
  readonly problem: string | undefined;
  /** Submitted, and not answered yet. */
  readonly busy: boolean;
}

/** What cannot be taken back. `group`: its id. */
export type Grave =
  | { readonly kind: "leave"; readonly group: string; readonly name: string }
  | { readonly kind: "remove"; readonly group: string; readonly name: string; readonly who: string }
  | { readonly kind: "revoke"; readonly device: DeviceSummary };

/** The question before a step that cannot be taken back. */
export interface Confirm {
  readonly type: "confirm";
  readonly step: Grave;
  readonly problem: string | undefined;
  readonly busy: boolean;
}

/** The devices of the account. */
export interface Devices {
  readonly type: "devices";
  /** Those in use first; undefined until they are loaded. */
  readonly devices: readonly DeviceSummary[] | undefined;
  readonly selected: number;
  /** What was done, or goes on. */
  readonly note: string | undefined;
  readonly problem: string | undefined;
}

/** A device asks to be let in: two deliberate steps, a yes and a word. */
export interface Approve {
  readonly type: "approve";
  readonly request: LinkRequest;
  /** The first step is done, and the word can be typed. */
  readonly sure: boolean;
  readonly draft: Draft;
  readonly problem: string | undefined;
  readonly busy: boolean;
}

/** Searching in the history. */
export interface Search {
  readonly type: "search";
  readonly draft: Draft;
  /** What was found by what is typed; undefined: nothing was asked for, or no answer has come yet. */
  readonly page: SearchPage | undefined;
  readonly selected: number;
  readonly problem: string | undefined;
}

/** How a message is to be deleted. */
export interface Delete {
  readonly type: "delete";
  readonly conversation: string;
  readonly message: string;
  /** Whether it can be taken back from everybody. */
  readonly own: boolean;
  /** Whether it could not be sent: nobody else has it. */
  readonly unsent: boolean;
  readonly problem: string | undefined;
  readonly busy: boolean;
}

/** What lies over the messages. */
export type Overlay =
  | { readonly type: "help" }
  | { readonly type: "menu"; readonly selected: number }
  | Prompt
  | Confirm
  | Delete
  | Search
  | Devices
  | Approve
  | { readonly type: "members"; readonly selected: number; readonly problem: string | undefined }
  | {
      readonly type: "verify";
      readonly peer: string;
      readonly safetyNumber: string | undefined;
      /** Shown as a QR code instead of digits. */
      readonly asQr: boolean;
      /** What Esc goes back to. */
      readonly back: (Overlay & { readonly type: "members" }) | undefined;
    };

/** Whether what is typed goes into a line, and is not a command. */
export const takesText = (overlay: Overlay): overlay is Prompt | Approve | Search =>
  overlay.type === "prompt" || overlay.type === "search" || (overlay.type === "approve" && overlay.sure);

/** An entry of the menu. */
export interface MenuEntry {
  readonly letter: string;
  readonly label: string;
  readonly command:
    | "person"
    | "group"
    | "accept"
    | "decline"
    | "members"
    | "add"
    | "rename"
    | "timer"
    | "leave"
    | "verify"
    | "devices"
    | "search"
    | "help"
    | "quit";
}

/** What can be done now, with this conversation open. */
export function menuFor(open: ConversationSummary | undefined): readonly MenuEntry[] {
  const group = open?.group;
  const joined = group?.state === "joined";
  return [
    { letter: "n", label: "Write to somebody new", command: "person" },
    { letter: "g", label: "Make a group", command: "group" },
    ...(open?.request === undefined
      ? []
      : [
          { letter: "y", label: "Accept this request", command: "accept" } as const,
          { letter: "d", label: "Decline it: delete, and leave", command: "decline" } as const,
        ]),
    ...(open !== undefined && group === undefined
      ? [{ letter: "v", label: "Verify, safety number", command: "verify" } as const]
      : []),
    ...(group === undefined
      ? []
      : [{ letter: "m", label: "Members of this group", command: "members" } as const]),
    ...(joined && group.admin
      ? [
          { letter: "a", label: "Add people to this group", command: "add" } as const,
          { letter: "r", label: "Rename this group", command: "rename" } as const,
        ]
      : []),
    ...(open !== undefined && (group === undefined || (joined && group.admin))
      ? [{ letter: "t", label: "Timer: messages that disappear", command: "timer" } as const]
      : []),
    ...(joined ? [{ letter: "l", label: "Leave this group", command: "leave" } as const] : []),
    { letter: "d", label: "Devices of yours: link, revoke", command: "devices" },
    { letter: "/", label: "Search in all messages", command: "search" },
    { letter: "h", label: "Help: all keys", command: "help" },
    { letter: "q", label: "Quit", command: "quit" },
  ];
}

/** What the digits stand for where an emoji is asked for; 0 takes the reaction back. */
export const quickReactions = ["👍", "❤️", "😂", "😮", "😢", "🙏"] as const;

/** The emoji that was typed, or that its digit stands for; empty: none any more. */
export function reactionFrom(text: string): string {
  if (text === "0") return "";
  return quickReactions[Number(text) - 1] ?? text;
}

/** A length of time as typed. @throws UsageError `usage`. */
export function timerFrom(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new UsageError("usage", "it must be like 30s, 5m, 1h, 7d or 4w, or off");
  return seconds;
}

/** A line's text after an edit: it stays one line. */
export function editLine(draft: Draft, step: Edit): Draft {
  return edit(
    draft,
    step.type === "insert" ? { type: "insert", text: step.text.replaceAll("\n", " ") } : step,
  );
}

/**
 * People as typed in one line: with commas between, or with spaces where no number holds any.
 * @throws UsageError `identifier_invalid`, naming the first that is none.
 */
export function parsePeople(text: string): readonly string[] {
  const parts = text.split(/[,;]/).filter((part) => part.trim() !== "");
  return parts.flatMap((part) => {
    try {
      return [parsePeer(part)];
    } catch {
      return part
        .trim()
        .split(/\s+/)
        .map((word) => parseNamed(word));
    }
  });
}

function parseNamed(word: string): string {
  try {
    return parsePeer(word);
  } catch (cause) {
    throw new UsageError("identifier_invalid", `'${word}' is neither a phone number nor an e-mail address`, {
      cause,
    });
  }
}
