-- What cannot be rebuilt from the journal: people and what belongs to each of them.
-- Times are milliseconds since 1970. Secrets are kept as their SHA-256 only.

CREATE TABLE person (
    id          BLOB PRIMARY KEY,
    name        TEXT NOT NULL,
    -- The name in lower case: two people cannot differ in that alone.
    folded      TEXT NOT NULL UNIQUE,
    password    TEXT NOT NULL,
    -- The password was made by this program and must be replaced before anything else.
    must_change INTEGER NOT NULL DEFAULT 0,
    is_admin    INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    last_seen   INTEGER,
    removed_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    token      BLOB NOT NULL UNIQUE,
    person     BLOB NOT NULL REFERENCES person (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_of ON session (person);

CREATE TABLE invitation (
    token      BLOB PRIMARY KEY,
    by         BLOB NOT NULL REFERENCES person (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reset (
    person     BLOB PRIMARY KEY REFERENCES person (id),
    token      BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    person     BLOB NOT NULL REFERENCES person (id),
    kind       TEXT NOT NULL,
    by         BLOB REFERENCES person (id),
    at         INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX notice_of ON notice (person);

-- How far a person has read a room. Of another epoch it means nothing.
CREATE TABLE read_marker (
    person BLOB NOT NULL,
    room   BLOB NOT NULL,
    epoch  INTEGER NOT NULL,
    upto   INTEGER NOT NULL,
    PRIMARY KEY (person, room)
) STRICT, WITHOUT ROWID;

CREATE TABLE notification (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    person  BLOB NOT NULL,
    kind    TEXT NOT NULL,
    room    BLOB NOT NULL,
    by      BLOB NOT NULL,
    message BLOB,
    at      INTEGER NOT NULL,
    is_read INTEGER NOT NULL DEFAULT 0,
    -- The event that it comes from: handled twice, it still notifies once.
    event   TEXT NOT NULL,
    UNIQUE (person, event, kind)
) STRICT;
CREATE INDEX notification_of ON notification (person, id);
