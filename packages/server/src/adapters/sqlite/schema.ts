/**
 * The tables of the server's database, as migrations that are applied in order and never changed once released.
 *
 * Nothing here says who talks to whom: identifiers are keyed hashes, entries have no sender, slots belong to no account.
 * Entries are a rowid table with an index on (log, seq): clustering on (log, seq) was measured five times slower. Inside
 * the database a log is a small integer, so that index keys are short. Rowids grow with time, which is what expiry needs.
 */

/** Marks a database file as ours: "Stto" in ASCII. */
export const APPLICATION_ID = 0x5374746f;

/** SQL of version 1, 2, 3 … */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE accounts (
    num INTEGER PRIMARY KEY,
    account BLOB NOT NULL UNIQUE,
    identifier_hash BLOB NOT NULL UNIQUE,
    newest_version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE device_lists (
    account INTEGER NOT NULL REFERENCES accounts (num),
    version INTEGER NOT NULL,
    signed_list BLOB NOT NULL,
    UNIQUE (account, version)
  ) STRICT;
  CREATE TABLE devices (
    account INTEGER NOT NULL REFERENCES accounts (num),
    device BLOB NOT NULL,
    signature_key BLOB NOT NULL,
    inbox BLOB NOT NULL UNIQUE,
    revoked INTEGER NOT NULL,
    PRIMARY KEY (account, device)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE logs (
    num INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    is_inbox INTEGER NOT NULL,
    head_seq INTEGER NOT NULL,
    trimmed_seq INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    made_at_sec INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE epochs (
    log INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    token_hash BLOB NOT NULL,
    start_seq INTEGER NOT NULL,
    ended_by_seq INTEGER,
    PRIMARY KEY (log, epoch)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE slots (
    log INTEGER NOT NULL,
    slot BLOB NOT NULL,
    cursor INTEGER NOT NULL,
    used_at_sec INTEGER NOT NULL,
    PRIMARY KEY (log, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX slots_by_cursor ON slots (log, cursor);
  CREATE INDEX slots_by_use ON slots (used_at_sec);
  CREATE TABLE entries (
    num INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    stored_at_sec INTEGER NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX entries_by_seq ON entries (log, seq);
  `,
  `
  CREATE TABLE key_packages (
    num INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (num),
    device BLOB NOT NULL,
    ciphersuite INTEGER NOT NULL,
    last_resort INTEGER NOT NULL,
    key_package BLOB NOT NULL
  ) STRICT;
  CREATE INDEX key_packages_by_device ON key_packages (account, device, ciphersuite, last_resort, num);
  `,
  // An account that was replaced stays as a row with newest_version 0 and its own id in the place of identifier_hash.
  `
  CREATE TABLE backups (
    account INTEGER PRIMARY KEY REFERENCES accounts (num),
    backup BLOB NOT NULL
  ) STRICT;
  CREATE TABLE resets (
    account INTEGER PRIMARY KEY REFERENCES accounts (num),
    reset_at_sec INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE blobs (
    id BLOB PRIMARY KEY,
    write_hash BLOB NOT NULL,
    size INTEGER NOT NULL,
    received INTEGER NOT NULL,
    stored_at_sec INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blobs_by_time ON blobs (stored_at_sec);
  `,
  `
  CREATE TABLE push_subscriptions (
    num INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (num),
    device BLOB NOT NULL,
    endpoint TEXT NOT NULL,
    p256dh BLOB NOT NULL,
    auth BLOB NOT NULL,
    UNIQUE (account, device)
  ) STRICT;
  `,
  // Ids of accounts and inboxes that were deleted, as hashes, in no order that ties them together. farewell: of accounts.
  `
  CREATE TABLE retired (
    hash BLOB PRIMARY KEY,
    farewell BLOB
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE logs ADD COLUMN held_bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE logs SET held_bytes = (SELECT coalesce(sum(length(body)), 0) FROM entries WHERE log = logs.num);
  `,
];
