/**
 * The server's data folder: made on first start, reused later, and refused without touching a byte when it is damaged,
 * somebody else's, or in use. Nodes of one database, of which it holds only the keys, may use it together.
 *
 * A first start writes the marker in state "new", then keys and database, then the marker in state "ready"; each file
 * appears whole or not at all. So a first start that was cut off is finished by the next, while in a ready folder a missing
 * file is damage, never an invitation to make a new key.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  SottoError,
  StorageError,
  UsageError,
  equalBytes,
  parseHex,
  toHex,
  type ErrorCode,
} from "@sotto/protocol";
import * as z from "zod";
import { findDatabaseDamage } from "./database-check.ts";
import { TEMPORARY_SUFFIX, writeFileDurably } from "./durable-file.ts";
import { lockFolder } from "./folder-lock.ts";
import { VapidKey, generateVapidPem } from "./push/vapid.ts";
import { ServerKey, generatePrivateKeyPem, parsePublicKeyPem, publicKeyPem } from "./server-key.ts";

/** Names of what is in a data folder. */
export const DATA_FILES = {
  marker: "sotto-data.json",
  lock: "lock",
  privateKey: "server_private_key.pem",
  publicKey: "server_public_key.pem",
  directoryKey: "directory.key",
  vapidKey: "push_private_key.pem",
  database: "sotto.db",
} as const;
/** Those that hold keys. */
const KEY_FILES: readonly string[] = [
  DATA_FILES.privateKey,
  DATA_FILES.publicKey,
  DATA_FILES.directoryKey,
  DATA_FILES.vapidKey,
];
/** The folder of blobs in it. */
export const BLOBS_FOLDER = "blobs";

const markerSchema = z.object({
  format: z.literal("sotto-server-data"),
  version: z.number().int(),
  state: z.enum(["new", "ready", "moved"]),
  /** Where the data of a moved one is. */
  to: z.string().optional(),
});
type Marker = z.output<typeof markerSchema>;
type State = Marker["state"];
const formatVersion = 1;
const directoryKeyBytes = 32;
/** How long a node waits for another one's first start, and how often it looks: making keys takes a second or two. */
const firstStartMs = 15_000;
const lookEveryMs = 50;

/** An open, locked data folder. */
export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  readonly key: ServerKey;
  /** 32 bytes: identifiers are stored only as HMACs under it. */
  readonly directoryKey: Uint8Array;
  /** Names the server to push services. */
  readonly vapidKey: VapidKey;
  readonly databasePath: string;
  /** Folder of blobs; made when the first one comes. */
  readonly blobsPath: string;
  /** Whether this start made (or finished making) the folder. */
  readonly isNew: boolean;
  /** Things to tell the operator. */
  readonly warnings: readonly string[];
  /** Tells that the database is there: from now on a missing file is damage. */
  markReady(): void;
  /** Lets other processes use the folder. */
  release(): void;
}

/**
 * Opens the data folder, making it if it is missing or empty.
 * @param holdsDatabase false: the database is elsewhere; a folder that holds one is refused, since nobody would see what is in it.
 * @throws StorageError `data_folder_damaged`, `data_folder_foreign`, `data_folder_locked`, `data_moved`; UsageError `config_invalid` when
 * the system does not let this user.
 */
export async function openDataFolder(folder: string, holdsDatabase = true): Promise<DataFolder> {
  const path = resolve(folder);
  return open(path, holdsDatabase).catch((error: unknown) => {
    throw unusable(path, error);
  });
}

