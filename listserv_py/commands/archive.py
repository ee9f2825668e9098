"""GETPOST and SEARCH: single posts of an archive, and how they are found.

All of this runs in the writing thread, so each answer is bounded: in posts, in octets, and in how
many posts a search looks at. By mail, posts come whole in a mail of their own; with NOMIME, and for
those who did not ask by mail, as text in the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from listserv_py.commands.archiveaccess import archived_list, weigh_archive
from listserv_py.commands.archiverefusals import BadPostNumbers, NoSuchPosts, SearchNotRead
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.rights import is_proven, is_visible
from listserv_py.errors import UnknownList
from listserv_py.lists.model import MailingList
from listserv_py.lists.search import BadSearch, Search, read, split
from listserv_py.mail.archived import as_text, shown
from listserv_py.mail.bundle import bundled
from listserv_py.mail.message import Message
from listserv_py.mail.message import read as read_message
from listserv_py.store.archive import LINK_LENGTH, Kept
from listserv_py.store.archive_index import Found
from listserv_py.store.outbox import Kind

POSTS_MAX = 50
OCTETS_MAX = 5_000_000
TEXT_MAX = 400_000
HITS_MAX = 100
WEIGHT = 10
"""So many such lines count as fifty that mean many people: a mail may have five."""

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", re.ASCII)
_LINK = re.compile(rf"[A-Z2-7]{{{LINK_LENGTH}}}", re.ASCII)
_RULE = "-" * 72


@dataclass(frozen=True, slots=True)
class _Post:
    kept: Kept
    message: Message


def prepare_getpost(request: Request) -> Request:
    """Refuse whom `Notebook=` keeps out, and what is no number."""
    _meant(request, archived_list(request))
    return request


def weigh_getpost(request: Request) -> Confirm:
    """A subscriber may have a few small ones as `Validate=` lets him."""
    return weigh_archive(request, sum(one.size for one in _meant(request, archived_list(request))))


def getpost(request: Request) -> str:
    """The posts, by mail as they came, else as text."""
    found = archived_list(request)
    posts = _read(request, _meant(request, found))
    if not posts:
        raise NoSuchPosts(found.name, request.arguments.text[:60])
    is_text = "NOMIME" in request.arguments.switches
    by_mail = request.actor.letter is not None
    if by_mail and not is_text and _mail(request, found, posts):
        slots = {"COUNT": str(len(posts)), "POSTS": _numbers(posts)}
        return request.say("GETPOST_SENT", LISTNAME=found.name, **slots)
    full = found.keywords.notebook_full
    texts = [f"Post {one.kept.number}\n{as_text(one.message, full=full)}" for one in posts]
    return _cut(request, f"\n\n{_RULE}\n".join(texts))


def _meant(request: Request, found: MailingList) -> list[Kept]:
    """What the index says of the posts that the line names."""
    archive, posts = request.turn.tx.archive, list[Kept]()
    for word in re.split(r"[ \t,]+", request.arguments.text):
        room = POSTS_MAX - len(posts)
        numbers, link = _RANGE.fullmatch(word), _LINK.fullmatch(word.upper())
        if numbers:
            first, last = int(numbers[1]), int(numbers[2] or numbers[1])
            posts += archive.between(found.id, first, last, room)
        elif link:
            one = archive.by_link(found.id, word.upper())
            posts += [one] if one and room else []
        else:
            raise BadPostNumbers(found.name, word[:40])
    return posts


def _read(request: Request, kept: list[Kept]) -> list[_Post]:
    posts, octets = list[_Post](), 0
    for one in kept:
        octets += one.size
        if posts and octets > OCTETS_MAX:
            break
        posts.append(_Post(one, read_message(request.turn.tx.archive.raw(one.id))))
    return posts


def _mail(request: Request, found: MailingList, posts: list[_Post]) -> bool:
    """Send them, one attached as it is, several as a digest; False when that may not be."""
    full = found.keywords.notebook_full
    raws = [shown(one.message, full=full) for one in posts]
    slots = {"LISTNAME": found.name, "POSTS": _numbers(posts), "COUNT": str(len(posts))}
    return request.turn.mail(
        request.actor.mailbox,
        "GETPOST_MAIL",
        slots,
        kind=Kind.REPLY,
        letter=request.actor.letter,
        mailing_list=found,
        attach=raws[0] if len(raws) == 1 else bundled(raws, f"{found.name}: {_numbers(posts)}"),
        proven=is_proven(request),
    )


def _numbers(posts: list[_Post]) -> str:
    told = " ".join(str(one.kept.number) for one in posts[:20])
    return f"{told} …" if len(posts) > 20 else told


def _cut(request: Request, text: str) -> str:
    if len(text) <= TEXT_MAX:
        return text
    return f"{text[:TEXT_MAX]}\n{request.say('JOB_CUT')}"


def prepare_search(request: Request) -> Request:
    """Refuse whom `Notebook=` keeps out, and what cannot be read."""
    try:
        _search(request, archived_list(request))
    except UnknownList:
        _refuse_misplaced(request)
        raise
    return request


def _refuse_misplaced(request: Request) -> None:
    """Refuse a line with words behind its list as that, for it reads as the older order.

    Then its first word would be the list.
    """
    words = request.arguments.name.split()
    for word, behind in pairwise(words[:-2]):
        listname = behind.upper()
        found = request.turn.tx.lists.find(listname) if word.upper() == "IN" else None
        if found is not None and is_visible(request.turn, request.actor, found):
            raise SearchNotRead(found.name, "behind the list stand only FROM, SINCE, TO and WHERE")


def search(request: Request) -> str:
    """The posts that a search finds, and the words around."""
    found = archived_list(request)
    wanted = _search(request, found)
    hits = request.turn.tx.archive_index.search(found.id, wanted, HITS_MAX + 1)
    if not hits:
        return request.say("SEARCH_NONE", LISTNAME=found.name)
    shown_hits = hits[:HITS_MAX][::-1]
    rows = "\n".join(_row(one) for one in shown_hits)
    extracts = "\n\n".join(
        f"Post {one.post.number}: {one.extract}" for one in shown_hits if one.extract
    )
    numbers = " ".join(str(one.post.number) for one in shown_hits[-5:])
    said = request.say(
        "SEARCH_FOUND",
        LISTNAME=found.name,
        COUNT=str(len(shown_hits)),
        ROWS=rows,
        POSTS=numbers,
    )
    more = request.say("SEARCH_MORE", COUNT=str(HITS_MAX)) if len(hits) > HITS_MAX else ""
    return "\n\n".join(filter(None, (said, more, extracts)))


def _search(request: Request, found: MailingList) -> Search:
    try:
        text, _, clauses = split(request.arguments.name)
        return read(text, clauses, request.turn.now)
    except BadSearch as exc:
        raise SearchNotRead(found.name, str(exc)) from exc


def _row(one: Found) -> str:
    post = one.post
    author = (post.name or post.address or "-")[:24]
    return f"{post.number:>7}  {post.at:%Y-%m-%d %H:%M}  {author:<24}  {post.subject[:60]}".rstrip()


GETPOST = Command(
    keyword="GETPOST",
    syntax="listname posts [(switches]",
    switches=("NOMIME",),
    privilege=Privilege.ANYBODY,
    confirm=Confirm.ORDINARY,
    handler=getpost,
    prepare=prepare_getpost,
    weigh=weigh_getpost,
    weight=lambda _: WEIGHT,
    compat="Also takes the code at the end of a post's `Archived-At`, which names it for good.",
)

SEARCH = Command(
    keyword="SEArch",
    syntax="search",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.ORDINARY,
    handler=search,
    prepare=prepare_search,
    weigh=weigh_archive,
    weight=lambda _: WEIGHT,
    compat="Finds words, not parts of them, but behind CONTAINS; new posts a little later.",
)
