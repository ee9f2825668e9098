"""Old mail into a list's archive, and an archive out again, a batch at a time.

A mail that the archive has already is passed over, by a digest of what it is, so that an import
which was broken off is simply begun again. What is indexed for searches is made afterwards, by the
running server.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from listserv_py.lists.model import MailingList
from listserv_py.mail.archived import Noted, date_of, noted, possible
from listserv_py.mail.message import read
from listserv_py.maillog import get_logger
from listserv_py.store.archive import link_of
from listserv_py.store.turn import Turn

log = get_logger("archives")

PAGE_OCTETS = 2_000_000
PAGE_POSTS = 200


@dataclass(frozen=True, slots=True)
class Old:
    """One mail, base64; `at` is when it was filed where it comes from."""

    content: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some mails for a list's archive, in their order."""

    listname: str
    mails: tuple[Old, ...]


@dataclass(frozen=True, slots=True)
class Understood(Batch):
    """The same, read: that needs no store and may take its time."""

    read: tuple[tuple[bytes, Noted, str | None, datetime | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Filed:
    """How many are new; `archived`: whether the list keeps an archive at all."""

    new: int
    archived: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A list's posts behind that number."""

    listname: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class Archived:
    """One post, base64, with what an mbox file says of it."""

    number: int
    content: str
    address: str
    at: datetime


def understand(batch: Batch) -> Batch:
    """Read the mails."""
    return Understood(batch.listname, batch.mails, tuple(_read(one) for one in batch.mails))


def _read(old: Old) -> tuple[bytes, Noted, str | None, datetime | None]:
    raw, now = base64.b64decode(old.content), datetime.now(UTC)
    filed = possible(old.at, now)
    try:
        message = read(raw)
        return raw, noted(message), message.message_id, date_of(message, now) or filed
    except Exception:
        log.exception("archives.unreadable")
        return raw, Noted("", "", "", "", raw.count(b"\n"), len(raw)), None, filed


def take_in(turn: Turn, batch: Batch) -> Filed:
    """File the mails that the archive does not have."""
    found = turn.tx.lists.get(batch.listname)
    known = batch if isinstance(batch, Understood) else understand(batch)
    new = 0
    for raw, one, message_id, at in known.read if isinstance(known, Understood) else ():
        if turn.tx.archive.has(found.id, raw):
            continue
        new += 1
        number = turn.tx.lists.number_post(found)
        link = link_of(found.name, message_id, raw)
        turn.tx.archive.keep(found.id, number, raw, one, link, at or _latest(turn, found))
    return Filed(new, found.keywords.notebook is not None)


def _latest(turn: Turn, found: MailingList) -> datetime:
    """The time of the mail before: of those without any date the best guess."""
    return turn.tx.archive.latest(found.id) or turn.now


def page(turn: Turn, wanted: Wanted) -> list[Archived]:
    """Some posts; none at the end."""
    found = turn.tx.lists.get(wanted.listname)
    archive, posts, size = turn.tx.archive, list[Archived](), 0
    for one in archive.after(found.id, wanted.after, PAGE_POSTS):
        size += one.size
        if posts and size > PAGE_OCTETS:
            break
        content = base64.b64encode(archive.raw(one.id)).decode("ascii")
        posts.append(Archived(one.number, content, one.address, one.at))
    return posts
