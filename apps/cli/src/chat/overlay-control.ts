/**
 * Turns keys into what happens to the overlay: menu, prompts, members, safety numbers. Work on the account runs beside;
 * a failure is shown where it was asked for, and Esc always leads back, whatever is still under way.
 */
import { SottoError } from "@sotto/protocol";
import type { GroupMember } from "@sotto/client";
import { sanitiseLine } from "@sotto/client/readable";
import { formatDuration } from "../duration.ts";
import { parsePeer } from "../options.ts";
import { DeviceControl } from "./device-control.ts";
import { SearchControl, type SearchHost } from "./search-control.ts";
import { emptyDraft } from "./editor.ts";
import type { Action } from "./keys.ts";
import { activeOf, keyOf } from "./model.ts";
import { moved } from "./moved.ts";
import {
  editLine,
  menuFor,
  parsePeople,
  takesText,
  type Asked,
  reactionFrom,
  timerFrom,
  type Confirm,
  type Delete,
  type Grave,
  type MenuEntry,
  type Overlay,
  type Prompt,
} from "./overlay.ts";

/** What the control needs of the screen. */
export interface OverlayHost extends SearchHost {
  /** A conversation was opened: it is to be seen. */
  showThread(): void;
  quit(): void;
}

/** The control of what lies over the messages. */
export class OverlayControl {
  readonly #host: OverlayHost;
  readonly #devices: DeviceControl;
  readonly #search: SearchControl;

