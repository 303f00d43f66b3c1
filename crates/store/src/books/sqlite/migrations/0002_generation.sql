-- Finds what was booked for a generation. The ids begin with the time in seconds, so new ones go near the end.
CREATE INDEX entry_generation ON entry (generation) WHERE generation IS NOT NULL;
