"""A list's header by mail: GET, PUT, UNLOCK.

GET locks the header for an hour against everybody else's PUT. PUT always waits for a code, whatever
else proves its sender; what it would change stands in the request. A header that somebody else
changed meanwhile is not overwritten. What is about a list's other files goes to their own modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from listserv_py.commands import changelog, filelist, notebook, template
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.filerefusals import (
    HeaderLocked,
    HeaderOvertaken,
    MissingHeader,
    NoOldHeader,
)
from listserv_py.commands.headerchange import (
    Editor,
    changes,
    checked,
    remarks,
    store,
    topics_told,
)
from listserv_py.commands.manners import shown_word
from listserv_py.commands.rights import configured_list
from listserv_py.errors import (
    BadListname,
    UnknownFile,
)
from listserv_py.lists.addresses import reserved
from listserv_py.lists.header import Header, missing_defaults
from listserv_py.lists.model import MailingList
from listserv_py.store.headers import Lock
from listserv_py.store.times import stamp
from listserv_py.texts.dates import moment

LOCKED_FOR = timedelta(hours=1)
ROWS_MAX = 500_000


def prepare_get(request: Request) -> Request:
    """Refuse strangers, and files that there are not."""
    if changelog.is_meant(request):
        return changelog.prepare(request)
    if template.is_meant(request):
        return template.prepare_get(request)
    if notebook.is_meant(request):
        return notebook.prepare_get(request)
    if filelist.is_meant(request):
        return filelist.prepare_get(request)
    found = configured_list(request, also_owners=True)
    _check_filetype(request)
    if "OLD" in request.arguments.switches and request.turn.tx.headers.old(found.id) is None:
        raise NoOldHeader(found.name)
    return request


def weigh_get(request: Request) -> Confirm:
    """The header is for proven owners; an archive or a file for whom it says."""
    if changelog.is_meant(request):
        return request.command.confirm
    if notebook.is_meant(request):
        return notebook.weigh_get(request)
    return filelist.weigh_get(request) if filelist.is_meant(request) else request.command.confirm


def get(request: Request) -> str:
    """The header as it can be sent back, and without HEADER the subscribers; or another file."""
    if changelog.is_meant(request):
        return changelog.get(request)
    if template.is_meant(request):
        return template.get(request)
    if notebook.is_meant(request):
        return notebook.get(request)
    if filelist.is_meant(request):
        return filelist.get(request)
    found, switches = configured_list(request, also_owners=True), set(request.arguments.switches)
    old = request.turn.tx.headers.old(found.id) if "OLD" in switches else None
    lock, header = _lock(request, found), (old or str(found.header)).rstrip("\n")
    is_alone = bool(switches & {"HEADER", "HDR"})
    rows = "" if is_alone else "\n".join(_rows(request, found))
    if "MSG" in switches:
        return f"{header}\n{rows}".rstrip("\n")
    said = request.say("GET_HEADER", LISTNAME=found.name, LOCK=lock, HEADER=header)
    if is_alone:
        return said
    return f"{said}\n\n{request.say('GET_SUBSCRIBERS', LISTNAME=found.name, ROWS=rows or '-')}"


def _lock(request: Request, found: MailingList) -> str:
    """Lock the header for the sender where that can be, and say what became of it."""
    headers, now, sender = request.turn.tx.headers, request.turn.now, request.actor.mailbox
    theirs = _others_lock(request, found)
    if theirs:
        return request.say("GET_LOCKED_BY", WHOM=str(theirs.mailbox), UNTIL=moment(theirs.until))
    if "NOLOCK" in request.arguments.switches:
        return request.say("GET_NOT_LOCKED")
    headers.lock(found.id, sender, now + LOCKED_FOR)
    return request.say("GET_LOCKED", UNTIL=moment(now + LOCKED_FOR), LISTNAME=found.name)


def _others_lock(request: Request, found: MailingList) -> Lock | None:
    lock = request.turn.tx.headers.locked(found.id, request.turn.now)
    return lock if lock and lock.mailbox != request.actor.mailbox else None


def _rows(request: Request, found: MailingList) -> Iterator[str]:
    size = 0
    for one in request.turn.tx.subscribers.on_list(found.id):
        row = f"{one.mailbox} {one.name}".rstrip()
        size += len(row) + 1
        if size > ROWS_MAX:
            yield request.say("JOB_CUT")
            return
        yield row


def prepare_put(request: Request) -> Request:
    """Refuse strangers and wrong headers at once, before any code is asked for."""
    if template.is_meant(request):
        return template.prepare_put(request)
    if notebook.is_meant(request):
        return notebook.prepare_put(request)
    if filelist.is_meant(request):
        return filelist.prepare_put(request)
    _check_filetype(request)
    before = _stored(request)
    if not request.data:
        raise MissingHeader(request.arguments.listname)
    _header(request, before)
    return request


def explain_put(request: Request) -> str:
    """What the header would change."""
    if template.is_meant(request):
        return template.explain_put(request)
    if notebook.is_meant(request):
        return notebook.explain_put(request)
    if filelist.is_meant(request):
        return filelist.explain_put(request)
    before = _stored(request)
    found = changes(before.header if before else None, _header(request, before))
    return request.say("PUT_CHANGES", CHANGES=found or "-")


def put(request: Request) -> str:
    """Store the header; the subscribers stay as they are."""
    if template.is_meant(request):
        return template.put(request)
    if notebook.is_meant(request):
        return notebook.put(request)
    if filelist.is_meant(request):
        return filelist.put(request)
    before = _stored(request)
    header = _header(request, before)
    if before is None:
        return _create(request, header)
    if str(header) == str(before.header):
        request.turn.tx.headers.unlock(before.id)
        return request.say("PUT_SAME", LISTNAME=before.name)
    store(request.turn, before, header, _editor(request))
    said = request.say("PUT_DONE", LISTNAME=before.name, CHANGES=changes(before.header, header))
    said = "\n\n".join(filter(None, (said, topics_told(request.turn, before, header))))
    return _with_remarks(request, said, before.header, header)


def _stored(request: Request) -> MailingList | None:
    """The list as it stands, or None for a postmaster who makes a new one."""
    turn, listname = request.turn, request.arguments.listname
    if turn.tx.lists.find(listname) is None and request.actor.mailbox in turn.postmasters:
        if reserved(listname, turn.settings.site.name):
            raise BadListname(listname)
        return None
    found = configured_list(request)
    theirs = _others_lock(request, found)
    if theirs:
        raise HeaderLocked(found.name, str(theirs.mailbox), moment(theirs.until))
    asked = request.actor.asked
    if asked and stamp(asked.at) < stamp(turn.tx.headers.changed_at(found.id)):
        raise HeaderOvertaken(found.name)
    return found


def _header(request: Request, before: MailingList | None) -> Header:
    text = "\n".join(request.data) + "\n"
    if before is None:
        text += "".join(f"{line}\n" for line in missing_defaults(text))
    return checked(request.turn, text, before, _editor(request))


def _editor(request: Request) -> Editor:
    sender = request.actor.mailbox
    return Editor(str(sender), sender, sender in request.turn.postmasters)


def _create(request: Request, header: Header) -> str:
    made = request.turn.tx.lists.add(request.arguments.listname, str(header), request.turn.now)
    added = missing_defaults("\n".join(request.data))
    said = request.say(
        "PUT_CREATED",
        LISTNAME=made.name,
        LISTADDR=str(made.address),
        DEFAULTS="\n".join(added) or "-",
    )
    return _with_remarks(request, said, None, header)


def _with_remarks(request: Request, said: str, before: Header | None, header: Header) -> str:
    found = remarks(before, header)
    return f"{said}\n\n{request.say('PUT_REMARKS', REMARKS=found)}" if found else said


def _check_filetype(request: Request) -> None:
    filetype = request.arguments.filetype
    if filetype not in {"", "LIST"}:
        raise UnknownFile(request.arguments.listname, shown_word(filetype))


def prepare_unlock(request: Request) -> Request:
    """Refuse strangers."""
    configured_list(request, also_owners=True)
    return request


def unlock(request: Request) -> str:
    """Free the header, whoever locked it."""
    found = configured_list(request, also_owners=True)
    headers = request.turn.tx.headers
    lock = headers.locked(found.id, request.turn.now)
    headers.unlock(found.id)
    if lock is None:
        return request.say("UNLOCK_ALREADY", LISTNAME=found.name)
    return request.say("UNLOCK_DONE", LISTNAME=found.name, WHOM=str(lock.mailbox))


GET = Command(
    keyword="GET",
    synonyms=("SENDme",),
    syntax="file [(switches]",
    switches=("Header", "HDR", "NOLOCK", "OLD", "MSG"),
    privilege=Privilege.CONFIGURER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=get,
    prepare=prepare_get,
    weigh=weigh_get,
    is_about_files=True,
    compat="Its lock lasts an hour, and any owner frees it: nobody has to be asked to let go.",
)

PUT = Command(
    keyword="PUT",
    synonyms=("CREATE",),
    syntax="file [(switches]",
    switches=("ALL", "PRV", "OWN"),
    privilege=Privilege.CONFIGURER,
    confirm=Confirm.NOT_BY_SIGNATURE,
    handler=put,
    prepare=prepare_put,
    explain=explain_put,
    takes_data=True,
    is_about_files=True,
    compat=(
        "Always confirmed by a code or a password; the request shows what changes, and the owners"
        " before the change are told. It never touches the subscribers, and never overwrites what"
        " somebody else stored meanwhile."
    ),
)

UNLOCK = Command(
    keyword="UNLOCK",
    syntax="listname",
    privilege=Privilege.CONFIGURER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=unlock,
    prepare=prepare_unlock,
)
