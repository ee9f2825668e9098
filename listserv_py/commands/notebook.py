"""GET and PUT of an archive's file: its posts as mbox; a PUT with nothing below it deletes them.

As with a list's other files, and of a single post as well: `PUT list 26-00042`. What else a PUT
would store is refused: a post is what its author wrote, and copies of it are elsewhere.
"""

from __future__ import annotations

from listserv_py.commands.archiveaccess import archived_list, weigh_archive
from listserv_py.commands.archiverefusals import ArchiveNotStored, FileTooLarge, TooManyPosts
from listserv_py.commands.command import Confirm, Request
from listserv_py.commands.filelist import attached
from listserv_py.commands.rights import configured_list, is_proven
from listserv_py.errors import UnknownFile
from listserv_py.lists.model import MailingList
from listserv_py.lists.notebooks import Span, read_name
from listserv_py.mail.archived import mbox_entry, shown
from listserv_py.mail.compose import Enclosed
from listserv_py.mail.message import read
from listserv_py.maillog import get_logger
from listserv_py.store.archive import Kept
from listserv_py.store.outbox import Kind

OCTETS_MAX = 5_000_000
DELETED_MAX = 500
"""Posts by one PUT; each takes its words out of the index."""
TOLD_MAX = 50

log = get_logger("archives")


def is_meant(request: Request) -> bool:
    """Whether the line is about a part of an archive."""
    return read_name(request.arguments.filetype) is not None


def weigh_get(request: Request) -> Confirm:
    """A subscriber may have a small file as `Validate=` lets him."""
    found = archived_list(request)
    return weigh_archive(request, request.turn.tx.archive.octets(found.id, _span(request)))


def prepare_get(request: Request) -> Request:
    """Refuse whom `Notebook=` keeps out, and what is too large for a mail."""
    found, span = archived_list(request), _span(request)
    if request.turn.tx.archive.octets(found.id, span) > OCTETS_MAX:
        raise FileTooLarge(found.name, span.name, f"{OCTETS_MAX // 1_000_000} MB")
    return request


def get(request: Request) -> str:
    """The file's posts, oldest first."""
    found, span = archived_list(request), _span(request)
    content, count = _mbox(request, found, span)
    if not content:
        raise UnknownFile(found.name, span.name)
    by_mail = request.actor.letter is not None and "MSG" not in request.arguments.switches
    if not by_mail:
        return content.decode("utf-8", "replace")
    name = f"{found.name}.{span.name}"
    sent = request.turn.mail(
        request.actor.mailbox,
        "GET_FILE_MAIL",
        {"LISTNAME": found.name, "FILETYPE": span.name},
        kind=Kind.REPLY,
        letter=request.actor.letter,
        mailing_list=found,
        attach=Enclosed(f"{name.lower()}.mbox", "application/mbox", content),
        proven=is_proven(request),
    )
    form = "GET_LOG_SENT" if sent else "GET_FILE_NOT_SENT"
    return request.say(form, LISTNAME=found.name, FILETYPE=span.name, COUNT=str(count))


def prepare_put(request: Request) -> Request:
    """Refuse strangers, what is no deletion, and too much or too little of it."""
    found, span = configured_list(request, also_owners=True), _span(request)
    if request.data or attached(request) is not None:
        raise ArchiveNotStored(found.name, span.name)
    posts = _deletable(request, found)
    if not posts:
        raise UnknownFile(found.name, span.name)
    if len(posts) > DELETED_MAX:
        raise TooManyPosts(found.name, span.name, str(DELETED_MAX))
    return request


def explain_put(request: Request) -> str:
    """Which posts would go."""
    found = configured_list(request, also_owners=True)
    posts = _deletable(request, found)
    rows = [f"{one.number:>7}  {one.at:%Y-%m-%d %H:%M}  {one.subject[:60]}" for one in posts]
    told = "\n".join([*rows[:TOLD_MAX], *(["..."] if len(rows) > TOLD_MAX else [])])
    return request.say("PUT_POSTS_ASKED", COUNT=str(len(posts)), ROWS=told)


def put(request: Request) -> str:
    """Take the posts out of the archive and its index, and out of issues that wait."""
    found, tx = configured_list(request, also_owners=True), request.turn.tx
    posts = _deletable(request, found)[:DELETED_MAX]
    marks = [tx.archive.marks(one) for one in posts]
    tx.digests.forget(found.name, {key for key, _ in marks}, {one for _, one in marks})
    gone = tx.archive.forget(found.id, [one.number for one in posts])
    log.info("archives.deleted", list=found.name, file=_span(request).name, posts=gone)
    return request.say(
        "PUT_POSTS_GONE", LISTNAME=found.name, FILETYPE=_span(request).name, COUNT=str(gone)
    )


def _deletable(request: Request, found: MailingList) -> list[Kept]:
    """The file's posts; of those who were asked for a code, what stood there then."""
    posts = request.turn.tx.archive.in_file(found.id, _span(request), DELETED_MAX + 1)
    asked = request.actor.asked
    return [one for one in posts if asked is None or one.at <= asked.at]


def _span(request: Request) -> Span:
    found = read_name(request.arguments.filetype)
    if found is None:
        raise UnknownFile(request.arguments.listname, request.arguments.filetype[:20])
    return found


def _mbox(request: Request, found: MailingList, span: Span) -> tuple[bytes, int]:
    archive, full = request.turn.tx.archive, found.keywords.notebook_full
    entries, octets = list[bytes](), 0
    for one in archive.in_file(found.id, span):
        raw = shown(read(archive.raw(one.id)), full=full)
        entries.append(mbox_entry(raw, one.address, one.at))
        octets += len(entries[-1])
        if octets > OCTETS_MAX:  # a day's sum is what INDEX knows; this is the file itself
            raise FileTooLarge(found.name, span.name, f"{OCTETS_MAX // 1_000_000} MB")
    return b"".join(entries), len(entries)
