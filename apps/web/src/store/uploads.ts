/**
 * What is on its way to the server, as every page shows it. The page that chose a file keeps hold of it until its message has gone out: when
 * the tab that did the work goes, the next one is given the file again without anybody being asked.
 */
import type { Upload } from "../engine/messages.ts";
import { noteWork } from "../page/busy.ts";
import type { EngineClient } from "../page/engine-client.ts";

/** Uploads of a message, by the number of the attachment. */
export type MessageUploads = ReadonlyMap<number, Upload>;

/** The uploads. */
export interface Uploads {
  /** Of a message; the same object until one of them changes. */
  of(id: string): MessageUploads | undefined;
  subscribe(changed: () => void): () => void;
  /** Keeps hold of the files of a message. */
  keep(conversation: string, id: string, files: readonly Blob[]): void;
}

/** Files of a message that this page holds. */
interface Kept {
  readonly conversation: string;
  readonly files: readonly Blob[];
  /** They are not needed any more. */
  release(): void;
}

const tracked = new WeakMap<EngineClient, Uploads>();

/** Those of an engine. */
export function uploadsOf(engine: EngineClient): Uploads {
  const known = tracked.get(engine) ?? track(engine);
  tracked.set(engine, known);
  return known;
}

function track(engine: EngineClient): Uploads {
  const listeners = new Set<() => void>();
  const uploads = new Map<string, MessageUploads>();
  const kept = new Map<string, Kept>();
  let term = "";

  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const note = (upload: Upload): void => {
    const { id, index } = upload;
    const mine = kept.get(id);
    const file = mine?.files[index];
    if (upload.needed && mine !== undefined && file !== undefined) {
      engine.calls.supplyFile(mine.conversation, id, index, file).catch(() => undefined);
      return;
    }
    uploads.set(id, new Map(uploads.get(id)).set(index, upload));
    changed();
  };
  const forget = (id: string): void => {
    kept.get(id)?.release();
    kept.delete(id);
    if (uploads.delete(id)) changed();
  };
  const read = async (): Promise<void> => {
    if (engine.state.phase !== "open" || engine.term === term) return;
    ({ term } = engine);
    const asked = term;
    uploads.clear();
    const found = await engine.calls.transfers().catch(() => []);
    if (engine.term === asked) for (const upload of found) note(upload);
  };

  engine.subscribe((event) => {
    if (event.type === "state") {
      if (event.state.phase === "locked" || event.state.phase === "empty") {
        term = "";
        for (const { release } of kept.values()) release();
        kept.clear();
      }
      return void read();
    }
    if (event.type !== "client") return;
    const { event: happened } = event;
    if (happened.type === "upload") {
      const { id, index, done, total } = happened;
      note({ id, index, done, total, needed: false });
    } else if (happened.type === "file_needed") {
      const { id, index } = happened;
      note({ id, index, done: 0, total: 0, needed: true });
    } else if (happened.type === "status") {
      if (happened.status !== "queued") forget(happened.id);
    } else if (happened.type === "messages_removed") {
      for (const id of happened.ids) forget(id);
    }
  });
  void read();

  return {
    of: (id) => uploads.get(id),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    keep(conversation, id, files) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Without this page they would have to be chosen again.
      noteWork(promise);
      kept.set(id, { conversation, files, release: resolve });
    },
  };
}
