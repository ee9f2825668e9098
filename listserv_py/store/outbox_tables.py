"""The outbox's tables: mailings, the copies that wait, what became of the others, hosts that rest.

A copy has a row only while it waits on its own: each single mail, and those copies of a post that
were put off. What was sent is packed by page into the ledger, so that a million copies are a few
thousand rows. The content lies apart: moving a cursor must not write ten megabytes again.
"""

from sqlite_utils import Database

_TABLES = """
CREATE TABLE mailing (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    list_id INTEGER REFERENCES list(id) ON DELETE SET NULL,
    state TEXT NOT NULL
        CHECK (state IN ('running', 'waiting', 'done', 'refused', 'expired', 'dropped')),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    reverse_path TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    upto INTEGER NOT NULL DEFAULT 0,
    cursor INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX mailing_state ON mailing (state, id);
CREATE INDEX mailing_list ON mailing (list_id);

CREATE TABLE content (
    mailing_id INTEGER PRIMARY KEY REFERENCES mailing(id) ON DELETE CASCADE,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE copy (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mailing_id INTEGER NOT NULL REFERENCES mailing(id) ON DELETE CASCADE,
    subscriber_id INTEGER REFERENCES subscriber(id) ON DELETE CASCADE,
    rcpt TEXT NOT NULL,
    domain TEXT NOT NULL,
    urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'hold')),
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    last_reply TEXT NOT NULL DEFAULT '',
    blames INTEGER NOT NULL DEFAULT 0 CHECK (blames IN (0, 1)),
    UNIQUE (mailing_id, subscriber_id)
) STRICT;
CREATE INDEX copy_due ON copy (state, urgent, next_at, domain);
CREATE INDEX copy_mailing ON copy (mailing_id, state, next_at);
CREATE INDEX copy_subscriber ON copy (subscriber_id);

CREATE TABLE delivered (
    mailing_id INTEGER NOT NULL REFERENCES mailing(id) ON DELETE CASCADE,
    subscriber_id INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, subscriber_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,
    mailing_id INTEGER NOT NULL REFERENCES mailing(id) ON DELETE CASCADE,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    outcomes BLOB NOT NULL
) STRICT;
CREATE INDEX ledger_mailing ON ledger (mailing_id, first_id);

CREATE TABLE host (
    name TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bounce (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER REFERENCES subscriber(id) ON DELETE CASCADE,
    list_id INTEGER REFERENCES list(id) ON DELETE CASCADE,
    mailing_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    at INTEGER NOT NULL,
    code INTEGER NOT NULL,
    status TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX bounce_subscriber ON bounce (subscriber_id, at);
CREATE INDEX bounce_list ON bounce (list_id, at);
CREATE INDEX bounce_mailing ON bounce (mailing_id);
"""


def create(db: Database) -> None:
    """Make the tables; `list` and `subscriber` stand already."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)
