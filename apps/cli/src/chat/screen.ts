/**
 * What the screen shows beside the account's data: drafts, scrolling, overlays. It turns actions into changes, one after
 * the other, so that keys that come in one chunk see each other's effect. React only draws it.
 */
import type { Message } from "@sotto/client";
import { divide, promptColumns, type Areas } from "./areas.ts";
import { edit, emptyDraft, layOutDraft, type Draft, type Edit } from "./editor.ts";
import type { Action } from "./keys.ts";
import { linesFrom, windowOf } from "./lines.ts";
import type { ChatModel, Snapshot } from "./model.ts";
import { OverlayControl } from "./overlay-control.ts";
import type { Overlay } from "./overlay.ts";
import { pickFrom, pickedOf, scrollTo, type Aim } from "./picking.ts";
import { wrap } from "./text.ts";

/** The state of the screen. */
export interface ScreenState {
  readonly columns: number;
  readonly rows: number;
  /** Lines between the bottom of the window and the newest line. */
  readonly scroll: number;
  readonly overlay: Overlay | undefined;
  /** On a narrow screen: whether the list is shown instead of the messages. */
  readonly listShown: boolean;
  readonly draft: Draft;
  /** Id of the message that is picked. */
  readonly picked: string | undefined;
  /** What the draft is for, when it is no new message. */
  readonly aim: Aim | undefined;
}

/** The controller of the chat screen. */
export class Screen {
  readonly model: ChatModel;
  #state: ScreenState;
  #account: Snapshot;
  readonly #drafts = new Map<string, Draft>();
  readonly #listeners = new Set<() => void>();
  readonly #quit: () => void;
  readonly #overlays: OverlayControl;

