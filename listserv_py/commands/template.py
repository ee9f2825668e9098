"""What owners write for their lists, by mail: GET and PUT of MAILTPL, WELCOME, FAREWELL and INFO.

PUT always waits for a code, with what it changes in the request; one wrong line stores nothing; the
other owners are told. An empty PUT with nothing attached deletes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from listserv_py.commands.command import Request
from listserv_py.commands.filelist import attached
from listserv_py.commands.filerefusals import TemplateFaults, TemplateOvertaken
from listserv_py.commands.headerchange import changed_lines
from listserv_py.commands.notices import tell
from listserv_py.commands.rights import configured_list
from listserv_py.lists.contentfilter import read_rules
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners
from listserv_py.maillog import get_logger
from listserv_py.store.around import LIST_SLOTS, SITE_SLOTS
from listserv_py.store.templates import MAILTPL, TEXTS
from listserv_py.store.times import stamp
from listserv_py.texts import site
from listserv_py.texts.check import Report, check, check_text
from listserv_py.texts.forms import Forms
from listserv_py.texts.language import Fault

log = get_logger("templates")

DEFAULT = "DEFAULT"
FAULTS_MAX = 100
QUOTED = 100


def is_meant(request: Request) -> bool:
    """Whether the line is about a text of a list, and not about its header."""
    return request.arguments.filetype in TEXTS


def prepare_get(request: Request) -> Request:
    """Refuse strangers; the default forms are for everybody."""
    if not _is_default(request):
        configured_list(request, also_owners=True)
    return request


def get(request: Request) -> str:
    """The text as it can be sent back."""
    if _is_default(request):
        forms = "\n\n".join(_default_forms(request))
        is_bare = "MSG" in request.arguments.switches
        return forms if is_bare else request.say("GET_DEFAULT", TEXT=forms)
    found, filetype = configured_list(request, also_owners=True), request.arguments.filetype
    text = request.turn.tx.templates.find(found.id, filetype)
    if "MSG" in request.arguments.switches:
        return text or ""
    none = "" if text else request.say("GET_TEMPLATE_NONE")
    return request.say("GET_TEMPLATE", LISTNAME=found.name, FILETYPE=filetype, TEXT=text or none)


def _is_default(request: Request) -> bool:
    named = request.arguments.listname == DEFAULT and request.arguments.filetype == MAILTPL
    return named and request.turn.tx.lists.find(DEFAULT) is None


def _default_forms(request: Request) -> Iterator[str]:
    for form in request.turn.forms.by_name.values():
        yield f">>> {form.name} {form.subject}".rstrip() + f"\n{form.body}"


def prepare_put(request: Request) -> Request:
    """Refuse strangers and wrong templates at once, before any code is asked for."""
    found, filetype, asked = (
        configured_list(request),
        request.arguments.filetype,
        request.actor.asked,
    )
    if asked and stamp(asked.at) < request.turn.tx.templates.changed_at(found.id, filetype):
        raise TemplateOvertaken(found.name, filetype)
    request = _with_attached(request)
    _report(request)
    return request


def _with_attached(request: Request) -> Request:
    """The text that is attached, where none stands below: else it would be taken for a deletion."""
    part = attached(request) if not request.data else None
    if part is None:
        return request
    if not part.content_type.startswith("text/"):
        raise TemplateFaults("What is attached is no text.")
    return replace(request, data=tuple(part.as_text().rstrip("\n").split("\n")))


def explain_put(request: Request) -> str:
    """What the text would change."""
    found = configured_list(request)
    return request.say("PUT_TEMPLATE_CHANGES", CHANGES=_changes(request, found) or "-")


def put(request: Request) -> str:
    """Store the text, or delete it where none was sent."""
    found, filetype, turn = configured_list(request), request.arguments.filetype, request.turn
    report, changes = _report(request), _changes(request, found)
    turn.tx.templates.put(found.id, filetype, "\n".join(request.data), turn.now)
    log.info("template.stored", list=found.name, name=filetype)
    slots = {"INVOKER": str(request.actor.mailbox), "FILETYPE": filetype, "CHANGES": changes or "-"}
    for owner in heard_owners(found):
        if owner != request.actor.mailbox:
            tell(turn, owner, found, "TEMPLATE_CHANGED", **slots)
    form = "PUT_TEMPLATE_DONE" if request.data else "PUT_TEMPLATE_GONE"
    said = request.say(form, LISTNAME=found.name, FILETYPE=filetype)
    if not report.remarks:
        return said
    told = _worded(request.data, report.remarks)
    return f"{said}\n\n{request.say('PUT_TEMPLATE_REMARKS', REMARKS=told)}"


def site_faults(data_dir: Path) -> Iterator[str]:
    """What is wrong with the site's own forms, a line each."""
    text, problem = site.read(data_dir)
    if problem:
        yield problem
    report = check(text, Forms.load(), (*SITE_SLOTS, *LIST_SLOTS), _rules)
    for fault in (*report.faults, *report.remarks):
        yield f"line {fault.line}: {fault.text}"


def _changes(request: Request, found: MailingList) -> str:
    old = request.turn.tx.templates.find(found.id, request.arguments.filetype)
    return changed_lines(old.split("\n") if old else (), request.data)


def _report(request: Request) -> Report:
    """The remarks on a text without faults; TemplateFaults tells all of one with any."""
    text = "\n".join(request.data)
    if request.arguments.filetype == MAILTPL:
        report = check(text, request.turn.forms, (*SITE_SLOTS, *LIST_SLOTS), _rules)
    else:
        report = check_text(text)
    if report.faults:
        raise TemplateFaults(_worded(request.data, report.faults))
    return report


def _rules(body: str) -> Iterator[Fault]:
    return (Fault(line, text) for line, text in read_rules(body)[1])


def _worded(lines: Sequence[str], faults: Sequence[Fault]) -> str:
    """The faults line by line, each below its line."""
    found = [
        f"Line {one.line}: {lines[one.line - 1].strip()[:QUOTED]}\n    {one.text}."
        if 0 < one.line <= len(lines)
        else f"Line {one.line}:\n    {one.text}."
        for one in faults[:FAULTS_MAX]
    ]
    if len(faults) > FAULTS_MAX:
        found.append(f"And {len(faults) - FAULTS_MAX} more.")
    return "\n".join(found)
