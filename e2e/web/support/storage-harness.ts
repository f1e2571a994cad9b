/** Runs in the browser: opens storages on IndexedDB and hands calls on. Bytes cross as base64, errors as "[code]". */
import { SottoError, indexedDbStorage, openDatabase, takeLease } from "@sotto/client/web";

type Row = { readonly key: string; readonly value: string };

const opened: Awaited<ReturnType<typeof openStorage>>[] = [];

async function openStorage(name: string) {
  const database = await openDatabase(name);
  return indexedDbStorage(database, await takeLease(database));
}

const bytes = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const text = (given: Uint8Array): string =>
  btoa(Array.from(given, (byte) => String.fromCharCode(byte)).join(""));

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof SottoError ? new Error(`[${cause.code}]`, { cause }) : cause;
  }
}

const storage = (handle: number) => {
  const found = opened[handle];
  if (found === undefined) throw new Error("no such storage");
  return found;
};

const harness = {
  async open(name: string): Promise<number> {
    return opened.push(await openStorage(name)) - 1;
  },
  get: (handle: number, key: string): Promise<string | undefined> =>
    told(async () => {
      const value = await storage(handle).get(bytes(key));
      return value === undefined ? undefined : text(value);
    }),
  range: (handle: number, from: string, to: string, options: object): Promise<Row[]> =>
    told(async () =>
      (await storage(handle).range(bytes(from), bytes(to), options)).map(({ key, value }) => ({
        key: text(key),
        value: text(value),
      })),
    ),
  apply: (handle: number, puts: readonly Row[], deletes: readonly string[]): Promise<void> =>
    told(() =>
      storage(handle).apply({
        puts: puts.map(({ key, value }) => ({ key: bytes(key), value: bytes(value) })),
        deletes: deletes.map(bytes),
      }),
    ),
  close: (handle: number): Promise<void> => told(() => storage(handle).close()),
};

/** What the test calls. */
export type StorageHarness = typeof harness;

Object.assign(globalThis, { harness });