async function open(path: string, holdsDatabase: boolean): Promise<DataFolder> {
  if (inspect(path) === "absent") mkdirSync(path, { recursive: true, mode: 0o700 });
  const at = (file: keyof typeof DATA_FILES): string => join(path, DATA_FILES[file]);
  const hadLock = existsSync(at("lock"));
  let release = holdsDatabase ? lockFolder(at("lock")) : await lockForNode(path);
  if (release === undefined) {
    throw new StorageError("data_folder_locked", `another server is using the data folder ${path}`);
  }
  try {
    const state = inspect(path);
    if (holdsDatabase && state === "moved") throw moved(path);
    // What moved away stays until somebody deletes it.
    if (!holdsDatabase && state !== "moved" && existsSync(at("database"))) {
      const why = `it holds a database, ${DATA_FILES.database}, beside the one that is configured`;
      throw failure("data_folder_foreign", path, why);
    }
    const isNew = state !== "ready" && state !== "moved";
    if (isNew) await create(path);
    const { key, directoryKey, vapidKey } = await readKeys(path);
    // An unfinished folder holds nobody's data; whoever opens its database finishes or refuses it.
    const damage = state === "ready" && holdsDatabase ? findDatabaseDamage(at("database")) : undefined;
    if (damage !== undefined) throw failure("data_folder_damaged", path, `${DATA_FILES.database} ${damage}`);
    return {
      path,
      key,
      directoryKey,
      vapidKey,
      databasePath: at("database"),
      blobsPath: join(path, BLOBS_FOLDER),
      isNew,
      warnings: findLooseModes(path),
      markReady() {
        // What the marker said already is not said again: somebody may have moved the data since.
        if (!isNew) return;
        writeMarker(path, "ready");
        if (holdsDatabase) return;
        release?.();
        release = lockFolder(at("lock"), "together");
      },
      release: () => release?.(),
    };
  } catch (error) {
    release();
    if (!hadLock) rmSync(at("lock"), { force: true });
    throw error;
  }
}

/**
 * The lock of a node whose database is elsewhere: together with its like, but alone while it makes the keys that all of them use. Waits for
 * one that does. Undefined when a server with its own database has the folder.
 */
async function lockForNode(path: string): Promise<(() => void) | undefined> {
  const lock = join(path, DATA_FILES.lock);
  const isMade = (): boolean => ["ready", "moved"].includes(inspect(path));
  for (let waitedMs = 0; waitedMs <= firstStartMs; waitedMs += lookEveryMs) {
    const kind = isMade() ? "together" : "alone";
    const release = lockFolder(lock, kind);
    if (release !== undefined) {
      if (kind === "together" || !isMade()) return release;
      release();
    } else if (kind === "together") return undefined;
    await sleep(lookEveryMs);
  }
  return undefined;
}

/** What is read of a folder without opening it. */
export interface DataFolderFacts extends Pick<
  DataFolder,
  "path" | "key" | "directoryKey" | "databasePath" | "blobsPath"
