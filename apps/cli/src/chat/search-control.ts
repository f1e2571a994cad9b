/**
 * Searching in the history: the line that one types, what it finds as one types it, and the way to a hit. Answers that come late are
 * dropped when something else is being looked for by then.
 */
import { emptyDraft, type Draft } from "./editor.ts";
import { explain } from "./explain.ts";
import type { Action } from "./keys.ts";
import { moved } from "./moved.ts";
import { editLine, type Overlay, type Search } from "./overlay.ts";
import type { ChatModel } from "./model.ts";

/** Most hits that are shown: more words find fewer. */
const mostHits = 50;
const lookAgainMs = 200;

/** What the control needs of the screen. */
export interface SearchHost {
  readonly model: ChatModel;
  overlay(): Overlay | undefined;
  setOverlay(overlay: Overlay | undefined): void;
  /** Shows a message where it was written. @param conversation its key. */
  showMessage(conversation: string, id: string): void;
  /** Writes into the message that is being written. */
  write(text: string): void;
}

/** The control of the search. */
export class SearchControl {
  readonly #host: SearchHost;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: SearchHost) {
    this.#host = host;
  }

  /** Ends what goes on in the background. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Begins to search. @param text what is typed already. */
  open(text = ""): void {
    const empty = {
      type: "search",
      draft: emptyDraft,
      page: undefined,
      selected: 0,
      problem: undefined,
    } as const;
    this.#host.setOverlay(empty);
    if (text !== "") this.inSearch(empty, { type: "edit", step: { type: "insert", text } });
  }

  inSearch(overlay: Search, action: Action): void {
    if (action.type === "edit") return this.#edit(overlay, action.step);
    const hits = overlay.page?.hits ?? [];
    if (action.type !== "submit") {
      return this.#host.setOverlay({ ...overlay, selected: moved(overlay.selected, action, hits.length) });
    }
    const message = hits[overlay.selected]?.message;
    if (message === undefined) return;
    this.#host.setOverlay(undefined);
    this.#host.showMessage(message.groupId ?? message.conversation, message.id);
  }

  #edit(overlay: Search, step: Parameters<typeof editLine>[1]): void {
    const wasEmpty = overlay.draft.text === "";
    // Whoever wants to write a path, and not to search, types the slash twice; whoever deletes it goes back.
    if (wasEmpty && step.type === "insert" && step.text.startsWith("/")) {
      this.#host.setOverlay(undefined);
      return this.#host.write(step.text);
    }
    if (wasEmpty && step.type === "backspace") return this.#host.setOverlay(undefined);
    const draft = editLine(overlay.draft, step);
    const same = draft.text === overlay.draft.text;
    this.#host.setOverlay({ ...overlay, draft, ...(same ? {} : { selected: 0, problem: undefined }) });
    if (!same) void this.#look(draft);
  }

  async #look({ text }: Draft): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const { messenger } = this.#host.model;
      const page = text.trim() === "" ? undefined : await messenger.search(text, { limit: mostHits });
      this.#show(text, { page });
      if (page?.index === "building") {
        this.#timer = setTimeout(() => {
          const overlay = this.#host.overlay();
          if (overlay?.type === "search" && overlay.draft.text === text) void this.#look(overlay.draft);
        }, lookAgainMs);
      }
    } catch (error) {
      this.#show(text, { page: undefined, problem: explain(error) });
    }
  }

  #show(text: string, found: Pick<Search, "page"> & Partial<Pick<Search, "problem">>): void {
    const overlay = this.#host.overlay();
    if (overlay?.type !== "search" || overlay.draft.text !== text) return;
    const most = Math.max(0, (found.page?.hits.length ?? 0) - 1);
    this.#host.setOverlay({ ...overlay, ...found, selected: Math.min(overlay.selected, most) });
  }
}
