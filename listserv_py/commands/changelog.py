"""GET of a list's change log, for its owners; GET SYSTEM CHANGELOG, of all lists, for postmasters.

A list that its owners called SYSTEM keeps its name: then that one's log is meant.
"""

from __future__ import annotations

from listserv_py.commands.command import Request
from listserv_py.commands.manners import shown_word
from listserv_py.commands.rights import owned_list
from listserv_py.errors import UnknownFile
from listserv_py.lists.logfiles import CHANGELOG, LogFile, read_name
from listserv_py.lists.model import MailingList
from listserv_py.lists.values import Rotation
from listserv_py.texts.dates import day

SITE = "SYSTEM"
ROWS_MAX = 500_000


def is_meant(request: Request) -> bool:
    """Whether GET asks for a change log."""
    return request.arguments.filetype.startswith(CHANGELOG)


def prepare(request: Request) -> Request:
    """Refuse strangers, and names that mean no time."""
    _file(request, _list(request))
    return request


def get(request: Request) -> str:
    """The lines of the time that is meant, oldest first."""
    mailing_list = _list(request)
    file, changelog = _file(request, mailing_list), request.turn.tx.changelog
    if "MSG" in request.arguments.switches:
        return _rows(request, mailing_list, file)
    oldest = changelog.oldest(mailing_list)
    name = mailing_list.name if mailing_list else SITE
    if oldest is None:
        return request.say("GET_CHANGELOG_NONE", LISTNAME=name, KEPT=_kept(mailing_list))
    return request.say(
        "GET_CHANGELOG",
        LISTNAME=name,
        FILE=file.name,
        OLDEST=day(oldest),
        ROWS=_rows(request, mailing_list, file) or "-",
    )


def _list(request: Request) -> MailingList | None:
    """The list whose log is meant; None for that of the site."""
    turn, listname = request.turn, request.arguments.listname
    is_postmaster = request.actor.mailbox in turn.postmasters
    if listname == SITE and is_postmaster and turn.tx.lists.find(SITE) is None:
        return None
    return owned_list(request)


def _kept(mailing_list: MailingList | None) -> str:
    if mailing_list is None:
        return "Site"
    return "No" if mailing_list.keywords.change_log is None else "Yes"


def _file(request: Request, mailing_list: MailingList | None) -> LogFile:
    """The file that the line names; the site's is a month where the line does not say."""
    name, rotation = request.arguments.filetype, Rotation.MONTHLY
    if mailing_list is not None:
        rotation = mailing_list.keywords.change_log or Rotation.SINGLE
    found = read_name(name, rotation, request.turn.now)
    if found is None:
        raise UnknownFile(request.arguments.listname, shown_word(name))
    return found


def _rows(request: Request, mailing_list: MailingList | None, file: LogFile) -> str:
    rows, size = list[str](), 0
    for row in request.turn.tx.changelog.lines(mailing_list, file.since, file.until):
        size += len(row) + 1
        if size > ROWS_MAX:
            rows.append(request.say("JOB_CUT"))
            break
        rows.append(row)
    return "\n".join(rows)