> {
  /** Where its data went; undefined while it is here. */
  readonly movedTo: string | undefined;
  /** The files that hold its keys, by their names. */
  readonly keyFiles: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a folder's keys and where its data is, without locking or changing anything; a running server does not mind.
 * @throws StorageError `data_folder_damaged`, `data_folder_foreign`.
 */
export async function readDataFolder(folder: string): Promise<DataFolderFacts> {
  const path = resolve(folder);
  const state = inspect(path);
  if (state !== "ready" && state !== "moved")
    throw failure("data_folder_foreign", path, "no server was started on it yet");
  const { key, directoryKey } = await readKeys(path);
  return {
    path,
    key,
    directoryKey,
    databasePath: join(path, DATA_FILES.database),
    blobsPath: join(path, BLOBS_FOLDER),
    movedTo: state === "moved" ? readMarker(path).to : undefined,
    keyFiles: new Map(KEY_FILES.map((name) => [name, readFileSync(join(path, name))])),
  };
}

/** The database of a folder that holds one. @throws StorageError `data_moved`. */
export function requireHere({ path, movedTo, databasePath }: DataFolderFacts): string {
  if (movedTo !== undefined) throw moved(path);
  return databasePath;
}

/** Notes that a folder's data is elsewhere, for good. @param to tells people where; no secrets. */
export function markMoved(path: string, to: string): void {
  writeMarker(path, "moved", to);
}

/** A folder that is being made of what a backup holds. It is no server's folder before `finish`. */
export interface RestoredFolder {
  readonly facts: DataFolderFacts;
  finish(): void;
  /** Takes back all that was made. */
  abort(): void;
}

/**
 * Begins to make a data folder where nothing is.
 * @throws StorageError `data_not_empty`; `data_folder_damaged` when the keys are not what a server needs; UsageError `config_invalid` when
 * the system does not let this user.
 */
export function restoreDataFolder(
  folder: string,
  keyFiles: ReadonlyMap<string, Uint8Array>,
): Promise<RestoredFolder> {
  const path = resolve(folder);
  return begin(path, keyFiles).catch((error: unknown) => {
    throw unusable(path, error);
  });
}

async function begin(path: string, keyFiles: ReadonlyMap<string, Uint8Array>): Promise<RestoredFolder> {
  requireEmpty(path);
  const wasThere = existsSync(path);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  const release = lockFolder(join(path, DATA_FILES.lock));
  if (release === undefined) throw failure("data_folder_locked", path, "another process uses it");
  const abort = (): void => {
    release();
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
    if (!wasThere) rmSync(path, { recursive: true, force: true });
  };
  try {
    for (const name of KEY_FILES) {
      const content = keyFiles.get(name);
      if (content === undefined) throw failure("data_folder_damaged", path, `the backup holds no ${name}`);
      writeFileDurably(join(path, name), content, name === DATA_FILES.publicKey ? 0o644 : 0o600);
    }
    const { key, directoryKey } = await readKeys(path);
    return {
      facts: {
        path,
        key,
        directoryKey,
        databasePath: join(path, DATA_FILES.database),
        blobsPath: join(path, BLOBS_FOLDER),
        movedTo: undefined,
        keyFiles,
      },
      finish() {
        writeMarker(path, "ready");
        release();
      },
      abort,
    };
  } catch (error) {
    abort();
    throw error;
  }
}

/** @throws StorageError `data_not_empty` unless a path is free, or an empty folder. */
export function requireEmpty(folder: string): void {
  const path = resolve(folder);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || (stat.isDirectory() && readdirSync(path).length === 0)) return;
  throw failure("data_not_empty", path, "it is not empty, and nothing is restored over what is there");
}

/** What a folder is, from its names and its marker. @throws StorageError `data_folder_foreign`, `data_folder_damaged`. */
function inspect(path: string): State | "absent" | "empty" {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "absent";
  if (!stat.isDirectory()) throw failure("data_folder_foreign", path, "it is not a folder");
  const names = readdirSync(path);
  if (names.includes(DATA_FILES.marker)) return readMarker(path).state;
  const leftovers = names.filter((name) => name === DATA_FILES.lock || name.endsWith(TEMPORARY_SUFFIX));
  if (leftovers.length === names.length) return "empty";
  throw failure("data_folder_foreign", path, "it holds files, but none that says they are a Sotto server's");
}

function readMarker(path: string): Marker {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(join(path, DATA_FILES.marker), "utf8"));
  } catch (cause) {
    throw failure("data_folder_damaged", path, `${DATA_FILES.marker} cannot be read`, cause);
  }
  const marker = markerSchema.safeParse(content);
  if (!marker.success)
    throw failure("data_folder_foreign", path, `${DATA_FILES.marker} is not a Sotto server's`);
  if (marker.data.version !== formatVersion) {
    throw failure("data_folder_foreign", path, "a newer version of Sotto made it; update Sotto");
  }
  return marker.data;
}

function writeMarker(path: string, state: State, to?: string): void {
  const marker = { format: "sotto-server-data", version: formatVersion, state, to };
  writeFileDurably(join(path, DATA_FILES.marker), `${JSON.stringify(marker)}\n`, 0o600);
}

