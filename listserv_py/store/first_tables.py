"""The tables that stood first: lists, subscribers, what comes in, codes, and what is counted.

As version 0.1 made them: what was added later stands in `schema`, migration by migration.
"""

from sqlite_utils import Database

_TABLES = """
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE list (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name = upper(name)),
    header TEXT NOT NULL,
    held TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    posts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE subscriber (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    address_key TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    options INTEGER NOT NULL,
    subscribed_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    asked_at INTEGER,
    UNIQUE (list_id, address_key)
) STRICT;
CREATE INDEX subscriber_page ON subscriber (list_id, id);
CREATE INDEX subscriber_person ON subscriber (address_key);
CREATE INDEX subscriber_active ON subscriber (list_id, active_at) WHERE asked_at IS NULL;
CREATE INDEX subscriber_asked ON subscriber (list_id, asked_at) WHERE asked_at IS NOT NULL;

CREATE TABLE renewal_day (
    list_id INTEGER PRIMARY KEY REFERENCES list(id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    asked INTEGER NOT NULL
) STRICT;

CREATE TABLE consent (
    subscriber_id INTEGER PRIMARY KEY REFERENCES subscriber(id) ON DELETE CASCADE,
    asked_at INTEGER NOT NULL,
    asked_message_id TEXT NOT NULL,
    asked_host TEXT NOT NULL,
    request TEXT NOT NULL,
    confirmed_at INTEGER NOT NULL,
    confirmed_message_id TEXT NOT NULL
) STRICT;

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE spool (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id INTEGER NOT NULL REFERENCES message(id),
    rcpt TEXT NOT NULL,
    reverse_path TEXT,
    client TEXT NOT NULL,
    helo TEXT NOT NULL,
    protocol TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'held', 'aside')),
    begun INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    list_id INTEGER REFERENCES list(id) ON DELETE SET NULL,
    reason TEXT NOT NULL DEFAULT '',
    author_key TEXT NOT NULL DEFAULT '',
    until INTEGER,
    confirmed INTEGER NOT NULL DEFAULT 0,
    approved_by TEXT
) STRICT;
CREATE INDEX spool_state ON spool (state, id);
CREATE INDEX spool_message ON spool (message_id);
CREATE INDEX spool_list ON spool (list_id);

CREATE TABLE seen (
    key BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_until ON seen (until);

CREATE TABLE proof (
    key BLOB PRIMARY KEY,
    spool_id INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX proof_until ON proof (until);

CREATE TABLE cookie (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    code_hash BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    address_key TEXT NOT NULL,
    address TEXT NOT NULL,
    payload TEXT NOT NULL,
    list_id INTEGER REFERENCES list(id) ON DELETE CASCADE,
    spool_id INTEGER REFERENCES spool(id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    outcome TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX cookie_person ON cookie (address_key);
CREATE INDEX cookie_spool ON cookie (spool_id);
CREATE INDEX cookie_list ON cookie (list_id);
CREATE INDEX cookie_expiry ON cookie (expires_at);

CREATE TABLE answer (
    person BLOB NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX answer_person ON answer (person, what, at);
CREATE INDEX answer_at ON answer (at);

CREATE TABLE posted (
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    key BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (list_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX posted_at ON posted (at);

CREATE TABLE change_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    listname TEXT NOT NULL,
    at INTEGER NOT NULL,
    verb TEXT NOT NULL,
    address_key TEXT NOT NULL,
    address TEXT NOT NULL,
    rest TEXT NOT NULL,
    salt BLOB,
    digest BLOB NOT NULL,
    link BLOB NOT NULL
) STRICT;
CREATE INDEX change_log_list ON change_log (listname, at);
CREATE INDEX change_log_person ON change_log (address_key);

CREATE TABLE change_chain (
    first_link BLOB NOT NULL,
    last_link BLOB NOT NULL
) STRICT;
INSERT INTO change_chain VALUES (zeroblob(32), zeroblob(32));

CREATE TABLE post_count (
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    person BLOB NOT NULL,
    posts INTEGER NOT NULL,
    PRIMARY KEY (list_id, day, person)
) STRICT, WITHOUT ROWID;
"""


def create(db: Database) -> None:
    """Make them."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)
