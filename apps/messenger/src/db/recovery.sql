-- A reset is started by an administrator, who is given no secret; its link is made once the person has proven who they are.

-- What a person keeps to prove it without a password or a device: the SHA-256 of their recovery code.
ALTER TABLE person ADD COLUMN recovery BLOB;

DROP TABLE reset;
CREATE TABLE reset (
    person           BLOB PRIMARY KEY REFERENCES person (id),
    -- Until when the person may prove who they are.
    expires_at       INTEGER NOT NULL,
    -- Of the link, once it was made.
    token            BLOB UNIQUE,
    token_expires_at INTEGER
) STRICT, WITHOUT ROWID;
