"""INDEX, and GET and PUT of a list's own files.

A file is a row by its name, two words of capital letters, digits, `-`, `_` and dots; no path is
ever made of what a mail says. A name of one word is the list's own: `GET TEST-L FAQ` is the file
TEST-L FAQ. A text is kept as its lines, anything else as it was attached.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from listserv_py.commands.archiveaccess import reads, weigh
from listserv_py.commands.archiverefusals import (
    BadFilename,
    FileTooLarge,
    NoFilelist,
    NoRoomForFile,
)
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.manners import shown_word
from listserv_py.commands.rights import configured_list, is_proven, is_visible, visible_list
from listserv_py.errors import UnknownFile
from listserv_py.lists.access import Access, AccessLevel
from listserv_py.lists.logfiles import CHANGELOG
from listserv_py.lists.model import MailingList
from listserv_py.lists.notebooks import name_of, read_name
from listserv_py.lists.values import Interval
from listserv_py.mail.compose import Enclosed
from listserv_py.mail.mime import Part
from listserv_py.store.listfiles import ListFile
from listserv_py.store.outbox import Kind
from listserv_py.store.templates import TEXTS

FILE_MAX = 1_000_000
FILES_MAX = 20_000_000
ATTACHED = "//ATTACHED"
"""The first line of data that stands for a file which was attached."""
CODES = {"ALL": Access.PUBLIC, "PRV": Access.PRIVATE, "OWN": Access.OWNER}
"""Who may fetch a file, in the words of LISTSERV's filelists."""

_NAME = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31} [A-Z0-9][A-Z0-9._-]{0,31}", re.ASCII)
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}", re.ASCII)


def is_meant(request: Request) -> bool:
    """Whether the line is about a file, and not about the header or a text of the list."""
    return request.arguments.filetype not in {"", "LIST", *TEXTS}


def weigh_get(request: Request) -> Confirm:
    """As for the archive, by the file's own code."""
    found = visible_list(request)
    file = _file(request, found)
    return weigh(request, (AccessLevel(CODES[file.get_code]),), file.size)


def prepare_get(request: Request) -> Request:
    """Refuse whom the file is not for, in the words for a file that is not there."""
    _file(request, visible_list(request))
    return request


def get(request: Request) -> str:
    """A text stands in the answer, anything else comes in a mail of its own."""
    found = visible_list(request)
    file = _file(request, found)
    content = request.turn.tx.files.content(found.id, file.name)
    if not file.content_type:
        return content.decode("utf-8", "replace")
    if request.actor.letter is None:
        return request.say("GET_FILE_NOT_SENT", LISTNAME=found.name, FILETYPE=file.name)
    sent = request.turn.mail(
        request.actor.mailbox,
        "GET_FILE_MAIL",
        {"LISTNAME": found.name, "FILETYPE": file.name},
        kind=Kind.REPLY,
        letter=request.actor.letter,
        mailing_list=found,
        attach=Enclosed(file.name.replace(" ", ".").lower(), file.content_type, content),
        proven=is_proven(request),
    )
    form = "GET_FILE_SENT" if sent else "GET_FILE_NOT_SENT"
    return request.say(form, LISTNAME=found.name, FILETYPE=file.name)


def _is_another(filetype: str) -> bool:
    """Whether the name means something that nobody stores."""
    return read_name(filetype) is not None or filetype.startswith(CHANGELOG)


def _file(request: Request, found: MailingList) -> ListFile:
    name = _name(request, found)
    file = request.turn.tx.files.find(found.id, name) if name else None
    if file is None or not reads(request, found, (AccessLevel(CODES[file.get_code]),)):
        raise UnknownFile(found.name, shown_word(request.arguments.filetype.replace(" ", "-")))
    return file


def _name(request: Request, found: MailingList) -> str:
    """`FILENAME FILETYPE`, or "" for a name that no file can have."""
    said = request.arguments.filetype
    name = said if " " in said else f"{found.name} {said}"
    return name if _NAME.fullmatch(name) and ".." not in name else ""


def prepare_put(request: Request) -> Request:
    """Refuse strangers and bad files before any code is asked for; take in what is attached."""
    found = configured_list(request, also_owners=True)
    name, data = _name(request, found), request.data
    if not name or _is_another(request.arguments.filetype):
        raise BadFilename(found.name, shown_word(request.arguments.filetype.replace(" ", "-")))
    part = attached(request) if not data else None
    if part is not None:
        said = base64.encodebytes(part.decoded()).decode("ascii").splitlines()
        data = (f"{ATTACHED} {part.content_type}", *said)
    _, content = _content(data)
    if len(content) > FILE_MAX:
        raise FileTooLarge(found.name, name, f"{FILE_MAX // 1_000_000} MB")
    others = (one.size for one in request.turn.tx.files.all(found.id) if one.name != name)
    if sum(others) + len(content) > FILES_MAX:
        raise NoRoomForFile(found.name, f"{FILES_MAX // 1_000_000} MB")
    return replace(request, data=data)


