"""One person in all tables: what is stored about him, and his erasure.

Every table that can name a person stands here, by column or by content; a new one belongs here too.
Mail that others wrote and that merely mentions him is theirs: it stays on its way.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from sqlite_utils import Database

from listserv_py.errors import BadAddress, ListservError
from listserv_py.lists.header import read_header
from listserv_py.lists.options import Options
from listserv_py.lists.optionwords import describe
from listserv_py.lists.topics import shown
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.mail.message import read
from listserv_py.store.digest_tables import ABOUT
from listserv_py.store.mentions import as_written, mentions, whole_address
from listserv_py.store.outcomes import unpack
from listserv_py.store.records import Record, Value, readable
from listserv_py.store.store import Tx
from listserv_py.store.times import moment

_ADDRESS = re.compile(r"[^\s,;()<>\"]+@[^\s,;()<>\"]+")
_HEADERS_IN = {
    "list": "SELECT name, header FROM list",
    "old_header": "SELECT l.name, o.header FROM old_header o JOIN list l ON l.id = o.list_id",
}
_HASH = re.compile(r"\$argon2[^\"\s]*")
_TIMES = re.compile(r"(_at|until)$")


class StillNamed(ListservError):
    """The person is named in a list's header and cannot be erased before somebody changes it."""

    def __init__(self, listnames: list[str]) -> None:
        super().__init__(
            f"named in the header of {', '.join(listnames)}: name somebody else there first"
        )


