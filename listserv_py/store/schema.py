"""The tables, as an append-only row of migrations.

Times are whole seconds since 1970, UTC. Ids of subscribers are never used again (AUTOINCREMENT): a
bounce that comes back late must not hit somebody else. A released migration is never edited.
"""

import secrets

from sqlite_utils import Database, Migrations

from listserv_py.store import (
    archive_tables,
    bounce_tables,
    digest_tables,
    first_tables,
    jobreturns,
    outbox_tables,
    recipients,
    storms,
    trail_tables,
)

migrations = Migrations("listserv_py")

SECRETS = ("verp", "cookie", "seen", "person")


@migrations()
def create_tables(db: Database) -> None:
    """Everything that version 0.1 keeps, and the secrets of this server."""
    first_tables.create(db)
    outbox_tables.create(db)
    for name in SECRETS:
        db.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?)",
            (f"secret.{name}", secrets.token_bytes(32)),
        )


_HEADERS = """
CREATE TABLE header_lock (
    list_id INTEGER PRIMARY KEY REFERENCES list(id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;

CREATE TABLE old_header (
    list_id INTEGER PRIMARY KEY REFERENCES list(id) ON DELETE CASCADE,
    header TEXT NOT NULL,
    replaced_at INTEGER NOT NULL
) STRICT;
"""


@migrations()
def create_header_tables(db: Database) -> None:
    """Who has a list's header open, and the header before the last change."""
    for statement in _HEADERS.split(";\n"):
        if statement.strip():
            db.execute(statement)


@migrations()
def create_template_table(db: Database) -> None:
    """What owners have written for their lists."""
    db.execute(
        """
        CREATE TABLE template (
            list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            text TEXT NOT NULL,
            changed_at INTEGER NOT NULL,
            PRIMARY KEY (list_id, name)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def create_service_table(db: Database) -> None:
    """Invalid commands in a row, and who is not served because of them, or by a postmaster."""
    db.execute(
        """
        CREATE TABLE service (
            address_key TEXT NOT NULL,
            proven INTEGER NOT NULL,
            address TEXT NOT NULL,
            invalid INTEGER NOT NULL,
            off TEXT NOT NULL CHECK (off IN ('', 'faults', 'postmaster')),
            changed_at INTEGER NOT NULL,
            PRIMARY KEY (address_key, proven)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def create_signup_table(db: Database) -> None:
    """The names that people have registered."""
    db.execute(
        """
        CREATE TABLE signup (
            address_key TEXT PRIMARY KEY,
            address TEXT NOT NULL,
            name TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def create_password_table(db: Database) -> None:
    """People's passwords, hashed."""
    db.execute(
        """
        CREATE TABLE password (
            address_key TEXT PRIMARY KEY,
            address TEXT NOT NULL,
            hash TEXT NOT NULL,
            set_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )


_REACH = """
CREATE TABLE reach (
    mailing_id INTEGER PRIMARY KEY REFERENCES mailing(id) ON DELETE CASCADE,
    post_id INTEGER NOT NULL,
    list_id INTEGER NOT NULL,
    upto INTEGER NOT NULL,
    topics INTEGER NOT NULL,
    UNIQUE (post_id, list_id)
) STRICT
"""


@migrations()
def create_reach_table(db: Database) -> None:
    """The mailings of posts that go to several lists."""
    db.execute(_REACH)


@migrations()
def create_unsubscribe_secret(db: Database) -> None:
    """The key of the links for one-click unsubscription; with another one they would all die."""
    db.execute(
        "INSERT INTO meta (name, value) VALUES ('secret.unsubscribe', ?)",
        (secrets.token_bytes(32),),
    )


@migrations()
def create_alias_table(db: Database) -> None:
    """Authors and the aliases that stand for them in From, and the key that makes these."""
    db.execute(
        """
        CREATE TABLE alias (
            alias TEXT PRIMARY KEY,
            address_key TEXT NOT NULL,
            address TEXT NOT NULL,
            posted_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX alias_person ON alias (address_key)")
    db.execute("CREATE INDEX alias_age ON alias (posted_at)")
    db.execute(
        "INSERT INTO meta (name, value) VALUES ('secret.alias', ?)", (secrets.token_bytes(32),)
    )


@migrations()
def create_stats_table(db: Database) -> None:
    """How many posts each list has sent out, for STATS."""
    db.execute(
        """
        CREATE TABLE list_stats (
            list_id INTEGER PRIMARY KEY REFERENCES list(id) ON DELETE CASCADE,
            since INTEGER NOT NULL,
            posts INTEGER NOT NULL,
            last_at INTEGER
        ) STRICT
        """
    )


@migrations()
def create_trail_tables(db: Database) -> None:
    """What became of each mail, and how far posts have come."""
    trail_tables.create(db)


@migrations()
def create_bounce_tables(db: Database) -> None:
    """What comes back is judged, probes are sent, owners get reports."""
    bounce_tables.create(db)
    db.execute(
        "INSERT INTO meta (name, value) VALUES ('secret.probe', ?)", (secrets.token_bytes(32),)
    )


@migrations()
def create_storm_tables(db: Database) -> None:
    """Short posts of the last hours, and the lists that a storm has stopped."""
    storms.create(db)


@migrations()
def create_recipient_table(db: Database) -> None:
    """Whom the mails of DISTRIBUTE go to."""
    recipients.create(db)


@migrations()
def create_archive_tables(db: Database) -> None:
    """What lists have distributed, and the files that they keep."""
    archive_tables.create(db)


@migrations()
def create_digest_tables(db: Database) -> None:
    """What is collected for digests and indexes, and people's own hours."""
    digest_tables.create(db)


@migrations()
def create_indexes_of_what_is_swept(db: Database) -> None:
    """What has had its time is found without a look at the rest."""
    trail_tables.create_times(db)
    digest_tables.create_times(db)


@migrations()
def create_own_ids(db: Database) -> None:
    """Message-IDs that are ours, so that what comes back says which mailing it was."""
    db.execute("ALTER TABLE mailing ADD COLUMN own_id TEXT")
    db.execute("CREATE INDEX mailing_own_id ON mailing (own_id) WHERE own_id IS NOT NULL")


@migrations()
def create_job_reports(db: Database) -> None:
    """What comes back of DISTRIBUTE jobs is told to their senders."""
    jobreturns.create(db)


@migrations()
def create_issue_posts_table(db: Database) -> None:
    """Which posts went out in which digest or index."""
    digest_tables.create_issue_posts(db)
