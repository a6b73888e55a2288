-- Conversations that a person does not want to see until somebody writes there again: until an offset beyond `upto`.
CREATE TABLE hidden (
    person BLOB NOT NULL,
    room   BLOB NOT NULL,
    epoch  INTEGER NOT NULL,
    upto   INTEGER NOT NULL,
    PRIMARY KEY (room, person)
) STRICT, WITHOUT ROWID;
