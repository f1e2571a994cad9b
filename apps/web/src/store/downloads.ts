/**
 * Files that this page fetches: each once at a time, whoever asks for it, and kept at hand for a while, so that a picture that is opened
 * again is there at once. What is kept are handles of the browser; all of it goes when the app is locked.
 */
import { EngineError, type EngineClient } from "../page/engine-client.ts";

/** Which attachment of which message. */
export interface FilePlace {
  readonly conversation: string;
  readonly id: string;
  readonly index: number;
}

/** How far one is. */
export type Download =
  | { readonly state: "none" }
  /** In bytes. */
  | { readonly state: "running"; readonly done: number; readonly total: number }
  | { readonly state: "here"; readonly file: Blob }
  /** With a code of spec/ERRORS.md. */
  | { readonly state: "failed"; readonly code: string };

/** The downloads. */
export interface Downloads {
  of(place: FilePlace): Download;
  subscribe(changed: () => void): () => void;
  /** The file; undefined when that was cancelled, or failed: see of(). */
  fetch(place: FilePlace): Promise<Blob | undefined>;
  cancel(place: FilePlace): void;
}

const mostKeptBytes = 128 * 1_048_576;
const none: Download = { state: "none" };

const tracked = new WeakMap<EngineClient, Downloads>();

/** Those of an engine. */
export function downloadsOf(engine: EngineClient): Downloads {
  const known = tracked.get(engine) ?? track(engine);
  tracked.set(engine, known);
  return known;
}

const nameOf = ({ conversation, id, index }: FilePlace): string => `${id}/${index} ${conversation}`;

function track(engine: EngineClient): Downloads {
  const listeners = new Set<() => void>();
  /** Those that were used last come last. */
  const downloads = new Map<string, Download>();
  const running = new Map<string, { readonly token: string; readonly file: Promise<Blob | undefined> }>();

  const set = (name: string, next: Download): void => {
    downloads.delete(name);
    if (next.state !== "none") downloads.set(name, next);
    for (const listener of listeners) listener();
  };
  /** What disappeared, or was taken back, is not kept at hand either. */
  const forget = (ids: readonly string[]): void => {
    for (const name of downloads.keys()) {
      if (ids.some((id) => name.startsWith(`${id}/`))) downloads.delete(name);
    }
  };
  const trim = (): void => {
    let bytes = 0;
    for (const [name, download] of [...downloads].toReversed()) {
      if (download.state !== "here") continue;
      bytes += download.file.size;
      // The newest one stays, however large.
      if (bytes > mostKeptBytes && bytes > download.file.size) downloads.delete(name);
    }
  };

  engine.subscribe((event) => {
    if (event.type === "state" && event.state.phase === "locked") {
      downloads.clear();
      running.clear();
    }
    if (event.type === "client" && event.event.type === "messages_removed") forget(event.event.ids);
    if (event.type === "client" && event.event.type === "message_changed") {
      const { message } = event.event;
      if (message.deleted === true) forget([message.id]);
    }
    if (event.type !== "fetched") return;
    for (const [name, { token }] of running) {
      if (token === event.token) set(name, { state: "running", done: event.done, total: event.total });
    }
  });

  const begin = async (name: string, place: FilePlace, token: string): Promise<Blob | undefined> => {
    const isCurrent = (): boolean => running.get(name)?.token === token;
    try {
      const file = await engine.calls.fetchFile(token, place.conversation, place.id, place.index);
      if (!isCurrent()) return undefined;
      running.delete(name);
      set(name, { state: "here", file });
      trim();
      return file;
    } catch (cause) {
      if (!isCurrent()) return undefined;
      running.delete(name);
      set(name, { state: "failed", code: cause instanceof EngineError ? cause.code : "internal" });
      return undefined;
    }
  };

  return {
    of: (place) => downloads.get(nameOf(place)) ?? none,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    fetch(place) {
      const name = nameOf(place);
      const known = downloads.get(name);
      if (known?.state === "here") {
        set(name, known);
        return Promise.resolve(known.file);
      }
      const under = running.get(name);
      if (under !== undefined) return under.file;
      const token = crypto.randomUUID();
      const { promise, resolve } = Promise.withResolvers<Blob | undefined>();
      running.set(name, { token, file: promise });
      set(name, { state: "running", done: 0, total: 0 });
      void begin(name, place, token).then(resolve);
      return promise;
    },
    cancel(place) {
      const name = nameOf(place);
      const under = running.get(name);
      running.delete(name);
      set(name, none);
      if (under !== undefined) engine.calls.cancelFetch(under.token).catch(() => undefined);
    },
  };
}
