-- Requests that would change something. Those that a key signed are numbered 1, 2, 3…, strangers' -1, -2, -3…,
-- so that each kind has a limit of its own and neither displaces the other.
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL, -- Unix milliseconds
    account  INTEGER,          -- NULL: no key signed it
    document BLOB NOT NULL
) STRICT;

CREATE INDEX audit_by_time ON audit (at, seq);
