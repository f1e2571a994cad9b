/**
 * What a server keeps, told in one way whatever database it lies in: tables, their columns, and one order of all rows.
 *
 * The order is by section, owner (account, or log), table, key. So all that belongs to one account or one log comes together, two stores can be
 * compared in one pass without holding either, and the same data has the same hash everywhere. Numbers that a database gives its rows are no part
 * of it, but for KeyPackages, which are handed out in their order.
 */

/** How a column's values look. `id` has 16 bytes, `hash` 32, `flag` is 0 or 1. */
export type Kind = "id" | "hash" | "bytes" | "text" | "number" | "flag";
/** undefined stands for what is absent. */
export type Value = Uint8Array | string | number | undefined;

/** A column. */
export interface Column {
  readonly name: string;
  readonly kind: Kind;
  readonly optional: boolean;
}
/** A table. Its key is its first columns. */
export interface Table {
  readonly name: TableName;
  /** Its place in TABLES. */
  readonly index: number;
  /** Of the order: accounts, retired ids, blobs, logs. */
  readonly section: number;
  readonly columns: readonly Column[];
  readonly keyLength: number;
}
export type TableName =
  | "accounts"
  | "device_lists"
  | "devices"
  | "key_packages"
  | "backups"
  | "resets"
  | "push_subscriptions"
  | "retired"
  | "blobs"
  | "logs"
  | "epochs"
  | "slots"
  | "entries";

/** Counts up whenever tables or columns change: a backup of another number is refused. */
export const TABLES_VERSION = 1;

/** `name:kind`, with `?` after what may be absent; the key is what comes before the bar. */
const described: Readonly<Record<TableName, readonly [section: number, columns: string]>> = {
  // identifier_hash is absent from an account that was replaced.
  accounts: [0, "account:id | identifier_hash:hash? newest_version:number"],
  device_lists: [0, "account:id version:number | signed_list:bytes"],
  devices: [0, "account:id device:id | signature_key:hash inbox:id revoked:flag"],
  key_packages: [
    0,
    "account:id device:id ciphersuite:number last_resort:flag num:number | key_package:bytes",
  ],
  backups: [0, "account:id | backup:bytes"],
  resets: [0, "account:id | reset_at_sec:number"],
  push_subscriptions: [0, "account:id device:id | endpoint:text p256dh:bytes auth:bytes"],
  retired: [1, "hash:hash | farewell:bytes?"],
  blobs: [2, "id:hash | write_hash:hash size:number received:number stored_at_sec:number"],
  // token_hash and start_seq are those of the present epoch; `epochs` holds those that ended.
  logs: [
    3,
    "log_id:id | is_inbox:flag head_seq:number trimmed_seq:number epoch:number token_hash:hash? start_seq:number made_at_sec:number",
  ],
  epochs: [3, "log_id:id epoch:number | token_hash:hash start_seq:number ended_by_seq:number"],
  slots: [3, "log_id:id slot:id | cursor:number used_at_sec:number"],
  entries: [3, "log_id:id seq:number | epoch:number kind:number stored_at_sec:number body:bytes"],
};

/** All of them; a table comes after those that it points to. */
export const TABLES: readonly Table[] = Object.entries(described).map(([name, [section, text]], index) => {
  const [key = "", rest = ""] = text.split(" | ");
  const columns = [...key.split(" "), ...rest.split(" ")].map((column): Column => {
    const [columnName = "", kind = ""] = column.split(":");
    return {
      name: columnName,
      kind: kind.replace("?", "") as Kind,
      optional: kind.endsWith("?"),
    };
  });
  return { name: name as TableName, index, section, columns, keyLength: key.split(" ").length };
});

/** A table by its name. */
export function tableOf(name: TableName): Table {
  return TABLES.find((table) => table.name === name) as Table;
}
