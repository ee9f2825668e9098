"""The tables of what comes back: what it counts as, probes, reports to come, storms.

A bounce is `new` until it is judged; then it is charged to the person, to the post, or to nobody.
A probe's key is kept as a keyed hash: whoever reads the database cannot answer in its name.
"""

from sqlite_utils import Database

_TABLES = """
ALTER TABLE bounce ADD COLUMN charge TEXT NOT NULL DEFAULT 'new';
ALTER TABLE bounce ADD COLUMN cause TEXT NOT NULL DEFAULT '';
UPDATE bounce SET charge = 'none';
CREATE INDEX bounce_new ON bounce (at, id) WHERE charge = 'new';

CREATE TABLE probe (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    purpose TEXT NOT NULL CHECK (purpose IN ('bounce', 'renewal')),
    subscriber_id INTEGER NOT NULL REFERENCES subscriber(id) ON DELETE CASCADE,
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    mailing_id INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'out' CHECK (state IN ('out', 'back', 'over')),
    back_at INTEGER,
    cause TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX probe_person ON probe (subscriber_id, purpose, id);
CREATE INDEX probe_list ON probe (list_id);
CREATE INDEX probe_state ON probe (purpose, state, sent_at);
CREATE INDEX probe_mailing ON probe (mailing_id);

CREATE TABLE bounce_told (
    mailing_id INTEGER NOT NULL,
    about TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, about)
) STRICT, WITHOUT ROWID;

CREATE TABLE bounce_report (
    list_id INTEGER PRIMARY KEY REFERENCES list(id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX bounce_report_due ON bounce_report (due_at)
"""


def create(db: Database) -> None:
    """Make the tables; those of the outbox stand already."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)