/** Makes whatever is not there yet. */
async function create(path: string): Promise<void> {
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) {
    if (name.endsWith(TEMPORARY_SUFFIX)) rmSync(join(path, name));
  }
  const at = (file: keyof typeof DATA_FILES): string => join(path, DATA_FILES[file]);
  if (!existsSync(at("marker"))) writeMarker(path, "new");
  if (!existsSync(at("privateKey"))) {
    writeFileDurably(at("privateKey"), await generatePrivateKeyPem(), 0o600);
  }
  if (!existsSync(at("publicKey"))) {
    const privatePem = readFileSync(at("privateKey"), "utf8");
    const publicPem = await parseKey(path, "privateKey", () => publicKeyPem(privatePem));
    writeFileDurably(at("publicKey"), publicPem, 0o644);
  }
  if (!existsSync(at("directoryKey"))) {
    writeFileDurably(at("directoryKey"), `${toHex(randomBytes(directoryKeyBytes))}\n`, 0o600);
  }
  if (!existsSync(at("vapidKey"))) writeFileDurably(at("vapidKey"), generateVapidPem(), 0o600);
}

interface Keys {
  readonly key: ServerKey;
  readonly directoryKey: Uint8Array;
  readonly vapidKey: VapidKey;
}

async function readKeys(path: string): Promise<Keys> {
  const read = (name: string): string => {
    try {
      return readFileSync(join(path, name), "utf8");
    } catch (cause) {
      throw failure("data_folder_damaged", path, `${name} is missing or cannot be read`, cause);
    }
  };
  const privatePem = readPrivate(path, DATA_FILES.privateKey, read);
  const publicPem = read(DATA_FILES.publicKey);
  const directoryKey = parseHex(readPrivate(path, DATA_FILES.directoryKey, read).trim());
  if (directoryKey?.length !== directoryKeyBytes) {
    throw failure(
      "data_folder_damaged",
      path,
      `${DATA_FILES.directoryKey} is not ${directoryKeyBytes} bytes in hexadecimal`,
    );
  }
  const key = await parseKey(path, "privateKey", () => ServerKey.fromPem(privatePem));
  const publicKey = await parseKey(path, "publicKey", () => parsePublicKeyPem(publicPem));
  if (!equalBytes(publicKey, key.publicKey)) {
    throw failure("data_folder_damaged", path, "the public key does not belong to the private key");
  }
  const vapidPem = readPrivate(path, DATA_FILES.vapidKey, read);
  return { key, directoryKey, vapidKey: await parseKey(path, "vapidKey", () => new VapidKey(vapidPem)) };
}

async function parseKey<T>(
  path: string,
  file: "privateKey" | "publicKey" | "vapidKey",
  parse: () => T | Promise<T>,
): Promise<T> {
  try {
    return await parse();
  } catch (cause) {
    const kind = file === "vapidKey" ? "a P-256" : "an RSA-2048";
    throw failure("data_folder_damaged", path, `${DATA_FILES[file]} is not ${kind} key in PEM`, cause);
  }
}

/** Like ssh: a private key that others can read is refused rather than used. */
function readPrivate(path: string, name: string, read: (name: string) => string): string {
  const content = read(name);
  if (isLoose(join(path, name))) {
    throw failure(
      "data_folder_damaged",
      path,
      `${name} can be read by other users; run: chmod 600 ${join(path, name)}`,
    );
  }
  return content;
}

function findLooseModes(path: string): string[] {
  return isLoose(path) ? [`other users can look into the data folder; run: chmod 700 ${path}`] : [];
}

function isLoose(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
}

function moved(path: string): StorageError {
  return failure("data_moved", path, `its data was moved to ${readMarker(path).to ?? "another place"}`);
}

/** What the system refused, as something to tell the operator; errors of ours as they are. */
function unusable(path: string, error: unknown): SottoError {
  if (error instanceof SottoError) return error;
  const { code = "unknown cause" } = error as NodeJS.ErrnoException;
  return new UsageError("config_invalid", `data: ${path} cannot be used (${code})`, { cause: error });
}

function failure(code: ErrorCode, path: string, why: string, cause?: unknown): StorageError {
  return new StorageError(code, `${path}: ${why}`, { cause });
}
