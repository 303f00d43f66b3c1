-- What routes saved, per UTC day. Sums for reports: no money depends on them, and they are written beside the
-- journal, not from it.
CREATE TABLE saving (
    route         TEXT    NOT NULL,
    day           INTEGER NOT NULL,  -- days since 1970-01-01
    calls         INTEGER NOT NULL,  -- whose cost and tokens are known
    cost_nanos    INTEGER NOT NULL,  -- what they cost
    instead_nanos INTEGER NOT NULL,  -- what their tokens would have cost at the baseline
    uncompared    INTEGER NOT NULL,  -- calls that cannot be compared
    PRIMARY KEY (route, day)
) STRICT, WITHOUT ROWID;
