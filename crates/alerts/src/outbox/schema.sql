-- What was said, and to whom it was delivered. Amounts are nano-dollars, instants milliseconds since the Unix epoch.

CREATE TABLE event (
    seq   INTEGER PRIMARY KEY,
    id    TEXT NOT NULL UNIQUE,
    at_ms INTEGER NOT NULL,
    json  TEXT NOT NULL
) STRICT;

-- The primary key is the promise: nothing is announced twice in a window.
CREATE TABLE crossing (
    subject   TEXT NOT NULL,
    threshold TEXT NOT NULL,
    window    TEXT NOT NULL,
    family    TEXT NOT NULL,
    ends_ms   INTEGER,
    mark      INTEGER NOT NULL,
    event     TEXT NOT NULL,
    is_open   INTEGER NOT NULL,
    PRIMARY KEY (subject, threshold, window)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    event           INTEGER NOT NULL REFERENCES event (seq) ON DELETE CASCADE,
    channel         TEXT NOT NULL,
    incident        TEXT NOT NULL,
    state           TEXT NOT NULL,  -- waiting | delivered | failed | disabled | dropped
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_ms         INTEGER NOT NULL,
    not_before_ms   INTEGER NOT NULL DEFAULT 0,
    leased_until_ms INTEGER NOT NULL DEFAULT 0,
    last_ms         INTEGER,
    answer          TEXT,
    PRIMARY KEY (event, channel)
) STRICT, WITHOUT ROWID;

CREATE INDEX waiting ON delivery (channel, event) WHERE state = 'waiting';

CREATE TABLE channel (
    name        TEXT PRIMARY KEY,
    disabled_ms INTEGER NOT NULL,
    why         TEXT NOT NULL,
    place       TEXT NOT NULL   -- a digest of where it goes: another place is another chance
) STRICT, WITHOUT ROWID;

CREATE TABLE sample (
    subject TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    PRIMARY KEY (subject, at_ms)
) STRICT, WITHOUT ROWID;
