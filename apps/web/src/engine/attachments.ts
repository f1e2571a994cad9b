/**
 * The host's part of attachments. Files come from pages and go to them as Blobs: handles, which cross from tab to tab without their bytes.
 * Those are read and written piece by piece, so that a file of any size takes a few megabytes here.
 */
import type { ClientEvent, FileSink, Message, Messenger } from "@sotto/client/web";
import { blobSource } from "@sotto/client/web-vault";
import type { EngineEvent, FileToSend, PageSendOptions, Transfers, Upload } from "./messages.ts";

type Calls = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** What pages may call, and what the host tells it. */
export interface AttachmentHost {
  readonly calls: Calls;
  /** Something happened: what is under way is remembered for pages that come later. */
  watch(event: ClientEvent): void;
  /** Nothing is fetched any more. */
  stop(): void;
}

/** Bytes that a sink holds before they become a part of a Blob, which lies with the browser. */
const heldBytes = 2 * 1_048_576;
const tellEveryMs = 100;

const keyOf = ({ id, index }: Pick<Upload, "id" | "index">): string => `${id}/${index}`;

/** Makes it. @param messenger the open one; throws while the app is locked. */
export function attachmentHost(
  messenger: () => Messenger,
  tell: (event: EngineEvent) => void,
): AttachmentHost {
  const fetching = new Map<string, AbortController>();
  const uploads = new Map<string, Upload>();
  const forget = (id: string): void => {
    for (const [key, upload] of uploads) if (upload.id === id) uploads.delete(key);
  };
  /** Every page shows what one of them sent. */
  const shown = (message: Message): Message => {
    tell({ type: "client", event: { type: "message", message } });
    return message;
  };

  return {
    watch(event) {
      if (event.type === "upload") {
        const { id, index, done, total } = event;
        uploads.set(keyOf(event), { id, index, done, total, needed: false });
      } else if (event.type === "file_needed") {
        const { id, index } = event;
        uploads.set(keyOf(event), { id, index, done: 0, total: 0, needed: true });
      } else if (event.type === "status") {
        if (event.status !== "queued") forget(event.id);
      } else if (event.type === "messages_removed") {
        for (const id of event.ids) forget(id);
      }
    },
    stop() {
      for (const abort of fetching.values()) abort.abort();
      fetching.clear();
      uploads.clear();
    },
    calls: {
      async send(to: string, body: string, { attachments, ...options }: PageSendOptions = {}) {
        const message = await messenger().send(to, body, {
          ...options,
          ...(attachments !== undefined && {
            attachments: attachments.map((one) => ("file" in one ? readable(one) : one)),
          }),
        });
        return shown(message);
      },
      sendAgain: async (conversation: string, id: string) =>
        shown(await messenger().sendAgain(conversation, id)),
      supplyFile: (conversation: string, id: string, index: number, file: Blob) =>
        messenger().supplyFile(conversation, id, index, blobSource(file)),
      async fetchFile(token: string, conversation: string, id: string, index: number) {
        const abort = new AbortController();
        fetching.set(token, abort);
        const sink = blobSink();
        let toldAtMs = 0;
        const onProgress = (done: number, total: number): void => {
          const now = performance.now();
          if (now - toldAtMs < tellEveryMs && done < total) return;
          toldAtMs = now;
          tell({ type: "fetched", token, done, total });
        };
        try {
          const options = { signal: abort.signal, onProgress };
          await messenger().downloadAttachment(conversation, id, index, sink, options);
          return sink.blob();
        } finally {
          fetching.delete(token);
        }
      },
      async cancelFetch(token: string) {
        fetching.get(token)?.abort();
      },
      async transfers(): Promise<Transfers> {
        return [...uploads.values()];
      },
      async largestAttachment() {
        return messenger().largestAttachment();
      },
    },
  };
}

const readable = ({ file, ...rest }: FileToSend) => ({ ...rest, source: blobSource(file) });

/** Gathers a file. Its type is none that a browser would show: whoever shows it says as what. */
function blobSink(): FileSink & { blob(): Blob } {
  let whole: Blob[] = [];
  let held: Uint8Array<ArrayBuffer>[] = [];
  let heldNow = 0;
  const lay = (): void => {
    if (held.length > 0) whole.push(new Blob(held));
    held = [];
    heldNow = 0;
  };
  return {
    async write(bytes) {
      held.push(bytes as Uint8Array<ArrayBuffer>);
      heldNow += bytes.length;
      if (heldNow >= heldBytes) lay();
    },
    async close() {
      lay();
    },
    async abort() {
      whole = [];
      held = [];
    },
    blob: () => new Blob(whole, { type: "application/octet-stream" }),
  };
}