  constructor(model: ChatModel, columns: number, rows: number, quit: () => void) {
    this.model = model;
    this.#quit = quit;
    this.#account = model.getSnapshot();
    this.#state = {
      columns,
      rows,
      scroll: 0,
      overlay: undefined,
      listShown: false,
      draft: emptyDraft,
      picked: undefined,
      aim: undefined,
    };
    this.#overlays = new OverlayControl({
      model,
      overlay: () => this.#state.overlay,
      setOverlay: (overlay) => this.#set({ overlay }),
      showThread: () => this.#set({ listShown: false }),
      showMessage: (conversation, id) => void this.#showMessage(conversation, id),
      write: (text) => this.#edit({ type: "insert", text }, true),
      quit,
    });
    model.subscribe(() => this.#onAccount());
  }

  /** Ends what goes on in the background. */
  stop(): void {
    this.#overlays.stop();
  }

  readonly getSnapshot = (): ScreenState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** How the screen is divided now. */
  areas(): Areas {
    const { columns, rows, draft } = this.#state;
    const footerRows = this.#account.alert === undefined ? 1 : alertRows(this.#account.alert, columns).length;
    const probe = divide(columns, rows, 1, footerRows);
    const draftRows = layOutDraft(draft, probe.paneColumns - promptColumns).rows.length;
    return divide(columns, rows, draftRows, footerRows);
  }

  resize(columns: number, rows: number): void {
    if (columns === this.#state.columns && rows === this.#state.rows) return;
    this.#set({ columns, rows });
    this.#scrollBy(0);
  }

  /** Text from the clipboard, as one piece. */
  paste(text: string): void {
    const { overlay, picked, listShown } = this.#state;
    const writing = overlay === undefined && picked === undefined && !(this.areas().narrow && listShown);
    // What is pasted is text, even where a key would be a command.
    if (writing) this.#edit({ type: "insert", text }, true);
    else this.dispatch({ type: "edit", step: { type: "insert", text } });
  }

  dispatch(action: Action): void {
    if (action.type === "quit") return this.#quit();
    const { overlay } = this.#state;
    if (overlay !== undefined) return this.#overlays.dispatch(overlay, action);
    if (this.areas().narrow && this.#state.listShown) return this.#dispatchToList(action);
    if (this.#state.picked !== undefined) return this.#dispatchToPicked(action);
    this.#dispatchToThread(action);
  }

  #dispatchToThread(action: Action): void {
    const { messageRows } = this.areas();
    switch (action.type) {
      case "edit":
        return this.#edit(action.step);
      case "submit":
        void this.#submit();
        return;
      case "switch":
        void this.model.step(action.by);
        return;
      case "up":
        return this.#scrollBy(1);
      case "down":
        return this.#scrollBy(-1);
      case "page-up":
        return this.#scrollBy(messageRows - 1);
      case "page-down":
        return this.#scrollBy(1 - messageRows);
      case "pick":
        return this.#pick(0);
      case "escape":
        if (this.#state.aim !== undefined) this.#endAim();
        else if (this.#account.alert !== undefined) this.model.dismissAlert();
        else if (this.areas().narrow) this.#set({ listShown: true });
        else this.#set({ scroll: 0 });
        return;
      case "help":
        return this.#overlays.openHelp();
      case "new":
        return this.#overlays.ask({ kind: "person" });
      case "menu":
        return this.#overlays.openMenu();
      case "people":
        return this.#overlays.openPeople();
      case "quit":
        return this.#quit();
    }
  }

  #dispatchToPicked(action: Action): void {
    const { thread, active } = this.#account;
    const message = pickedOf(thread, this.#state.picked);
    const moves: Partial<Record<Action["type"], number>> = {
      up: -1,
      down: 1,
      "page-up": -pickPage,
      "page-down": pickPage,
    };
    const by = moves[action.type];
    if (by !== undefined) return this.#pick(by);
    if (action.type === "edit" && action.step.type === "insert" && message && active !== undefined) {
      const [letter = ""] = action.step.text;
      return this.#withPicked(letter, message, active);
    }
    this.#set({ picked: undefined });
    if (action.type !== "escape" && action.type !== "edit" && action.type !== "pick") this.dispatch(action);
  }

  async #showMessage(conversation: string, id: string): Promise<void> {
    this.#set({ listShown: false });
    if (!(await this.model.reach(conversation, id)) || this.#account.active !== conversation) return;
    const { paneColumns: columns, messageRows: rows } = this.areas();
    const view = { columns, rows, scroll: this.#state.scroll };
    this.#set({ picked: id, scroll: scrollTo(this.#account.thread, id, view) });
  }

  #pick(by: number): void {
    const { thread } = this.#account;
    const picked = pickFrom(thread, this.#state.picked, by);
    if (picked === undefined) return;
    const { paneColumns: columns, messageRows: rows } = this.areas();
    this.#set({ picked, scroll: scrollTo(thread, picked, { columns, rows, scroll: this.#state.scroll }) });
    if (by < 0 && picked === thread.messages[0]?.id) void this.model.loadOlder();
  }

  /** What a letter does with the picked message. */
  #withPicked(letter: string, message: Message, conversation: string): void {
    const isText = message.kind === undefined && message.deleted === undefined;
    const unsent = message.status === "failed";
    const own = message.direction === "out" && isText && message.suite === "mls" && !unsent;
    const { draft } = this.#state;
    switch (letter) {
      case "r":
        if (this.#state.aim !== undefined) this.#endAim();
        return this.#set({ picked: undefined, aim: { type: "answer", message } });
      case "t":
        this.#set({ picked: undefined });
        return this.#overlays.ask({ kind: "react", conversation, message: message.id });
      case "e": {
        if (!own) return;
        const text = message.body;
        const aim = { type: "edit", message, before: draft.text } as const;
        return this.#set({ picked: undefined, aim, draft: { text, cursor: text.length } });
      }
      case "d":
        this.#set({ picked: undefined });
        return this.#overlays.openDelete({ conversation, message: message.id, own, unsent });
      case "s":
        if (!unsent) return;
        this.#set({ picked: undefined, scroll: 0 });
        void this.model.sendAgain(message.id);
    }
  }

  /** Goes back to writing a new message. */
  #endAim(): void {
    const { aim } = this.#state;
    if (aim?.type === "edit") this.#set({ aim: undefined, draft: draftOf(aim.before) });
    else this.#set({ aim: undefined });
  }

  #dispatchToList(action: Action): void {
    if (action.type === "up" || action.type === "down") {
      void this.model.step(action.type === "up" ? -1 : 1);
    } else if (action.type === "submit" || action.type === "escape") {
      this.#set({ listShown: false });
    } else if (action.type !== "edit") {
      this.#dispatchToThread(action);
    }
  }

  /** @param literal the text stands for itself, and is no command. */
  #edit(step: Edit, literal = false): void {
    const { draft } = this.#state;
    const isOpen = this.#account.active !== undefined;
    if (step.type === "insert" && !literal && (draft.text === "" || !isOpen)) {
      if (step.text === "?") return this.#overlays.openHelp();
      // Whoever types fast sends the word along.
      if (step.text.startsWith("/")) return this.#overlays.openSearch(step.text.slice(1));
    }
    if (!isOpen) return;
    const changed = edit(draft, step);
    if (changed === draft) return;
    this.#set({ draft: changed });
    if (changed.text !== draft.text && changed.text !== "") this.model.noteTyping();
  }

  async #submit(): Promise<void> {
    const { draft, aim } = this.#state;
    const peer = this.#account.active;
    if (peer === undefined || draft.text.trim() === "") return;
    if (aim?.type === "edit") return this.#submitEdit(peer, aim, draft);
    this.#set({ draft: emptyDraft, scroll: 0, aim: undefined });
    if (await this.model.send(draft.text, aim === undefined ? {} : { replyTo: aim.message.id })) return;
    // Nothing typed is lost: it goes back to where it was written.
    if (this.#account.active !== peer) this.#drafts.set(peer, draft);
    else if (this.#state.draft.text === "") this.#set({ draft, aim });
  }

  async #submitEdit(peer: string, aim: Aim & { readonly type: "edit" }, draft: Draft): Promise<void> {
    this.#endAim();
    const { messenger } = this.model;
    if (await this.model.attempt(() => messenger.edit(peer, aim.message.id, draft.text))) return;
    if (this.#account.active === peer && this.#state.aim === undefined) this.#set({ draft, aim });
  }

  #scrollBy(lines: number): void {
    const { messageRows, paneColumns } = this.areas();
    const { thread } = this.#account;
    const wanted = Math.max(0, this.#state.scroll + lines);
    const { below, atTop } = windowOf(thread, paneColumns, messageRows, wanted);
    if (below !== this.#state.scroll) this.#set({ scroll: below });
    if (atTop && lines > 0) void this.model.loadOlder();
  }

  #onAccount(): void {
    const before = this.#account;
    const now = this.model.getSnapshot();
    this.#account = now;
    if (before.active !== now.active) {
      const { aim } = this.#state;
      const written = aim?.type === "edit" ? draftOf(aim.before) : this.#state.draft;
      if (before.active !== undefined) this.#drafts.set(before.active, written);
      const draft = (now.active === undefined ? undefined : this.#drafts.get(now.active)) ?? emptyDraft;
      this.#set({ draft, scroll: 0, picked: undefined, aim: undefined });
    } else if (this.#state.scroll > 0 && before.thread !== now.thread) {
      this.#set({ scroll: this.#state.scroll + this.#addedLines(before, now) });
    }
  }

  /** Lines that came below: who reads older messages keeps their place. */
  #addedLines(before: Snapshot, now: Snapshot): number {
    const lastId = before.thread.messages.at(-1)?.id;
    const at = now.thread.messages.findLastIndex(({ id }) => id === lastId);
    if (at === -1) return 0;
    return linesFrom(now.thread, at + 1, this.areas().paneColumns).length;
  }

  #set(changes: Partial<ScreenState>): void {
    this.#state = { ...this.#state, ...changes };
    for (const listener of this.#listeners) listener();
  }
}

/** Messages that PgUp and PgDn pass while one is picked. */
const pickPage = 5;

const draftOf = (text: string): Draft => (text === "" ? emptyDraft : { text, cursor: text.length });

/** The rows of an alert in the footer: at most three. */
export function alertRows(alert: string, columns: number): readonly string[] {
  return wrap(`! ${alert} (Esc)`, columns - 1).slice(0, 3);
}
