"""The tables of what became of each mail: how far a post has come, and how it was decided on.

How many copies of a post wait is counted by triggers, so that nobody ever counts rows; the counts
lie apart from `mailing`, whose rows are long. Of people there are keyed hashes, but for those who
approved a post: the owners may know them.
"""

from sqlite_utils import Database

_TABLES = """
CREATE TABLE progress (
    mailing_id INTEGER PRIMARY KEY REFERENCES mailing(id) ON DELETE CASCADE,
    readers INTEGER NOT NULL,
    reached INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    begun_at INTEGER,
    last_at INTEGER,
    mark_at INTEGER NOT NULL DEFAULT 0,
    mark INTEGER NOT NULL DEFAULT 0,
    before_at INTEGER NOT NULL DEFAULT 0,
    before INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE trail (
    spool_id INTEGER PRIMARY KEY,
    accepted_as TEXT NOT NULL,
    message BLOB NOT NULL,
    author BLOB NOT NULL,
    list_id INTEGER REFERENCES list(id) ON DELETE SET NULL,
    protocol TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    mailing_id INTEGER
) STRICT;
CREATE INDEX trail_message ON trail (message);
CREATE INDEX trail_author ON trail (author);
CREATE INDEX trail_accepted ON trail (accepted_as);
CREATE INDEX trail_mailing ON trail (mailing_id) WHERE mailing_id IS NOT NULL;

CREATE TABLE trail_step (
    id INTEGER PRIMARY KEY,
    spool_id INTEGER NOT NULL REFERENCES trail(spool_id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    rule TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    asked TEXT NOT NULL DEFAULT '',
    person TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX trail_step_of ON trail_step (spool_id);
CREATE INDEX trail_step_person ON trail_step (person) WHERE person <> '';

CREATE TABLE trail_mail (
    mailing_id INTEGER PRIMARY KEY,
    spool_id INTEGER,
    kind TEXT NOT NULL,
    list_id INTEGER REFERENCES list(id) ON DELETE SET NULL,
    made_at INTEGER NOT NULL,
    at INTEGER,
    fate INTEGER NOT NULL DEFAULT 0,
    reply TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX trail_mail_about ON trail_mail (spool_id) WHERE spool_id IS NOT NULL;

CREATE INDEX mailing_going ON mailing (id)
    WHERE kind IN ('post', 'job') AND state IN ('running', 'waiting');
CREATE INDEX subscriber_single ON subscriber (list_id, options) WHERE options & 1;

ALTER TABLE ledger ADD COLUMN reply TEXT NOT NULL DEFAULT '';
CREATE INDEX ledger_span ON ledger (mailing_id, first_id, last_id);
DROP INDEX ledger_mailing;

INSERT INTO progress (mailing_id, readers, reached, waiting)
    SELECT m.id, m.sent + m.failed + c.copies + iif(m.state = 'running', (SELECT count(*)
        FROM subscriber s WHERE s.list_id = m.list_id AND s.id > m.cursor AND s.id <= m.upto), 0),
        m.sent + m.failed + c.copies, c.copies
    FROM mailing m JOIN (SELECT n.id, (SELECT count(*) FROM copy WHERE mailing_id = n.id) AS copies
        FROM mailing n WHERE n.kind = 'post') c ON c.id = m.id;
"""

_TRIGGERS = (
    "CREATE TRIGGER copy_waits AFTER INSERT ON copy WHEN new.subscriber_id IS NOT NULL BEGIN"
    " UPDATE progress SET waiting = waiting + 1 WHERE mailing_id = new.mailing_id; END",
    "CREATE TRIGGER copy_over AFTER DELETE ON copy WHEN old.subscriber_id IS NOT NULL BEGIN"
    " UPDATE progress SET waiting = waiting - 1 WHERE mailing_id = old.mailing_id; END",
)


_TIMES = (
    "CREATE INDEX trail_time ON trail (received_at)",
    "CREATE INDEX trail_mail_time ON trail_mail (made_at)",
    "CREATE INDEX post_count_day ON post_count (day)",
    # Mailings that are over only: the others change their state, and each change would cost.
    "CREATE INDEX mailing_time ON mailing (created_at)"
    " WHERE state IN ('done', 'refused', 'expired', 'dropped')",
)


def create(db: Database) -> None:
    """Make the tables; those of the outbox stand already."""
    for statement in (*_TABLES.split(";\n"), *_TRIGGERS):
        if statement.strip():
            db.execute(statement)


def create_times(db: Database) -> None:
    """Indexes by time, for the sweeper: of what is followed, and of what it names."""
    for statement in _TIMES:
        db.execute(statement)