class People:
    """The view of one person at a time over all tables."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._db: Database = tx.db

    def stored_about(self, mailbox: Mailbox) -> dict[str, list[Record]]:
        """All that is stored about a person, by kind (GDPR article 15)."""
        key, written = mailbox.key, as_written(mailbox)
        return {
            "subscriptions": list(self._subscriptions(key)),
            **self._named(mailbox),
            "headers_open": self._rows(
                "SELECT l.name AS list, h.until FROM header_lock h JOIN list l ON l.id = h.list_id"
                " WHERE lower(h.address) = ?",
                (written,),
            ),
            "confirmations": list(self._confirmations(key)),
            "mail_in": list(self._mail_in(mailbox)),
            "mail_out": list(self._mail_out(mailbox)),
            "registered": self._rows(
                "SELECT address, name FROM signup WHERE address_key = ?", (key,)
            ),
            "password": self._rows("SELECT set_at FROM password WHERE address_key = ?", (key,)),
            "aliases": self._rows(
                "SELECT alias, address, posted_at FROM alias WHERE address_key = ?", (key,)
            ),
            "service": self._rows(
                "SELECT proven, invalid, off, changed_at FROM service WHERE address_key = ?", (key,)
            ),
            "deliveries": list(self._deliveries(key)),
            "mails_decided": list(self._decided(mailbox)),
            "posts_decided_by_him": self._decided_by(written),
            "change_log": self._changes(key, written),
            "probes": self._probes(key),
            **{name: self._rows(query, (key,)) for name, query in ABOUT.items()},
            **self._tx.archive_people.stored_about(mailbox),
            "bounces": self._rows(
                "SELECT l.name AS list, b.address, b.at AS bounced_at, max(b.code, 0) AS code,"
                " b.status, b.text"
                " FROM bounce b LEFT JOIN list l ON l.id = b.list_id"
                " LEFT JOIN subscriber s ON s.id = b.subscriber_id"
                " WHERE s.address_key = ? OR lower(b.address) = ?",
                (key, written),
            ),
        }

    def _probes(self, key: str) -> list[Record]:
        return self._rows(
            "SELECT l.name AS list, p.purpose, p.sent_at, p.state, p.back_at, p.status, p.text"
            " FROM probe p JOIN subscriber s ON s.id = p.subscriber_id"
            " JOIN list l ON l.id = p.list_id WHERE s.address_key = ?",
            (key,),
        )

    def _named(self, mailbox: Mailbox) -> dict[str, list[Record]]:
        """Where he stands in what owners have written, or whoever has mail sent to him."""
        return {
            "roles": [
                {"list": name, "header_line": line} for name, line in self._header_lines(mailbox)
            ],
            "older_roles": [
                {"list": name, "header_line": line}
                for name, line in self._header_lines(mailbox, "old_header")
            ],
            "texts": [
                {"list": name, "text": text, "line": line}
                for name, text, line in self._text_lines(mailbox)
            ],
            "jobs": self._rows(
                "SELECT id, state, created_at, sent, failed FROM mailing"
                " WHERE kind = 'job' AND lower(reverse_path) = ?",
                (as_written(mailbox),),
            ),
            "recipient_of": self._rows(
                "SELECT mailing_id, address, replace(said, char(31), ', ') AS \"values\""
                " FROM recipient WHERE address_key = ? OR instr(lower(said), ?)",
                (mailbox.key, as_written(mailbox)),
            ),
        }

    def check_unnamed(self, mailbox: Mailbox) -> None:
        """StillNamed when a header names him: a list without its owner would be nobody's."""
        if named := sorted({name for name, _ in self._header_lines(mailbox)}):
            raise StillNamed(named)

    def erase(self, mailbox: Mailbox, names: Iterable[str] = (), past: int = 0) -> int:
        """Take a person out of every table (`check_unnamed`); says how many rows that were."""
        self.check_unnamed(mailbox)
        key, written = mailbox.key, as_written(mailbox)
        archives = self._tx.archive_people
        gone = archives.erase(mailbox, archives.names(mailbox).union(names), past)
        gone += self._erase_incoming(mailbox) + self._erase_outgoing(mailbox)
        for statement, value in (
            ("DELETE FROM header_lock WHERE lower(address) = ?", written),
            ("DELETE FROM old_header WHERE instr(lower(header), ?)", written),
            ("UPDATE list SET held = 'HOLD' WHERE instr(lower(held), ?)", written),
            ("DELETE FROM cookie WHERE address_key = ?", key),
            ("DELETE FROM cookie WHERE instr(lower(payload), ?)", written),
            ("UPDATE cookie SET outcome = '' WHERE instr(lower(outcome), ?)", written),
            ("UPDATE spool SET approved_by = NULL WHERE lower(approved_by) = ?", written),
            ("DELETE FROM bounce WHERE instr(lower(text), ?)", written),
            ("UPDATE probe SET text = '' WHERE instr(lower(text), ?)", written),
            ("DELETE FROM signup WHERE address_key = ?", key),
            ("DELETE FROM password WHERE address_key = ?", key),
            ("DELETE FROM alias WHERE address_key = ?", key),
            ("DELETE FROM service WHERE address_key = ?", key),
            ("DELETE FROM mailing WHERE kind = 'job' AND lower(reverse_path) = ?", written),
            ("DELETE FROM recipient WHERE address_key = ?", key),
            ("DELETE FROM recipient WHERE instr(lower(said), ?)", written),
            ("DELETE FROM subscriber WHERE address_key = ?", key),
        ):
            gone += int(self._db.execute(statement, (value,)).rowcount)
        gone += self._tx.changelog.erase(mailbox) + self._tx.trail.forget(mailbox)
        self._tx.budget.forget(mailbox)
        self._tx.posts.forget(mailbox)
        self._tx.storms.forget(mailbox)
        return gone

    def named_in(self, mailbox: Mailbox) -> list[str]:
        """The texts of lists that name a person: what owners have written, they must change."""
        return sorted({f"{name} {text}" for name, text, _ in self._text_lines(mailbox)})

    def everybody(self) -> Iterator[Mailbox]:
        """Every person whom a column or a list's header names, once each."""
        rows = self._db.execute(
            "SELECT address FROM subscriber UNION SELECT address FROM cookie"
            " UNION SELECT reverse_path FROM spool WHERE reverse_path IS NOT NULL"
            " UNION SELECT author_key FROM spool WHERE author_key <> ''"
            " UNION SELECT author_key FROM digest_post WHERE author_key <> ''"
            " UNION SELECT rcpt FROM copy UNION SELECT address FROM bounce WHERE address <> ''"
            " UNION SELECT address FROM header_lock UNION SELECT address FROM service"
            " UNION SELECT address FROM signup UNION SELECT address FROM password"
            " UNION SELECT address FROM alias UNION SELECT address FROM recipient"
            " UNION SELECT address FROM archive WHERE author_key <> ''"
            " UNION SELECT person FROM trail_step WHERE person <> ''"
            " UNION SELECT reverse_path FROM mailing WHERE kind = 'job' AND reverse_path <> ''"
            " UNION SELECT address FROM change_log WHERE address <> ''"
        ).fetchall()
        headers = self._db.execute(
            "SELECT header FROM list UNION SELECT header FROM old_header"
            " UNION SELECT rest FROM change_log WHERE instr(rest, '@')"
        ).fetchall()
        named = [word for row in headers for word in _ADDRESS.findall(row[0])]
        return iter({parse_mailbox(row[0]) for row in rows} | set(_mailboxes(named)))

    def _subscriptions(self, key: str) -> Iterator[Record]:
        rows = self._db.execute(
            "SELECT s.id, l.name, l.header, s.address, s.name, s.options, s.subscribed_at,"
            " s.active_at, s.asked_at"
            " FROM subscriber s JOIN list l ON l.id = s.list_id WHERE s.address_key = ?",
            (key,),
        ).fetchall()
        for subscriber_id, listname, header, address, name, options, subscribed_at, *clock in rows:
            decoded = Options.decode(options)
            topics = read_header(header)[0].keywords.topics
            consent = self._rows(
                "SELECT asked_at, asked_message_id, asked_host, request, confirmed_at,"
                " confirmed_message_id FROM consent WHERE subscriber_id = ?",
                (subscriber_id,),
            )
            yield {
                "list": listname,
                "address": address,
                "name": name,
                "options": [row.word for row in describe(decoded)],
                **({"topics": shown(decoded.no_topics, topics)} if topics else {}),
                "subscribed_at": moment(subscribed_at).isoformat(),
                **_record(zip(("active_at", "asked_at"), clock, strict=True)),
                "consent": consent[0] if consent else None,
            }

    def _decided_by(self, written: str) -> list[Record]:
        """The posts that he approved or returned."""
        return self._rows(
            "SELECT l.name AS list, s.at AS decided_at, s.what FROM trail_step s"
            " JOIN trail t ON t.spool_id = s.spool_id LEFT JOIN list l ON l.id = t.list_id"
            " WHERE s.person <> '' AND lower(s.person) = ?",
            (written,),
        )

    def _decided(self, mailbox: Mailbox) -> Iterator[Record]:
        """What was decided on mails of his; of the mails themselves nothing is kept there."""
        names = {one.id: one.name for one in self._tx.lists.all()}
        for one, steps in self._tx.trail.written_by(mailbox):
            for step in steps:
                yield {
                    "list": names.get(one.list_id or 0),
                    "received_at": moment(one.received_at).isoformat(),
                    "at": moment(step.at).isoformat(),
                    "what": step.what,
                    "rule": step.rule,
                    "reason": step.reason,
                }

    def _changes(self, key: str, written: str) -> list[Record]:
        return self._rows(
            "SELECT listname AS list, at AS noted_at, verb, address, rest FROM change_log"
            " WHERE address_key = ? OR instr(lower(rest), ?) ORDER BY id",
            (key, written),
        )

    def _deliveries(self, key: str) -> Iterator[Record]:
        """Which posts were sent to him, as far back as the ledger goes."""
        rows = self._db.execute(
            "SELECT s.id, l.name, g.at, g.outcomes FROM subscriber s"
            " JOIN list l ON l.id = s.list_id JOIN mailing m ON m.list_id = l.id"
            " JOIN ledger g ON g.mailing_id = m.id AND s.id BETWEEN g.first_id AND g.last_id"
            " WHERE s.address_key = ? ORDER BY g.at",
            (key,),
        )
        for subscriber_id, listname, at, outcomes in rows:
            for reader, fate in unpack(bytes(outcomes)):
                if reader == subscriber_id:
                    yield {
                        "list": listname,
                        "at": moment(at).isoformat(),
                        "outcome": fate.name.lower(),
                    }

    def _header_lines(self, mailbox: Mailbox, table: str = "list") -> Iterator[tuple[str, str]]:
        whole = whole_address(mailbox)
        rows = self._db.execute(_HEADERS_IN[table]).fetchall()
        for name, header in rows:
            yield from ((name, line) for line in header.split("\n") if whole.search(line))

    def _text_lines(self, mailbox: Mailbox) -> Iterator[tuple[str, str, str]]:
        whole = whole_address(mailbox)
        rows = self._db.execute(
            "SELECT l.name, t.name, t.text FROM template t JOIN list l ON l.id = t.list_id"
        ).fetchall()
        for name, title, text in rows:
            yield from ((name, title, line) for line in text.split("\n") if whole.search(line))
        yield from self._tx.archive_people.file_lines(whole)

    def _incoming(self, mailbox: Mailbox) -> Iterator[tuple[Record, int]]:
        """Mail of his that is not decided on yet: held posts, and what could not be worked off."""
        rows = self._db.execute(
            "SELECT s.message_id, s.reverse_path, s.author_key, m.raw, s.id, s.rcpt,"
            " s.received_at, s.state, s.reason, s.client, s.helo"
            " FROM spool s JOIN message m ON m.id = s.message_id"
        )
        names = ("id", "to", "received_at", "state", "reason", "client", "helo")
        for message_id, reverse_path, author_key, raw, *rest in rows:
            is_his = (reverse_path or "").lower() == as_written(
                mailbox
            ) or author_key == mailbox.key
            if is_his or _is_by(mailbox, bytes(raw)):
                yield _record(zip(names, rest, strict=True)), message_id

    def _outgoing(self, mailbox: Mailbox) -> Iterator[tuple[Record, int]]:
        """Mail that waits to go to him, and what of his own waits to go to others."""
        rows = self._db.execute(
            "SELECT c.mailing_id, c.raw, m.id, m.kind, l.name, m.state, m.created_at,"
            " EXISTS (SELECT 1 FROM copy o WHERE o.mailing_id = m.id AND lower(o.rcpt) = ?)"
            " FROM mailing m LEFT JOIN reach r ON r.mailing_id = m.id"
            " JOIN content c ON c.mailing_id = coalesce(r.post_id, m.id)"
            " LEFT JOIN list l ON l.id = m.list_id",
            (as_written(mailbox),),
        )
        for content_id, raw, *rest, is_to_him in rows:
            if is_to_him or _is_by(mailbox, bytes(raw)):
                names = ("id", "kind", "list", "state", "created_at")
                yield _record(zip(names, rest, strict=True)), content_id

    def _confirmations(self, key: str) -> Iterator[Record]:
        """What waits for his code; a new password waits as its hash, which is nobody's business."""
        for row in self._rows(
            "SELECT c.kind, l.name AS list, c.payload, c.created_at, c.expires_at, c.used_at,"
            " c.outcome FROM cookie c LEFT JOIN list l ON l.id = c.list_id"
            " WHERE c.address_key = ?",
            (key,),
        ):
            yield {**row, "payload": _HASH.sub("(hidden)", str(row["payload"]))}

    def _mail_in(self, mailbox: Mailbox) -> Iterator[Record]:
        for row, message_id in self._incoming(mailbox):
            yield self._with_content(row, "SELECT raw FROM message WHERE id = ?", message_id)

    def _mail_out(self, mailbox: Mailbox) -> Iterator[Record]:
        for row, content_id in self._outgoing(mailbox):
            query = "SELECT raw FROM content WHERE mailing_id = ?"
            yield self._with_content(row, query, content_id)

    def _with_content(self, record: Record, query: str, row_id: int) -> Record:
        raw = self._db.execute(query, (row_id,)).fetchone()[0]
        return {**record, "content": readable(bytes(raw))}

    def _erase_incoming(self, mailbox: Mailbox) -> int:
        found = [int(str(record["id"])) for record, _ in self._incoming(mailbox)]
        for spool_id in found:
            self._db.execute("DELETE FROM cookie WHERE spool_id = ?", (spool_id,))
            self._tx.spool.done(spool_id)
        return len(found)

    def _erase_outgoing(self, mailbox: Mailbox) -> int:
        """A post to all stays unless he wrote it; of single mails none may name him."""
        found = set()
        for mailing_id, is_post, raw in self._db.execute(
            "SELECT m.id, m.kind IN ('post', 'job', 'digest'), c.raw"
            " FROM mailing m JOIN content c ON c.mailing_id = m.id"
        ):
            if _is_by(mailbox, bytes(raw)) or (not is_post and mentions(mailbox, bytes(raw))):
                found.add(mailing_id)
        for mailing_id in found:
            self._tx.reach.forget_post(mailing_id)
        self._tx.outbox.erase(mailbox)
        gone = self._tx.digests.erase(mailbox.key)
        self._forget_in_facts(mailbox)
        return len(found) + gone

    def _forget_in_facts(self, mailbox: Mailbox) -> None:
        """Posts by others may say that he approved them."""
        his = whole_address(mailbox)
        for mailing_id, facts in self._db.execute(
            "SELECT id, facts FROM mailing WHERE instr(lower(facts), ?) OR instr(lower(facts), ?)",
            (as_written(mailbox), mailbox.key),
        ).fetchall():
            self._db.execute(
                "UPDATE mailing SET facts = ? WHERE id = ?", (his.sub("", facts), mailing_id)
            )

    def _rows(self, query: str, values: tuple[Value, ...]) -> list[Record]:
        cursor = self._db.execute(query, values)
        names = [column[0] for column in cursor.description]
        return [_record(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _mailboxes(words: Iterable[str]) -> Iterator[Mailbox]:
    for word in words:
        with suppress(BadAddress):
            yield parse_mailbox(word)


def _record(pairs: Iterable[tuple[str, Value]]) -> Record:
    """A row with its times as people and machines read them."""
    return {
        name: moment(value).isoformat() if isinstance(value, int) and _TIMES.search(name) else value
        for name, value in pairs
    }


def _is_by(mailbox: Mailbox, raw: bytes) -> bool:
    if as_written(mailbox).encode() not in raw.lower():
        return False
    author = read(raw).author
    return author is not None and author.mailbox == mailbox
