// @ts-check

/**
 * What the file looks like, version by version: forward only, each applied once. Its `user_version` is how many were.
 * Decision 0005 says why it looks like this.
 */
export const MIGRATIONS = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  INSERT INTO meta VALUES ('salt', lower(hex(randomblob(16)))), ('horizon', 0);

  CREATE TABLE apps (app_id TEXT NOT NULL UNIQUE, doc TEXT NOT NULL);

  -- doc: NULL when the profile was removed and its history kept.
  -- wake_at: when the sweeper should look. look_at: never later than that, and moved only when it must be, because it
  -- is indexed and wake_at changes with each event.
  -- tail: the newest of the profile's entries.
  CREATE TABLE profiles (
    pid INTEGER PRIMARY KEY,
    app_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tail INTEGER,
    wake_at INTEGER,
    look_at INTEGER,
    doc TEXT
  );
  CREATE UNIQUE INDEX profiles_by_user ON profiles (app_id, user_id);
  CREATE INDEX profiles_by_look ON profiles (look_at) WHERE look_at IS NOT NULL;

  CREATE TABLE devices (
    app_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    PRIMARY KEY (app_id, device_id)
  ) WITHOUT ROWID;
  CREATE INDEX devices_by_pid ON devices (pid);

  -- prev: the next older entry of the same profile. A chain costs nothing to write, an index on pid a fourth of all.
  -- Ids grow with time and are the order of a history; a chain that was joined from two is not in that order.
  CREATE TABLE entries (id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, prev INTEGER, data TEXT NOT NULL);

  CREATE TABLE seen (
    day INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    digest TEXT NOT NULL,
    at INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (day, pid, digest)
  ) WITHOUT ROWID;
  CREATE TABLE erased (digest TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  -- due_at: when to try, or when the lease of whoever is trying ends. failed_at: it was given up, and is kept to be looked at.
  CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    app_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    failed_at INTEGER,
    note TEXT,
    data TEXT NOT NULL
  );
  CREATE INDEX deliveries_by_due ON deliveries (kind, due_at) WHERE failed_at IS NULL;
  CREATE INDEX deliveries_by_failed ON deliveries (failed_at) WHERE failed_at IS NOT NULL;
  CREATE INDEX deliveries_by_pid ON deliveries (pid);

  CREATE TABLE documents (
    app_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (app_id, kind, id)
  ) WITHOUT ROWID;
  CREATE TABLE revisions (
    app_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (app_id, kind)
  ) WITHOUT ROWID;
  `,
  `
  -- What changes while a move is under way, noted by triggers that are there no longer than it: whole says that it is more
  -- than something new at the end of a history, day and digest name a message id that is new.
  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    pid INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    day INTEGER,
    digest TEXT
  );
  `,
]
