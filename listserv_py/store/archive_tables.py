"""The tables of archives and of lists' files.

A post's bytes stand in `archive_content` once, whatever the number of lists that archive it; the
rows of `archive` are what a list has of it. What a search reads stands in the FTS5 table
`archive_text` by the archive row's id, and gets there after the post is on its way. Triggers take
along what hangs on a row that goes, but a dropped list's rows are swept in slices: there may be a
million of them.
"""

from sqlite_utils import Database

from listserv_py.store.connect import SQLITE_VERSION

CAN_SCRUB = tuple(map(int, SQLITE_VERSION.split(".")[:2])) >= (3, 42)
"""Whether the search index forgets at once what is taken out of it."""

_TABLES = """
CREATE TABLE archive_content (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    packed INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE archive (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    content_id INTEGER NOT NULL REFERENCES archive_content(id),
    at INTEGER NOT NULL,
    link TEXT NOT NULL,
    author_key TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    sender_folded TEXT NOT NULL,
    subject_folded TEXT NOT NULL,
    lines INTEGER NOT NULL,
    size INTEGER NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (list_id, number)
) STRICT;
CREATE INDEX archive_time ON archive (list_id, at);
CREATE INDEX archive_link ON archive (link);
CREATE INDEX archive_content_of ON archive (content_id, list_id);
CREATE INDEX archive_person ON archive (author_key) WHERE author_key <> '';
CREATE INDEX archive_pending ON archive (id) WHERE indexed = 0;

CREATE TABLE archive_day (
    list_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    posts INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    PRIMARY KEY (list_id, day)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE archive_text USING fts5(
    place, sender, subject, body, people,
    tokenize = "unicode61 remove_diacritics 2"
);

CREATE TABLE list_file (
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    get_code TEXT NOT NULL,
    put_code TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content BLOB NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (list_id, name)
) STRICT
"""
_TRIGGERS = (
    """
    CREATE TRIGGER archive_gone AFTER DELETE ON archive BEGIN
        DELETE FROM archive_text WHERE rowid = old.id AND old.indexed;
        DELETE FROM archive_content WHERE id = old.content_id
            AND NOT EXISTS (SELECT 1 FROM archive WHERE content_id = old.content_id);
        UPDATE archive_day SET posts = posts - 1, octets = octets - old.size
            WHERE list_id = old.list_id AND day = old.at / 86400;
        DELETE FROM archive_day
            WHERE list_id = old.list_id AND day = old.at / 86400 AND posts < 1;
    END
    """,
    """
    CREATE TRIGGER archive_come AFTER INSERT ON archive BEGIN
        INSERT INTO archive_day VALUES (new.list_id, new.at / 86400, 1, new.size)
            ON CONFLICT DO UPDATE SET posts = posts + 1, octets = octets + excluded.octets;
    END
    """,
)


def create(db: Database) -> None:
    """Make them."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)
    for trigger in _TRIGGERS:
        db.execute(trigger)
    # What is deleted must be gone from the file; SQLite before 3.42 has no word for it.
    if CAN_SCRUB:
        db.execute("INSERT INTO archive_text (archive_text, rank) VALUES ('secure-delete', 1)")
