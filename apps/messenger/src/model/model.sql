-- The read model: everything here follows from the journal, and is made again from it when the checkpoint's epoch or
-- version is another one. Times are milliseconds since 1970.

DROP TABLE IF EXISTS message_text;
DROP TABLE IF EXISTS coming;
DROP TABLE IF EXISTS mention;
DROP TABLE IF EXISTS reaction;
DROP TABLE IF EXISTS message;
DROP TABLE IF EXISTS kicked;
DROP TABLE IF EXISTS invited;
DROP TABLE IF EXISTS member;
DROP TABLE IF EXISTS room;
DROP TABLE IF EXISTS checkpoint;

CREATE TABLE checkpoint (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    -- The position of the first event that is not in the model.
    next    INTEGER NOT NULL
) STRICT;

CREATE TABLE room (
    id   BLOB PRIMARY KEY,
    -- 0 private, 1 public, 2 direct
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- The newest offset of the channel.
    head INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX room_public ON room (name) WHERE kind = 1;

CREATE TABLE member (
    room     BLOB NOT NULL,
    person   BLOB NOT NULL,
    is_owner INTEGER NOT NULL,
    -- The offset at which they came: what is older does not count as unread.
    since    INTEGER NOT NULL,
    -- The other began this conversation.
    is_asked INTEGER NOT NULL,
    PRIMARY KEY (room, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_of ON member (person, room);

CREATE TABLE invited (
    room   BLOB NOT NULL,
    person BLOB NOT NULL,
    by     BLOB NOT NULL,
    PRIMARY KEY (person, room)
) STRICT, WITHOUT ROWID;
CREATE INDEX invited_to ON invited (room);

CREATE TABLE kicked (
    room   BLOB NOT NULL,
    person BLOB NOT NULL,
    PRIMARY KEY (room, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    n             INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB NOT NULL UNIQUE,
    room          BLOB NOT NULL,
    offset        INTEGER NOT NULL,
    sender        BLOB NOT NULL,
    client_id     TEXT NOT NULL,
    -- NULL once it was deleted.
    text          TEXT,
    at            INTEGER NOT NULL,
    reply_to      BLOB,
    -- The offset of the newest edit.
    edited_offset INTEGER,
    edited_at     INTEGER,
    is_deleted    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (room, offset),
    UNIQUE (room, sender, client_id)
) STRICT;

CREATE TABLE reaction (
    message BLOB NOT NULL,
    emoji   TEXT NOT NULL,
    person  BLOB NOT NULL,
    PRIMARY KEY (message, emoji, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE mention (
    person BLOB NOT NULL,
    room   BLOB NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (person, room, offset)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_in ON mention (room, offset);

-- Who came and went, as it stands among the messages.
CREATE TABLE coming (
    room   BLOB NOT NULL,
    offset INTEGER NOT NULL,
    type   TEXT NOT NULL,
    person BLOB NOT NULL,
    by     BLOB NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (room, offset)
) STRICT, WITHOUT ROWID;

-- What is typed is the beginning of a word: without the short ones in the index, a search for one would put the lists of
-- every word that begins so together first.
CREATE VIRTUAL TABLE message_text USING fts5 (
    text, content = 'message', content_rowid = 'n', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
-- What was deleted or edited away is overwritten in the index too.
INSERT INTO message_text (message_text, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER message_inserted AFTER INSERT ON message BEGIN
    INSERT INTO message_text (rowid, text) VALUES (new.n, new.text);
END;
CREATE TRIGGER message_changed AFTER UPDATE OF text ON message BEGIN
    INSERT INTO message_text (message_text, rowid, text) VALUES ('delete', old.n, old.text);
    INSERT INTO message_text (rowid, text) VALUES (new.n, coalesce(new.text, ''));
END;
