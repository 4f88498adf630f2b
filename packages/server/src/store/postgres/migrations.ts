/** One version of the tables: forward only, each applied once, and such that the version before can still work with it. */
export interface Migration {
  readonly sql: string
  /** Tables it makes that Citus spreads by `bucket`, and those it copies to every node. */
  readonly distributed: readonly string[]
  readonly reference: readonly string[]
}

/** Decision 0018 says why the tables look like this. */
export const MIGRATIONS: readonly Migration[] = [
  {
    distributed: ['profiles', 'devices', 'entries', 'seen', 'erased', 'deliveries', 'leases'],
    reference: ['apps', 'document_sets', 'documents', 'meta'],
    sql: `
CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);

CREATE TABLE apps (app_id text COLLATE "C" PRIMARY KEY, position bigint NOT NULL, doc text NOT NULL);

CREATE TABLE document_sets (
  app_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  PRIMARY KEY (app_id, kind)
);
CREATE TABLE documents (
  app_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  doc text NOT NULL,
  PRIMARY KEY (app_id, kind, id)
);

-- doc: NULL when the profile was removed and its history kept.
-- wake_at: when the sweeper should look. look_at: never later than that, and moved only when it must be: it is indexed,
-- and an update that leaves it alone needs no new index entry as long as the page has room, hence the fillfactor.
-- tail: the greatest time of an entry written. devices: the ids of the devices that lead here.
CREATE TABLE profiles (
  bucket int NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  wake_at bigint,
  look_at bigint,
  tail bigint NOT NULL,
  devices text[] NOT NULL,
  doc text,
  PRIMARY KEY (bucket, app_id, user_id)
) WITH (fillfactor = 70);
CREATE INDEX profiles_by_look ON profiles (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE devices (
  bucket int NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (bucket, app_id, device_id)
);

-- id: a UUID version 7 whose time never runs backwards within a profile. day: that of its time.
CREATE TABLE entries (
  bucket int NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  day int NOT NULL,
  data text NOT NULL,
  PRIMARY KEY (bucket, app_id, user_id, id, day)
) PARTITION BY RANGE (day);
CREATE TABLE entries_other PARTITION OF entries DEFAULT;

CREATE TABLE seen (
  bucket int NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  day int NOT NULL,
  at bigint NOT NULL,
  answer text NOT NULL,
  PRIMARY KEY (bucket, app_id, user_id, digest, day)
) PARTITION BY RANGE (day);
CREATE TABLE seen_other PARTITION OF seen DEFAULT;

-- holder: digest of the id of a user or a device whose message ids were erased.
CREATE TABLE erased (
  bucket int NOT NULL,
  holder text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (bucket, holder, digest)
);

CREATE TABLE deliveries (
  bucket int NOT NULL,
  id text COLLATE "C" NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  due_at bigint NOT NULL,
  failed_at bigint,
  attempt int NOT NULL,
  note text,
  data text NOT NULL,
  PRIMARY KEY (bucket, id)
) WITH (fillfactor = 70);
CREATE INDEX deliveries_by_due ON deliveries (due_at, id) WHERE failed_at IS NULL;
CREATE INDEX deliveries_by_user ON deliveries (bucket, app_id, user_id);

-- Who settles the overdue of a bucket. beat: counts renewals, so that others see life without trusting its clock.
CREATE TABLE leases (
  bucket int NOT NULL,
  kind text COLLATE "C" NOT NULL,
  holder text NOT NULL,
  beat bigint NOT NULL,
  PRIMARY KEY (bucket, kind)
) WITH (fillfactor = 50);
`,
  },
]