def explain_put(request: Request) -> str:
    """How large it is, or that it would be deleted."""
    _, content = _content(request.data)
    form = "PUT_FILE_ASKED" if content else "PUT_FILE_ASKED_GONE"
    return request.say(form, SIZE=str(len(content)))


def put(request: Request) -> str:
    """Store the file, or delete it where nothing was sent."""
    found = configured_list(request, also_owners=True)
    files, name = request.turn.tx.files, _name(request, found)
    before = files.find(found.id, name)
    code = next(iter(request.arguments.switches), before.get_code if before else "PRV")
    content_type, content = _content(request.data)
    files.put(found.id, name, code, content_type, content, request.turn.now)
    if not content:
        return request.say("PUT_FILE_GONE", LISTNAME=found.name, FILETYPE=name)
    slots = {"FILETYPE": name, "SIZE": str(len(content)), "CODE": code}
    return request.say("PUT_FILE_DONE", LISTNAME=found.name, **slots)


def attached(request: Request) -> Part | None:
    """The file that came with the mail; None: there is none, or this is the answer to a code."""
    letter = request.actor.letter
    if letter is None or request.actor.asked is not None:
        return None
    parts = letter.message.root.walk()
    return next((one for one in parts if not one.is_multipart and one.filename), None)


def _content(data: tuple[str, ...]) -> tuple[str, bytes]:
    """The type and the bytes that lines of data stand for; a text has the type ""."""
    head = data[0].split() if data else []
    if len(head) == 2 and head[0] == ATTACHED:
        try:
            content = base64.b64decode("".join(data[1:]), validate=True)
        except binascii.Error:
            content = b""
        return (head[1] if _TYPE.fullmatch(head[1]) else "application/octet-stream"), content
    return "", "".join(f"{line}\n" for line in data).encode("utf-8", "replace")


def index(request: Request) -> str:
    """A list's files and the files of its archive; without a list, which lists have any."""
    if not request.arguments.listname:
        return _catalogue(request)
    found = visible_list(request)
    return request.say("INDEX_LIST", LISTNAME=found.name, ROWS="\n".join(_rows(request, found)))


def _rows(request: Request, found: MailingList) -> list[str]:
    rows = [*_files(request, found), *_notebooks(request, found)]
    if not rows:
        raise NoFilelist(f"{found.name.lower()}.filelist")
    return rows


def _files(request: Request, found: MailingList) -> Iterator[str]:
    for one in request.turn.tx.files.all(found.id):
        if reads(request, found, (AccessLevel(CODES[one.get_code]),)):
            filename, _, filetype = one.name.partition(" ")
            codes = f"{one.get_code} OWN"
            yield f"{filename:<16} {filetype:<12} {codes} {one.size:>9}  {one.changed_at:%Y-%m-%d}"


def _notebooks(request: Request, found: MailingList) -> Iterator[str]:
    """A row for each file of the archive, and where each post is one a row for each year's."""
    notebook = found.keywords.notebook
    if notebook is None or not reads(request, found, notebook.access):
        return
    is_public = any(level.access is Access.PUBLIC for level in notebook.access)
    interval = notebook.interval
    interval = Interval.MONTHLY if interval is Interval.SEPARATE else interval
    days = request.turn.tx.archive.days(found.id)
    for name, group in groupby(days, lambda day: name_of(interval, day.at)):
        of_it = list(group)
        posts, octets = sum(one.posts for one in of_it), sum(one.octets for one in of_it)
        code = "ALL" if is_public else "PRV"
        row = f"{found.name:<16} {name:<12} {code} N/A {octets:>9}  {of_it[-1].at:%Y-%m-%d}"
        yield f"{row} {posts:>6}"


def _catalogue(request: Request) -> str:
    turn = request.turn
    rows = [
        f"{one.name:<32} {one.title}"
        for one in turn.tx.lists.all()
        if is_visible(turn, request.actor, one) and _has_any(request, one)
    ]
    return request.say("INDEX_ALL", ROWS="\n".join(rows[:1000]) or "-")


def _has_any(request: Request, found: MailingList) -> bool:
    """Whether INDEX of the list would show a row; of long archives no day is read for that."""
    if any(_files(request, found)):
        return True
    notebook = found.keywords.notebook
    if notebook is None or request.turn.tx.archive.latest(found.id) is None:
        return False
    return reads(request, found, notebook.access)


def weigh_index(request: Request) -> Confirm:
    """Which lists have any is told at once, as LISTS is."""
    return request.command.confirm if request.arguments.listname else Confirm.NEVER


def prepare_index(request: Request) -> Request:
    """Refuse lists that the sender may not know of, and those without any file for him."""
    if request.arguments.listname:
        _rows(request, visible_list(request))
    return request


INDEX = Command(
    keyword="INDex",
    syntax="[listname]",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.ORDINARY,
    handler=index,
    prepare=prepare_index,
    weigh=weigh_index,
    weight=lambda _: 5,
    compat="Shows only what the sender may fetch, and of an archive how many posts a file has.",
)
