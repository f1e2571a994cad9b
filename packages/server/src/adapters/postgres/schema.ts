/**
 * The tables of a server's database on PostgreSQL, as migrations that are applied in order and never changed once released.
 *
 * Everything lies in a schema of our own, `sotto`. Nothing here says who talks to whom: identifiers are keyed hashes, entries have no
 * sender, slots belong to no account. The log tables are partitioned by the hash of the log's id, which leads every key: a
 * statement about one log touches one partition, and another engine can put partitions on other machines.
 *
 * The present epoch lies in its log's row, so that an append reads and locks one row and looks at no other; `epochs` holds those that
 * ended. Bodies are ciphertext: compressing them would only cost time.
 */

/** The schema that all of it lies in. */
export const SCHEMA = "sotto";

/** SQL of version 1, 2, 3 … */
export const MIGRATIONS: readonly string[] = [
  `
  -- Whose database it is: a hash of the server's keys.
  CREATE TABLE owner (one boolean PRIMARY KEY DEFAULT true CHECK (one), hash bytea NOT NULL);
  -- What would have to be counted again and again.
  CREATE TABLE totals (name text PRIMARY KEY, n bigint NOT NULL);
  INSERT INTO totals VALUES ('accounts', 0), ('blobs', 0), ('blob_bytes', 0);

  -- An account that was replaced stays with newest_version 0 and without an identifier.
  CREATE TABLE accounts (
    account uuid PRIMARY KEY,
    identifier_hash bytea UNIQUE,
    newest_version bigint NOT NULL
  );
  CREATE TABLE device_lists (
    account uuid NOT NULL REFERENCES accounts,
    version bigint NOT NULL,
    signed_list bytea NOT NULL,
    PRIMARY KEY (account, version)
  );
  CREATE TABLE devices (
    account uuid NOT NULL REFERENCES accounts,
    device uuid NOT NULL,
    signature_key bytea NOT NULL,
    inbox uuid NOT NULL UNIQUE,
    revoked boolean NOT NULL,
    PRIMARY KEY (account, device)
  );
  CREATE TABLE key_packages (
    num bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts,
    device uuid NOT NULL,
    ciphersuite integer NOT NULL,
    last_resort boolean NOT NULL,
    key_package bytea NOT NULL
  );
  CREATE INDEX key_packages_by_device ON key_packages (account, device, ciphersuite, last_resort, num);
  CREATE TABLE backups (account uuid PRIMARY KEY REFERENCES accounts, backup bytea NOT NULL);
  CREATE TABLE resets (account uuid PRIMARY KEY REFERENCES accounts, reset_at_sec bigint NOT NULL);
  CREATE TABLE push_subscriptions (
    num bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account uuid NOT NULL REFERENCES accounts,
    device uuid NOT NULL,
    endpoint text NOT NULL,
    p256dh bytea NOT NULL,
    auth bytea NOT NULL,
    UNIQUE (account, device)
  );
  -- Ids of accounts and inboxes that were deleted, as hashes. farewell: of accounts.
  CREATE TABLE retired (hash bytea PRIMARY KEY, farewell bytea);
  CREATE TABLE blobs (
    id bytea PRIMARY KEY,
    write_hash bytea NOT NULL,
    size bigint NOT NULL,
    received bigint NOT NULL,
    stored_at_sec bigint NOT NULL
  );
  CREATE INDEX blobs_by_time ON blobs (stored_at_sec);

  CREATE TABLE logs (
    log_id uuid NOT NULL,
    is_inbox boolean NOT NULL,
    head_seq bigint NOT NULL,
    trimmed_seq bigint NOT NULL,
    epoch bigint NOT NULL,
    -- Of the present epoch; of inboxes none.
    token_hash bytea,
    start_seq bigint NOT NULL,
    -- Bytes of the bodies that it holds.
    held_bytes bigint NOT NULL,
    made_at_sec bigint NOT NULL,
    PRIMARY KEY (log_id)
  ) PARTITION BY HASH (log_id);
  CREATE TABLE epochs (
    log_id uuid NOT NULL,
    epoch bigint NOT NULL,
    token_hash bytea NOT NULL,
    start_seq bigint NOT NULL,
    ended_by_seq bigint NOT NULL,
    PRIMARY KEY (log_id, epoch)
  ) PARTITION BY HASH (log_id);
  CREATE TABLE slots (
    log_id uuid NOT NULL,
    slot uuid NOT NULL,
    cursor bigint NOT NULL,
    used_at_sec bigint NOT NULL,
    PRIMARY KEY (log_id, slot)
  ) PARTITION BY HASH (log_id);
  CREATE TABLE entries (
    log_id uuid NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    kind smallint NOT NULL,
    stored_at_sec bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (log_id, seq)
  ) PARTITION BY HASH (log_id);
  ALTER TABLE entries ALTER COLUMN body SET STORAGE EXTERNAL;
  -- Rows of logs and slots change with every append and ack: room in their pages lets them change in place.
  DO $$
  BEGIN
    FOR i IN 0..15 LOOP
      EXECUTE format('CREATE TABLE logs_%s PARTITION OF logs FOR VALUES WITH (MODULUS 16, REMAINDER %s) WITH (fillfactor = 60)', i, i);
      EXECUTE format('CREATE TABLE slots_%s PARTITION OF slots FOR VALUES WITH (MODULUS 16, REMAINDER %s) WITH (fillfactor = 60)', i, i);
      EXECUTE format('CREATE TABLE epochs_%s PARTITION OF epochs FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i);
      EXECUTE format('CREATE TABLE entries_%s PARTITION OF entries FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i);
    END LOOP;
  END $$;
  -- For retention only. Many entries have one day, so that these stay small.
  CREATE INDEX entries_by_time ON entries (stored_at_sec);
  CREATE INDEX slots_by_use ON slots (used_at_sec);
  `,
  `
  -- What lives for minutes. Not logged: after a crash it is empty, and people begin again.
  CREATE UNLOGGED TABLE transient (
    kind smallint NOT NULL,
    id bytea NOT NULL,
    value bytea NOT NULL,
    expires_at_ms bigint NOT NULL,
    PRIMARY KEY (kind, id)
  );
  CREATE INDEX transient_by_time ON transient (expires_at_ms);
  `,
  `
  -- The newest transaction of each name that was committed: whoever lost its answer finds it here.
  CREATE TABLE commits (name uuid PRIMARY KEY, newest bigint NOT NULL, at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 20);
  `,
  `
  -- Bytes of blobs, in pieces of one size of which only the last may be shorter. Ciphertext: compressing it would only cost time.
  CREATE TABLE blob_files (id bytea PRIMARY KEY, length bigint NOT NULL, finished boolean NOT NULL);
  CREATE TABLE blob_pieces (
    id bytea NOT NULL REFERENCES blob_files ON DELETE CASCADE,
    piece bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (id, piece)
  );
  ALTER TABLE blob_pieces ALTER COLUMN body SET STORAGE EXTERNAL;
  `,
];
