/**
 * Keys in what is shown about devices: the list, letting a new one in, revoking one. A code can be part of a fraud, so what asks
 * is shown before anything is done, and letting it in takes two deliberate steps: a yes, and a word.
 */
import type { DeviceSummary } from "@sotto/client";
import { SottoError } from "@sotto/protocol";
import { deviceTitle } from "../device-rows.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { approvalWord } from "../link-request.ts";
import { explain } from "./explain.ts";
import { emptyDraft } from "./editor.ts";
import type { Action } from "./keys.ts";
import { moved } from "./moved.ts";
import type { OverlayHost } from "./overlay-control.ts";
import { editLine, type Approve, type Confirm, type Devices, type Grave, type Prompt } from "./overlay.ts";

interface DeviceParts {
  readonly host: OverlayHost;
  /** Asks for the code on a new device's screen. */
  askCode(): void;
  /** Asks whether a device is to be revoked. */
  askFirst(device: DeviceSummary): void;
}

/** How often to look whether a new device has everything. */
const lookEveryMs = 500;

/** The control of what is shown about devices. */
export class DeviceControl {
  readonly #parts: DeviceParts;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  /** Shows the list, and loads it. */
  open(note?: string): void {
    const { host } = this.#parts;
    const opening: Devices = { type: "devices", devices: undefined, selected: 0, note, problem: undefined };
    host.setOverlay(opening);
    void this.#load();
  }

  async #load(): Promise<void> {
    const { host } = this.#parts;
    let found: Partial<Devices>;
    try {
      const devices = await host.model.messenger.devices();
      // Those in use first, each part in the order of the list.
      found = { devices: devices.toSorted((a, b) => Number(a.revoked) - Number(b.revoked)) };
    } catch (error) {
      found = { devices: [], problem: explain(error) };
    }
    const overlay = host.overlay();
    if (overlay?.type === "devices") host.setOverlay({ ...overlay, ...found });
  }

  inList(overlay: Devices, action: Action): void {
    const selected = moved(overlay.selected, action, overlay.devices?.length ?? 0);
    this.#parts.host.setOverlay({ ...overlay, selected, problem: undefined });
  }

  letter(overlay: Devices, letter: string): void {
    const device = overlay.devices?.[overlay.selected];
    if (letter === "l") return this.#parts.askCode();
    if (letter !== "x" || device === undefined || device.revoked) return;
    if (!device.current) return this.#parts.askFirst(device);
    const problem = "A device cannot revoke itself: do it on another one of yours.";
    this.#parts.host.setOverlay({ ...overlay, problem });
  }

  /** Looks up what asks under a code. */
  async lookUp(busy: Prompt, code: string): Promise<void> {
    const { host } = this.#parts;
    host.setOverlay(busy);
    try {
      const request = await host.model.messenger.linkRequest(code);
      if (host.overlay() !== busy) return;
      const rest = { sure: false, draft: emptyDraft, problem: undefined, busy: false };
      host.setOverlay({ type: "approve", request, ...rest });
    } catch (error) {
      if (host.overlay() === busy) host.setOverlay({ ...busy, busy: false, problem: explainCode(error) });
    }
  }

  /** The first step: a yes. */
  answer(overlay: Approve, letter: string): void {
    if (letter === "y") this.#parts.host.setOverlay({ ...overlay, sure: true });
    else if (letter === "n") this.open("Nothing was linked.");
  }

  /** The second step: the word. */
  inApprove(overlay: Approve, action: Action): void {
    const { host } = this.#parts;
    if (overlay.busy || !overlay.sure) return;
    if (action.type === "edit") {
      const draft = editLine(overlay.draft, action.step);
      return host.setOverlay({ ...overlay, draft, problem: undefined });
    }
    if (action.type !== "submit") return;
    if (overlay.draft.text.trim().toLowerCase() === approvalWord) return void this.#approve(overlay);
    host.setOverlay({ ...overlay, problem: `That is not the word ${approvalWord}. Esc: nothing is linked.` });
  }

  async #approve(overlay: Approve): Promise<void> {
    const { host } = this.#parts;
    const { code, name } = overlay.request;
    const busy = { ...overlay, busy: true };
    host.setOverlay(busy);
    try {
      await host.model.messenger.approveLink(code);
      const title = name === "" ? "The new device" : sanitiseLine(name);
      if (host.overlay() === busy) this.open(`${title} is a device of yours now. ${handingOver}`);
      this.#watch(title);
    } catch (error) {
      if (host.overlay() === busy) host.setOverlay({ ...busy, busy: false, problem: explain(error) });
      else host.model.showProblem(error);
    }
  }

  /** Says when the new device has everything; what is left when the chat is closed goes on with the next connection. */
  #watch(title: string): void {
    const { host } = this.#parts;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const linking = await host.model.messenger.doctor().then(
        (report) => report.linking,
        () => 0,
      );
      if (linking > 0) return this.#watch(title);
      const overlay = host.overlay();
      if (overlay?.type === "devices")
        host.setOverlay({ ...overlay, note: `${title} has contacts, groups and history.` });
    }, lookEveryMs);
  }

  /** Takes a device off the account. */
  async revoke(busy: Confirm & { readonly step: Grave & { kind: "revoke" } }): Promise<void> {
    const { host } = this.#parts;
    const { device } = busy.step;
    host.setOverlay(busy);
    try {
      await host.model.messenger.revokeDevice(device.id);
      if (host.overlay() !== busy) return;
      this.open(
        `${deviceTitle(device)} is revoked. It had the account's identity key: if it may be in other hands, run ` +
          "'sotto keys rotate --identity' next.",
      );
    } catch (error) {
      if (host.overlay() === busy) host.setOverlay({ ...busy, busy: false, problem: explain(error) });
      else host.model.showProblem(error);
    }
  }

  /** Ends what goes on in the background. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}

const handingOver = "It gets contacts, groups and history \u2026";

/** A code that is none is typed again. */
function explainCode(error: unknown): string {
  if (!(error instanceof SottoError) || error.code !== "usage") return explain(error);
  return `${error.message}: type it as the new device shows it, such as ABCD-EFGH-JKMN-PQRS.`;
}
