"""The tables of digests: what was collected, which issue it is in, and who chose hours of his own.

A post stands here once for each list whose readers collect, its content once for all of them.
`issue` says which issue took it, and is written in the transaction that makes that issue.
"""

from sqlite_utils import Database

from listserv_py.lists.options import COLLECTED

_TABLES = f"""
CREATE TABLE digest (
    list_id INTEGER PRIMARY KEY REFERENCES list(id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    next_at INTEGER,
    volume INTEGER NOT NULL DEFAULT 0,
    number INTEGER NOT NULL DEFAULT 0,
    day TEXT NOT NULL DEFAULT '',
    posts INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX digest_next ON digest (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE digest_content (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE digest_issue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    volume INTEGER NOT NULL,
    number INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    posts INTEGER NOT NULL,
    mailing_id INTEGER,
    UNIQUE (list_id, volume, number)
) STRICT;

CREATE TABLE digest_post (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    content_id INTEGER NOT NULL REFERENCES digest_content(id),
    number INTEGER NOT NULL,
    facts TEXT NOT NULL,
    author_key TEXT NOT NULL,
    at INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    of_day INTEGER NOT NULL,
    topics INTEGER NOT NULL,
    issue INTEGER
) STRICT;
CREATE INDEX digest_post_list ON digest_post (list_id, id);
CREATE INDEX digest_post_open ON digest_post (list_id, id) WHERE issue IS NULL;
CREATE INDEX digest_post_author ON digest_post (author_key);
CREATE INDEX digest_post_content ON digest_post (content_id);

CREATE TABLE own_time (
    subscriber_id INTEGER PRIMARY KEY REFERENCES subscriber(id) ON DELETE CASCADE,
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    until TEXT NOT NULL,
    at TEXT NOT NULL,
    most INTEGER NOT NULL,
    next_at INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX own_time_next ON own_time (next_at);
CREATE INDEX own_time_list ON own_time (list_id, seen);

CREATE INDEX subscriber_collected ON subscriber (list_id, id) WHERE options & {COLLECTED}
"""

_TIMES = (
    "CREATE INDEX digest_issue_time ON digest_issue (closed_at)",
    "CREATE INDEX digest_post_taken ON digest_post (list_id, id) WHERE issue IS NOT NULL",
    """
    CREATE TRIGGER digest_post_gone AFTER DELETE ON digest_post BEGIN
        DELETE FROM digest_content WHERE id = old.content_id
            AND NOT EXISTS (SELECT 1 FROM digest_post WHERE content_id = old.content_id);
    END
    """,
    """
    CREATE TABLE digest_had (
        subscriber_id INTEGER PRIMARY KEY REFERENCES subscriber(id) ON DELETE CASCADE,
        list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
        seen INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX digest_had_list ON digest_had (list_id, seen)",
)

_ISSUE_POSTS = (
    """
    CREATE TABLE issue_posts (
        mailing_id INTEGER PRIMARY KEY REFERENCES mailing(id) ON DELETE CASCADE,
        list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
        posts TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX issue_posts_list ON issue_posts (list_id, mailing_id)",
)

ABOUT = {
    "posts_in_digests": "SELECT l.name AS list, p.number, p.at AS posted_at, p.issue"
    " FROM digest_post p JOIN list l ON l.id = p.list_id WHERE p.author_key = ?",
    "own_times": "SELECT l.name AS list, o.until AS nomail_ends, o.at AS digest_hour,"
    " o.most AS max_a_day FROM own_time o JOIN subscriber s ON s.id = o.subscriber_id"
    " JOIN list l ON l.id = o.list_id WHERE s.address_key = ?",
}
"""What they say of a person, by the names under which he is shown it."""


def create(db: Database) -> None:
    """Make the tables; `list` and `subscriber` stand already."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)


def create_times(db: Database) -> None:
    """What the sweeper goes by, and what people have had who stopped collecting."""
    for statement in _TIMES:
        db.execute(statement)


def create_issue_posts(db: Database) -> None:
    """The digests that went out, and by their times and places in the day the posts in them."""
    for statement in _ISSUE_POSTS:
        db.execute(statement)
