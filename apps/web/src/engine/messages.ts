/**
 * What pages, their workers and the leading worker say to each other: calls, answers, events. Every value can be cloned by the browser.
 */
import type {
  AttachmentInput,
  ClientEvent,
  ConnectionState,
  Messenger,
  SendOptions,
  SharedAttachment,
} from "@sotto/client/web";

/** Where the app stands, as every page is told. */
export type EngineState =
  /** Nobody leads yet, or whoever leads looks what there is. */
  | { readonly phase: "starting" }
  /** No account in this browser. */
  | { readonly phase: "empty" }
  /** There is an account, and its passphrase is needed. */
  | { readonly phase: "locked" }
  /** Its account was not finished, and is unlocked: registering, or a reset, goes on. */
  | { readonly phase: "unfinished"; readonly identifier: string | undefined }
  | {
      readonly phase: "open";
      readonly self: Messenger["self"];
      readonly connection: ConnectionState;
      /** Why it is offline, as an error code. */
      readonly problem?: string;
    }
  /** Another tab leads that runs another version of the program: the two need not understand each other. */
  | { readonly phase: "other-version" }
  /** The browser's storage does not work, or the vault is damaged. */
  | { readonly phase: "failed"; readonly code: string };

/** What happens, as pages are told. */
export type EngineEvent =
  /** `term` names who leads: with another one, whatever a page remembers has to be read anew. */
  | { readonly type: "state"; readonly term: string; readonly state: EngineState }
  | { readonly type: "client"; readonly event: ClientEvent }
  /** A tab was opened that runs another version of the program. */
  | { readonly type: "outdated" }
  /** Of a registration, recovery or link under way. */
  | { readonly type: "recovery-key"; readonly recoveryKey: string }
  | { readonly type: "link-code"; readonly code: string; readonly qr: string }
  /** So many bytes of a file that a page fetches have come; `token` is its own name for that. */
  | { readonly type: "fetched"; readonly token: string; readonly done: number; readonly total: number };

/** A file to send, as a page hands it on: a handle, whose bytes are read where they lie. */
export type FileToSend = Omit<AttachmentInput, "source" | "reference"> & { readonly file: Blob };

/** How a page sends. */
export interface PageSendOptions extends Omit<SendOptions, "attachments"> {
  readonly attachments?: readonly (FileToSend | SharedAttachment)[];
}

/** An attachment on its way to the server. */
export interface Upload {
  /** Of the message. */
  readonly id: string;
  readonly index: number;
  /** In bytes; 0 of 0: nothing is known. */
  readonly done: number;
  readonly total: number;
  /** Its bytes are nowhere to be had: whoever sent it must choose the file again. */
  readonly needed: boolean;
}

/** All that are on their way. */
export type Transfers = readonly Upload[];

/** An error, as it crosses from a worker: its code, and a text without user data. */
export interface EngineProblem {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** A call of a page. */
export interface Call {
  readonly type: "call";
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
  /** It may be carried out twice without harm, so that it is repeated when the leader goes. */
  readonly repeatable: boolean;
}

/** Its answer. */
export type Answer =
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "answer"; readonly id: number; readonly problem: EngineProblem };

/** What a worker tells its page. */
export type ToPage = Answer | { readonly type: "event"; readonly event: EngineEvent };

/** What workers say to each other, over a channel that all tabs hear. */
export type BetweenTabs =
  /** The leader lives, several times a second; `key`: of the vault, while it is unlocked. */
  | {
      readonly type: "beat";
      readonly leader: string;
      /** Which version of the program it runs. */
      readonly program: string;
      readonly state: EngineState;
      readonly key: Uint8Array | undefined;
    }
  /** Who is there? */
  | { readonly type: "hello"; readonly from: string; readonly program: string }
  | { readonly type: "call"; readonly from: string; readonly to: string; readonly call: Call }
  | { readonly type: "answer"; readonly from: string; readonly to: string; readonly answer: Answer }
  | { readonly type: "event"; readonly leader: string; readonly event: EngineEvent };