  constructor(host: OverlayHost) {
    this.#host = host;
    this.#search = new SearchControl(host);
    this.#devices = new DeviceControl({
      host,
      askCode: () => this.ask({ kind: "link-code" }),
      askFirst: (device) => this.#confirm({ kind: "revoke", device }),
    });
  }

  /** Ends what goes on in the background. */
  stop(): void {
    this.#devices.stop();
    this.#search.stop();
  }

  openHelp(): void {
    this.#host.setOverlay({ type: "help" });
  }

  /** Searches in the history. @param text what is typed already. */
  openSearch(text = ""): void {
    this.#search.open(text);
  }

  openMenu(): void {
    this.#host.setOverlay({ type: "menu", selected: 0 });
  }

  /** Asks how a message is to be deleted. */
  openDelete(asked: Pick<Delete, "conversation" | "message" | "own" | "unsent">): void {
    this.#host.setOverlay({ type: "delete", ...asked, problem: undefined, busy: false });
  }

  /** Asks for a line of text. */
  ask(asked: Asked, text = ""): void {
    const draft = text === "" ? emptyDraft : { text, cursor: text.length };
    this.#host.setOverlay({ type: "prompt", asked, draft, problem: undefined, busy: false });
  }

  /** The safety number of the open contact, or the people of the open group. */
  openPeople(): void {
    const open = activeOf(this.#host.model.getSnapshot());
    if (open?.group !== undefined) {
      this.#host.setOverlay({ type: "members", selected: 0, problem: undefined });
    } else if (open !== undefined) {
      void this.#openVerify(open.peer, undefined);
    }
  }

  dispatch(overlay: Overlay, action: Action): void {
    // Keys that came in one chunk mean what they would mean one by one.
    if (action.type === "edit" && action.step.type === "insert" && !takesText(overlay)) {
      const [first = "", ...rest] = Array.from(action.step.text);
      this.#letter(overlay, first);
      const next = this.#host.overlay();
      if (rest.length > 0 && next !== undefined) {
        this.dispatch(next, { type: "edit", step: { type: "insert", text: rest.join("") } });
      }
      return;
    }
    if (action.type === "escape") {
      return this.#escape(overlay);
    }
    switch (overlay.type) {
      case "help":
        return this.#host.setOverlay(undefined);
      case "delete":
        return;
      case "menu":
        return this.#inMenu(overlay, action);
      case "prompt":
        return this.#inPrompt(overlay, action);
      case "search":
        return this.#search.inSearch(overlay, action);
      case "members":
        return this.#inMembers(overlay, action);
      case "devices":
        return this.#devices.inList(overlay, action);
      case "approve":
        return this.#devices.inApprove(overlay, action);
      case "verify":
        if (action.type === "submit" || action.type === "people") this.#host.setOverlay(overlay.back);
        return;
      case "confirm":
        return;
    }
  }

  /** Leads back to where one came from. */
  #escape(overlay: Overlay): void {
    if (overlay.type === "verify") return this.#host.setOverlay(overlay.back);
    const isOfDevices =
      overlay.type === "approve" ||
      (overlay.type === "prompt" && overlay.asked.kind === "link-code") ||
      (overlay.type === "confirm" && overlay.step.kind === "revoke");
    if (isOfDevices) return this.#devices.open();
    this.#host.setOverlay(undefined);
  }

  #letter(overlay: Overlay, letter: string): void {
    switch (overlay.type) {
      case "help":
        return this.#host.setOverlay(undefined);
      case "menu": {
        const entry = this.#menu().find((one) => one.letter === letter.toLowerCase());
        if (entry !== undefined) this.#run(entry.command);
        return;
      }
      case "members":
        return this.#memberLetter(overlay, letter);
      case "verify":
        return this.#answerVerify(overlay, letter);
      case "delete":
        if (letter === "e" && overlay.own) void this.#delete(overlay, true);
        else if (letter === "h") void this.#delete(overlay, false);
        else if (letter === "n") this.#host.setOverlay(undefined);
        return;
      case "confirm":
        if (letter === "y") void this.#confirmed(overlay);
        else if (letter === "n") this.#escape(overlay);
        return;
      case "devices":
        return this.#devices.letter(overlay, letter);
      case "approve":
        return this.#devices.answer(overlay, letter);
      case "prompt":
      case "search":
        return;
    }
  }

  #menu(): readonly MenuEntry[] {
    return menuFor(activeOf(this.#host.model.getSnapshot()));
  }

  #inMenu(overlay: Overlay & { type: "menu" }, action: Action): void {
    const entries = this.#menu();
    const { selected } = overlay;
    if (action.type === "menu") return this.#host.setOverlay(undefined);
    if (action.type === "submit") {
      const entry = entries[selected];
      if (entry !== undefined) this.#run(entry.command);
      return;
    }
    this.#host.setOverlay({ ...overlay, selected: moved(selected, action, entries.length) });
  }

  #run(command: MenuEntry["command"]): void {
    const open = activeOf(this.#host.model.getSnapshot());
    const group = open?.group;
    switch (command) {
      case "accept":
      case "decline":
        return open === undefined ? undefined : this.#answerRequest(keyOf(open), command);
      case "person":
        return this.ask({ kind: "person" });
      case "group":
        return this.ask({ kind: "group-name" });
      case "members":
      case "verify":
        return this.openPeople();
      case "devices":
        return this.#devices.open();
      case "search":
        return this.openSearch();
      case "help":
        return this.openHelp();
      case "timer":
        return this.#askTimer();
      case "quit":
        return this.#host.quit();
    }
    if (group === undefined) return;
    const { id, name } = group;
    if (command === "add") return this.ask({ kind: "add", group: id, name });
    if (command === "rename") return this.ask({ kind: "rename", group: id, name }, name);
    this.#confirm({ kind: "leave", group: id, name });
  }

  #answerRequest(key: string, answer: "accept" | "decline"): void {
    const { model } = this.#host;
    const { messenger } = model;
    this.#host.setOverlay(undefined);
    void model.attempt(() =>
      answer === "accept"
        ? messenger.acceptRequest(key).then(() => model.select(key))
        : messenger.deleteRequest(key),
    );
  }

  #confirm(step: Grave): void {
    this.#host.setOverlay({ type: "confirm", step, problem: undefined, busy: false });
  }

  #inPrompt(overlay: Prompt, action: Action): void {
    if (overlay.busy) return;
    if (action.type === "edit") {
      const draft = editLine(overlay.draft, action.step);
      return this.#host.setOverlay({ ...overlay, draft, problem: undefined });
    }
    const text = overlay.draft.text.trim();
    if (action.type !== "submit" || text === "") return;
    const { asked } = overlay;
    if (asked.kind === "group-name") return this.ask({ kind: "group-people", name: text });
    if (asked.kind === "link-code") return void this.#devices.lookUp({ ...overlay, busy: true }, text);
    let work: () => Promise<boolean>;
    try {
      work = this.#workOf(asked, text);
    } catch (error) {
      const problem = sanitiseLine(error instanceof SottoError ? error.message : String(error));
      return this.#host.setOverlay({ ...overlay, problem });
    }
    void this.#carryOut({ ...overlay, busy: true }, work);
  }

  /** What a filled-in line asks for. @throws SottoError for people who are none. */
  #workOf(asked: Exclude<Asked, { kind: "link-code" }>, text: string): () => Promise<boolean> {
    const { model } = this.#host;
    const { messenger } = model;
    switch (asked.kind) {
      case "person": {
        const peer = parsePeer(text);
        return () => model.begin(peer);
      }
      case "group-people": {
        const people = parsePeople(text);
        return async () => {
          let id = "";
          const made = await model.attempt(async () => {
            ({ id } = await messenger.createGroup(asked.name, people));
          });
          if (made) await model.select(id);
          return made;
        };
      }
      case "add": {
        const people = parsePeople(text);
        return () => model.attempt(() => messenger.addToGroup(asked.group, people));
      }
      case "rename":
        return () => model.attempt(() => messenger.renameGroup(asked.group, text));
      case "timer": {
        const seconds = timerFrom(text);
        return () => model.attempt(() => messenger.setTimer(asked.conversation, seconds));
      }
      case "react":
        return () =>
          model.attempt(() => messenger.react(asked.conversation, asked.message, reactionFrom(text)));
      case "group-name":
        return () => Promise.resolve(true);
    }
  }

  /** Runs work with its overlay shown as busy; then closes that, or shows in it what went wrong. */
  async #carryOut(busy: Prompt | Confirm | Delete, work: () => Promise<boolean>): Promise<void> {
    const { model } = this.#host;
    this.#host.setOverlay(busy);
    const done = await work();
    // Somebody went back meanwhile: what went wrong stays in the footer.
    if (this.#host.overlay() !== busy) return;
    if (done) {
      this.#host.setOverlay(undefined);
      return this.#host.showThread();
    }
    const problem = model.getSnapshot().alert;
    model.dismissAlert();
    this.#host.setOverlay({ ...busy, busy: false, problem });
  }

  #askTimer(): void {
    const open = activeOf(this.#host.model.getSnapshot());
    if (open === undefined) return;
    const now = open.timer === undefined ? "" : formatDuration(open.timer);
    this.ask({ kind: "timer", conversation: keyOf(open), name: open.peer }, now);
  }

  async #delete(overlay: Delete, forEveryone: boolean): Promise<void> {
    if (overlay.busy) return;
    const { model } = this.#host;
    const { conversation, message } = overlay;
    await this.#carryOut({ ...overlay, busy: true }, () =>
      model.attempt(() => model.messenger.deleteMessage(conversation, message, { forEveryone })),
    );
  }

  async #confirmed(overlay: Confirm): Promise<void> {
    if (overlay.busy) return;
    const { model } = this.#host;
    const { messenger } = model;
    const { step } = overlay;
    const busy = { ...overlay, busy: true };
    if (step.kind === "revoke") return await this.#devices.revoke({ ...busy, step });
    await this.#carryOut(busy, () =>
      model.attempt(() =>
        step.kind === "leave"
          ? messenger.leaveGroup(step.group)
          : messenger.removeFromGroup(step.group, [step.who]),
      ),
    );
  }

  #inMembers(overlay: Overlay & { type: "members" }, action: Action): void {
    const { members } = this.#host.model.getSnapshot();
    if (action.type === "people") return this.#host.setOverlay(undefined);
    if (action.type === "submit") {
      const member = members?.[overlay.selected];
      if (member !== undefined && !member.self) void this.#openVerify(member.identifier, overlay);
      return;
    }
    const selected = moved(overlay.selected, action, members?.length ?? 0);
    this.#host.setOverlay({ ...overlay, selected, problem: undefined });
  }

  #memberLetter(overlay: Overlay & { type: "members" }, letter: string): void {
    const { model } = this.#host;
    const snapshot = model.getSnapshot();
    const group = activeOf(snapshot)?.group;
    const member = snapshot.members?.[overlay.selected];
    if (group?.admin !== true || group.state !== "joined") return;
    const { id, name } = group;
    if (letter === "a") return this.ask({ kind: "add", group: id, name });
    if (member === undefined) return;
    if (letter === "x" && !member.self) {
      return this.#confirm({ kind: "remove", group: id, name, who: member.identifier });
    }
    if (letter === "o") void this.#toggleAdmin(id, member);
  }

  async #toggleAdmin(group: string, member: GroupMember): Promise<void> {
    const { model } = this.#host;
    const admin = member.role !== "admin";
    const done = await model.attempt(() => model.messenger.setAdmins(group, [member.identifier], admin));
    const overlay = this.#host.overlay();
    if (done || overlay?.type !== "members") return;
    const problem = model.getSnapshot().alert;
    model.dismissAlert();
    this.#host.setOverlay({ ...overlay, problem });
  }

  async #openVerify(peer: string, back: (Overlay & { type: "members" }) | undefined): Promise<void> {
    const { model } = this.#host;
    const opening: Overlay = { type: "verify", peer, safetyNumber: undefined, asQr: false, back };
    this.#host.setOverlay(opening);
    try {
      const safetyNumber = await model.messenger.safetyNumber(peer);
      if (this.#host.overlay() === opening) this.#host.setOverlay({ ...opening, safetyNumber });
    } catch (error) {
      if (this.#host.overlay() === opening) this.#host.setOverlay(back);
      model.showProblem(error);
    }
  }

  #answerVerify(overlay: Overlay & { type: "verify" }, letter: string): void {
    const { peer, back } = overlay;
    const { model } = this.#host;
    if (letter === "c") return this.#host.setOverlay({ ...overlay, asQr: !overlay.asQr });
    const { messenger } = model;
    const changed = model.getSnapshot().contacts.get(peer)?.identityChanged === true;
    if (letter === "y") void model.attempt(() => messenger.setVerified(peer, true));
    else if (letter === "r") void model.attempt(() => messenger.setVerified(peer, false));
    else if (letter === "a" && changed) void model.attempt(() => messenger.acknowledgeIdentity(peer));
    else return;
    this.#host.setOverlay(back);
  }
}
