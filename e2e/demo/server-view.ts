/** What a server's operator can see: the rows of its database, and every byte in its data folder. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decode, fromUtf8, InboxItemSchema, toHex } from "@sotto/protocol";
import { quietExperimentalSqlite } from "../../apps/cli/src/io/warnings.ts";

quietExperimentalSqlite();
const { DatabaseSync } = await import("node:sqlite");

/** An entry that waits in a log. */
export interface WaitingEntry {
  /** The log's id, in hexadecimal. */
  readonly log: string;
  /** Whether the log is a device's inbox; if not, it is a conversation's. */
  readonly inInbox: boolean;
  readonly seq: number;
  readonly body: Uint8Array;
  /** The six-member JSON message, where it is one of the classic suite. */
  readonly classic: Readonly<Record<string, string | number>> | undefined;
}

/** An account as the server's database has it. */
export interface AccountRow {
  readonly account: string;
  readonly identifierHash: string;
}

/** A look into the database of a running server, without changing it. */
export function lookInside(dataFolder: string): {
  readonly accounts: readonly AccountRow[];
  readonly waiting: readonly WaitingEntry[];
} {
  const file = readdirSync(dataFolder).find(
    (name) => /\.(?:sqlite|db)$/.test(name) && !name.includes("lock"),
  );
  if (file === undefined) throw new Error("the server has no database");
  const database = new DatabaseSync(join(dataFolder, file), { readOnly: true });
  try {
    const accounts = database.prepare("SELECT account, identifier_hash FROM accounts ORDER BY num").all();
    const entries = database
      .prepare(
        "SELECT logs.id, logs.is_inbox, entries.seq, entries.body FROM entries JOIN logs ON logs.num = entries.log ORDER BY entries.num",
      )
      .all();
    return {
      accounts: accounts.map((row) => ({
        account: toHex(row["account"] as Uint8Array),
        identifierHash: toHex(row["identifier_hash"] as Uint8Array),
      })),
      waiting: entries.map((row) => {
        const body = row["body"] as Uint8Array;
        const inInbox = row["is_inbox"] === 1;
        return {
          log: toHex(row["id"] as Uint8Array),
          inInbox,
          seq: Number(row["seq"]),
          body,
          classic: inInbox ? classicIn(body) : undefined,
        };
      }),
    };
  } finally {
    database.close();
  }
}

function classicIn(body: Uint8Array): WaitingEntry["classic"] {
  const { item } = decode(InboxItemSchema, body);
  if (item.case !== "classic") return undefined;
  return JSON.parse(fromUtf8(item.value)) as WaitingEntry["classic"];
}

/** Those of the texts, or bytes, that stand in any file of the folder, as they are, in base64 or in hexadecimal. */
export function searchFolder<T extends string | Uint8Array>(
  folder: string,
  texts: readonly T[],
): readonly T[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  const contents = files.map((path) => readFileSync(path));
  return texts.filter((text) => {
    const bytes = Buffer.from(text);
    const forms = [
      bytes,
      Buffer.from(bytes.toString("hex")),
      ...[0, 1, 2].map((shift) => inBase64(bytes, shift)),
    ];
    return contents.some((content) => forms.some((form) => content.includes(form)));
  });
}

/** The characters that stand for the bytes alone when `shift` others come before them in base64. */
function inBase64(bytes: Buffer, shift: number): Buffer {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
  return Buffer.from(text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)));
}
