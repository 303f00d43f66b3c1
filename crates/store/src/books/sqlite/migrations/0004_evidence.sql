-- Hold sets, rolling windows, corrections, the clock, actions, sums for reports, the honesty register.

-- The balances of a hold, said once. A hold of before there were sets has its list in `balances` and no set;
-- since then `balances` is empty.
CREATE TABLE hold_set (
    id      INTEGER PRIMARY KEY,
    members TEXT NOT NULL  -- "3,4:1000:,5::2000": balance, and the first and the end of the instants it takes
) STRICT;

ALTER TABLE open_hold ADD COLUMN set_id INTEGER;
ALTER TABLE open_hold ADD COLUMN key TEXT NOT NULL DEFAULT '';  -- the `key` label of the request
ALTER TABLE open_hold ADD COLUMN segment INTEGER;  -- of the journal, that its record stands in
ALTER TABLE entry ADD COLUMN set_id INTEGER;
ALTER TABLE entry ADD COLUMN key TEXT NOT NULL DEFAULT '';

-- What a rolling window was charged, by the bucket it settled in; those that do not count any more go.
CREATE TABLE bucket (
    balance      INTEGER NOT NULL,
    starts_ms    INTEGER NOT NULL,
    posted_nanos INTEGER NOT NULL,
    PRIMARY KEY (balance, starts_ms)
) STRICT, WITHOUT ROWID;

-- Finds a balance by its name.
CREATE INDEX balance_by_name ON balance (scope, budget, starts_ms);

-- Costs that changed after their hold had ended. The entry says the last one.
CREATE TABLE correction (
    seq        INTEGER PRIMARY KEY,  -- of its record
    hold       INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    was_nanos  INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    was_text   TEXT    NOT NULL,
    cost_text  TEXT    NOT NULL,
    evidence   INTEGER NOT NULL,
    set_id     INTEGER NOT NULL
) STRICT;

CREATE INDEX correction_by_hold ON correction (hold);

-- What operators did.
CREATE TABLE action (
    seq   INTEGER PRIMARY KEY,  -- of its record
    at_ms INTEGER NOT NULL,
    who   TEXT    NOT NULL,
    what  TEXT    NOT NULL
) STRICT;

ALTER TABLE progress ADD COLUMN next_set INTEGER NOT NULL DEFAULT 0;
-- The last clock record, and the boot of the machine it is of.
ALTER TABLE progress ADD COLUMN clock_at_ms INTEGER;
ALTER TABLE progress ADD COLUMN clock_boot_ms INTEGER;
ALTER TABLE progress ADD COLUMN clock_boot_id BLOB;
-- When the backup was made that these books come from, until somebody accepts it.
ALTER TABLE progress ADD COLUMN restored_ms INTEGER;

-- Sums for reports, by the UTC day of the settlement; a correction is in the day it was booked on.
CREATE TABLE rollup (
    day           INTEGER NOT NULL,  -- days since 1970-01-01
    key           TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    upstream_key  BLOB    NOT NULL,
    calls         INTEGER NOT NULL,
    voids         INTEGER NOT NULL,
    late          INTEGER NOT NULL,  -- calls whose cost was unknown for a while
    corrections   INTEGER NOT NULL,
    overruns      INTEGER NOT NULL,
    cost_nanos    INTEGER NOT NULL,
    bound_nanos   INTEGER NOT NULL,
    overrun_nanos INTEGER NOT NULL,
    PRIMARY KEY (day, key, model, upstream_key)
) STRICT, WITHOUT ROWID;

-- The same by budget: a call counts once in each budget it was charged to.
CREATE TABLE budget_rollup (
    day           INTEGER NOT NULL,
    budget        TEXT    NOT NULL,
    calls         INTEGER NOT NULL,
    voids         INTEGER NOT NULL,
    late          INTEGER NOT NULL,
    corrections   INTEGER NOT NULL,
    overruns      INTEGER NOT NULL,
    cost_nanos    INTEGER NOT NULL,
    bound_nanos   INTEGER NOT NULL,
    overrun_nanos INTEGER NOT NULL,
    PRIMARY KEY (day, budget)
) STRICT, WITHOUT ROWID;

-- What is booked on an upstream key, to hold against OpenRouter's counter.
CREATE TABLE key_total (
    upstream_key BLOB    PRIMARY KEY,
    entries      INTEGER NOT NULL,
    posted_nanos INTEGER NOT NULL,
    exact_attos  TEXT    NOT NULL   -- the sum of the verbatim costs, 1e-18 USD, decimal
) STRICT, WITHOUT ROWID;

-- OpenRouter's counter of a key beside our sum at that time.
CREATE TABLE control_point (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    upstream_key BLOB    NOT NULL,
    at_ms        INTEGER NOT NULL,
    usage_text   TEXT    NOT NULL,  -- verbatim
    exact_attos  TEXT    NOT NULL,
    entries      INTEGER NOT NULL
) STRICT;

CREATE INDEX control_point_by_key ON control_point (upstream_key, id);

-- Who kept to what: beside the journal, not from it.
CREATE TABLE honesty (
    model           TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    calls           INTEGER NOT NULL,
    caps_broken     INTEGER NOT NULL,
    cancels_broken  INTEGER NOT NULL,
    usage_missing   INTEGER NOT NULL,
    overruns        INTEGER NOT NULL,
    overrun_nanos   INTEGER NOT NULL,
    worst_percent   INTEGER NOT NULL,
    last_ms         INTEGER NOT NULL,
    cleared_ms      INTEGER,
    PRIMARY KEY (model, provider)
) STRICT, WITHOUT ROWID;
