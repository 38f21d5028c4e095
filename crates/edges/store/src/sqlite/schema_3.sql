-- The Call-IDs that a call has besides the first and the last of its legs: of gateways that did not take it, and of those
-- that wanted the place of a leg. Few calls have any.
CREATE TABLE call_record_leg (
    call_id TEXT NOT NULL,
    seq     INTEGER NOT NULL, -- of the record
    PRIMARY KEY (call_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX call_record_leg_by_record ON call_record_leg (seq);

CREATE TRIGGER call_record_takes_its_legs AFTER DELETE ON call_record BEGIN
    DELETE FROM call_record_leg WHERE seq = old.seq;
END;
