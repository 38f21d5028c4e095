CREATE TABLE migration (
    version INTEGER PRIMARY KEY,
    applied INTEGER NOT NULL -- Unix milliseconds
) STRICT;

CREATE TABLE kind (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Every resource. The twelve digits of an account are kept as the number they make.
CREATE TABLE resource (
    kind     INTEGER NOT NULL,
    account  INTEGER NOT NULL,
    key      TEXT NOT NULL,
    parent   TEXT NOT NULL,    -- '' if it stands alone
    revision INTEGER NOT NULL, -- the change that wrote it
    seal     INTEGER NOT NULL, -- the key that sealed the document, 0 if none
    document BLOB NOT NULL,
    PRIMARY KEY (kind, account, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_by_parent ON resource (kind, account, parent, key) WHERE parent != '';

-- The change feed; its last row is never trimmed, so its highest revision is the store's.
CREATE TABLE change (
    revision INTEGER PRIMARY KEY,
    kind     INTEGER NOT NULL,
    account  INTEGER NOT NULL,
    key      TEXT NOT NULL,
    action   INTEGER NOT NULL -- 1 put, 0 delete
) STRICT;

-- The keys that any document may still be sealed by. More than one: a rotation is unfinished.
CREATE TABLE seal_key (
    id INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE call_record (
    seq            INTEGER PRIMARY KEY, -- in the order they were written
    transaction_id BLOB NOT NULL UNIQUE,
    call_id        TEXT NOT NULL,
    peer_call_id   TEXT,
    account        INTEGER,
    connector      TEXT,
    started        INTEGER NOT NULL, -- Unix milliseconds
    status         INTEGER NOT NULL, -- 0 completed, 1 failed, 2 rejected
    document       BLOB NOT NULL
) STRICT;

CREATE INDEX call_record_by_call_id ON call_record (call_id);
CREATE INDEX call_record_by_peer_call_id ON call_record (peer_call_id) WHERE peer_call_id IS NOT NULL;

-- Each listing walks one of these backwards; the status comes along so that filtering by it reads
-- no record it does not want.
CREATE INDEX call_record_by_started ON call_record (started, seq, status);
CREATE INDEX call_record_by_account ON call_record (account, started, seq, status) WHERE account IS NOT NULL;
CREATE INDEX call_record_by_connector ON call_record (connector, started, seq, status) WHERE connector IS NOT NULL;
