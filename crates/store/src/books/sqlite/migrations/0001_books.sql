-- Money is in nano-dollars, time in milliseconds since the Unix epoch. Codes are those of the ledger crate.

-- How far the journal has been posted; the one row is written in the same transaction as what it speaks of.
CREATE TABLE progress (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    seq          INTEGER NOT NULL,  -- the last record posted
    segment      INTEGER NOT NULL,  -- the segment it stands in, and
    offset       INTEGER NOT NULL,  -- where the next record begins there
    latest_ms    INTEGER NOT NULL,  -- the highest time in any record posted
    next_balance INTEGER NOT NULL,
    next_hold    INTEGER NOT NULL,
    durable      INTEGER NOT NULL,  -- grows with every commit that had to reach the disk
    clean        INTEGER NOT NULL   -- 1: closed here, nothing followed
) STRICT;

INSERT INTO progress VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE balance (
    id           INTEGER PRIMARY KEY,
    budget       TEXT    NOT NULL,
    window       TEXT    NOT NULL,
    scope        TEXT    NOT NULL,  -- JSON: [["label","value"],...]
    starts_ms    INTEGER NOT NULL,
    ends_ms      INTEGER,           -- NULL: lifetime
    limit_nanos  INTEGER NOT NULL,
    posted_nanos INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Finds the windows that still matter without reading the past.
CREATE INDEX balance_by_end ON balance (ends_ms);

-- Holds that have not ended. Small.
CREATE TABLE open_hold (
    hold             INTEGER PRIMARY KEY,
    at_ms            INTEGER NOT NULL,
    bound_nanos      INTEGER NOT NULL,
    class            INTEGER NOT NULL,
    balances         TEXT    NOT NULL,  -- JSON: [id,...]
    upstream_key     BLOB    NOT NULL,
    model            TEXT    NOT NULL,
    generation       TEXT,
    unknown_reason   INTEGER,
    unknown_status   INTEGER NOT NULL DEFAULT 0,
    unknown_since_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Holds that have ended: the entries of the books. Hold ids grow, so rows go to the end; no other index on
-- ids, a random one costs more than the row.
CREATE TABLE entry (
    hold             INTEGER PRIMARY KEY,
    at_ms            INTEGER NOT NULL,  -- when the hold was made
    settled_ms       INTEGER NOT NULL,
    bound_nanos      INTEGER NOT NULL,
    class            INTEGER NOT NULL,
    cost_nanos       INTEGER NOT NULL,
    cost_text        TEXT    NOT NULL,  -- verbatim, '' for a void
    evidence         INTEGER NOT NULL,
    overrun_nanos    INTEGER NOT NULL,  -- cost above bound, mostly 0
    balances         TEXT    NOT NULL,
    upstream_key     BLOB    NOT NULL,
    model            TEXT    NOT NULL,
    generation       TEXT,
    unknown_reason   INTEGER,
    unknown_status   INTEGER NOT NULL,
    unknown_since_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX entry_overrun ON entry (hold) WHERE overrun_nanos > 0;

-- Explanations, best effort, the oldest go.
CREATE TABLE decision (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    request TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    json    TEXT    NOT NULL
) STRICT;
