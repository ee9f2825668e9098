"""ADD and DELETE with a dataset: many people in one transaction, or none.

Whoever is to be told gets his notice as from a single ADD; more than `TOLD_MAX` people are changed
only quietly. The lines that hold no usable address are named in the request and in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice

from listserv_py.commands.command import Request
from listserv_py.commands.notices import send_text, tell
from listserv_py.commands.rights import owned_list
from listserv_py.commands.roster import Roster
from listserv_py.errors import ListFull, MayNotJoin, NoDataset, OwnAddress, TooManyMatch
from listserv_py.lists.filters import may_all_join
from listserv_py.lists.model import MailingList
from listserv_py.mail.mailbox import Mailbox, known_key, known_mailbox
from listserv_py.store.changelog import Verb

TOLD_MAX = 500
LINES = "$LINES"
"""How datasets are called that were single lines of the mail; each of them counts for itself."""
SHOWN = 5
FAULTS_SHOWN = 50

_Person = tuple[str, str, str]
"""The key of an address, the address, and a name."""


def check(request: Request) -> Request:
    """Refuse strangers, datasets that are not there, our own addresses, too many notices."""
    owned_list(request)
    found = _roster(request)
    if not is_quiet(request):
        check_told(request, len(found))
    if not are_lines(request):
        _refuse_own(request, found)
    return request


def are_lines(request: Request) -> bool:
    """Whether the people were named line by line, so that one refused does not undo the others."""
    return request.arguments.dataset.startswith(LINES)


def check_told(request: Request, count: int) -> None:
    """Refuse to mail so many notices, unless QUIET says that there are none."""
    if count > TOLD_MAX and not request.quiet:
        raise TooManyMatch(str(count), str(TOLD_MAX))


def is_quiet(request: Request) -> bool:
    """Whether nobody is told: IMPORT implies QUIET."""
    return request.quiet or "IMPORT" in request.arguments.options


def explain(request: Request) -> str:
    """What the dataset holds, for the one who is asked; a stranger's words are not repeated."""
    found = _roster(request)
    told = [
        request.say(
            "BULK_ASKED",
            COUNT=str(len(found)),
            DATASET=request.arguments.dataset,
            SOME=", ".join(
                [*(row[0] for row in found.rows[:SHOWN]), *_more(request, len(found), SHOWN)]
            ),
        )
    ]
    if found.faults:
        numbers = [str(number) for number, _ in found.faults[:FAULTS_SHOWN]]
        lines = ", ".join([*numbers, *_more(request, len(found.faults), FAULTS_SHOWN)])
        told.append(request.say("BULK_UNUSABLE", LINES=lines))
    return "\n".join(told)


def add(request: Request) -> str:
    """Put all of the dataset on the list; whoever is there already keeps his options."""
    turn, mailing_list, found = request.turn, owned_list(request), _roster(request)
    subscribers = turn.tx.subscribers
    there = subscribers.names(mailing_list.id)
    is_welcome = _welcome(request, mailing_list)
    new: list[_Person] = []
    renamed: list[_Person] = []
    refused: list[str] = []
    for address, name in found.rows:
        key = known_key(address)
        if key in there:
            if name and name != there[key]:
                renamed.append((key, address, name))
        elif is_welcome(address):
            new.append((key, address, name))
        else:
            refused.append(address)
    limit = mailing_list.keywords.limit
    if limit is not None and len(there) + len(new) > limit:
        raise ListFull(mailing_list.name)
    subscribers.add_alike(mailing_list.id, new, mailing_list.default_options(), turn.now)
    subscribers.rename_many(mailing_list.id, ((key, name) for key, _, name in renamed))
    deeds = chain(_deeds(Verb.ADD, new), _deeds(Verb.READD, renamed))
    turn.tx.changelog.note_many(mailing_list, deeds, turn.now)
    if not is_quiet(request):
        for _, address, _ in new:
            mailbox = known_mailbox(address)
            _tell(request, mailbox, mailing_list, "ADD1", ADDRESS=address)
            send_text(turn, mailbox, mailing_list, "WELCOME")
    said = request.say(
        "BULK_ADDED",
        LISTNAME=mailing_list.name,
        ADDED=str(len(new)),
        RENAMED=str(len(renamed)),
        KNOWN=str(len(found) - len(new) - len(renamed) - len(refused)),
    )
    told = _named(request, "BULK_REFUSED", refused)
    return "\n\n".join([*_lines(request), said, *told, *_faults(request, found)])


def _welcome(request: Request, mailing_list: MailingList) -> Callable[[str], bool]:
    """Whether a line's address may be there; what a dataset holds is refused as a whole."""
    may_join, ours = may_all_join(mailing_list.keywords), _ours(request)

    def of_line(address: str) -> bool:
        return may_join(address) and not ours(address)

    def of_dataset(address: str) -> bool:
        if not may_join(address):
            raise MayNotJoin(mailing_list.name, address)
        return True

    return of_line if are_lines(request) else of_dataset


def _deeds(verb: Verb, people: Iterable[_Person]) -> Iterable[tuple[Verb, Mailbox, str]]:
    return ((verb, known_mailbox(address), name) for _, address, name in people)


def delete(request: Request) -> str:
    """Take all of the dataset off the list; the names in it are read over."""
    turn, mailing_list, found = request.turn, owned_list(request), _roster(request)
    there = turn.tx.subscribers.keys(mailing_list.id)
    gone: list[_Person] = []
    missing: list[str] = []
    for address, _ in found.rows:
        key = known_key(address)
        if key in there:
            gone.append((key, address, ""))
        else:
            missing.append(address)
    turn.tx.subscribers.remove_many(mailing_list.id, (key for key, _, _ in gone))
    turn.tx.changelog.note_many(mailing_list, _deeds(Verb.DELETE, gone), turn.now)
    if not is_quiet(request):
        for _, address, _ in gone:
            mailbox = known_mailbox(address)
            _tell(request, mailbox, mailing_list, "DELETE1")
            send_text(turn, mailbox, mailing_list, "FAREWELL")
    said = request.say(
        "BULK_DELETED",
        LISTNAME=mailing_list.name,
        COUNT=str(len(gone)),
        MISSING=str(len(missing)),
    )
    if "BRIEF" in request.arguments.options:
        return said
    told = _named(request, "BULK_MISSING", missing)
    return "\n\n".join([*_lines(request), said, *told, *_faults(request, found)])


def _roster(request: Request) -> Roster:
    found = request.roster
    if found is None or not found.is_whole:
        raise NoDataset(request.arguments.dataset)
    return found


def _refuse_own(request: Request, found: Roster) -> None:
    """Our own addresses would send the list's mail back to us."""
    ours = _ours(request)
    for address, _ in found.rows:
        if ours(address):
            raise OwnAddress(address)


def _ours(request: Request) -> Callable[[str], bool]:
    domain, turn = f"@{request.turn.settings.site.domain}", request.turn
    return lambda address: address.endswith(domain) and turn.is_own(known_mailbox(address))


def _tell(
    request: Request, person: Mailbox, mailing_list: MailingList, form: str, **slots: str
) -> None:
    tell(request.turn, person, mailing_list, form, INVOKER=str(request.actor.mailbox), **slots)


def _lines(request: Request) -> Iterable[str]:
    """How many lines of the mail were read as one."""
    if are_lines(request):
        yield request.say("BULK_LINES", COUNT=str(len(_roster(request))))


def _named(request: Request, form: str, people: Sequence[str]) -> Iterable[str]:
    if people:
        shown = [*people[:FAULTS_SHOWN], *_more(request, len(people), FAULTS_SHOWN)]
        yield request.say(form, COUNT=str(len(people)), LINES="\n".join(shown))


def _faults(request: Request, found: Roster) -> Iterable[str]:
    if found.faults:
        shown = [f"{number}: {line}" for number, line in islice(found.faults, FAULTS_SHOWN)]
        lines = "\n".join([*shown, *_more(request, len(found.faults), FAULTS_SHOWN)])
        yield request.say("BULK_FAULTS", COUNT=str(len(found.faults)), LINES=lines)


def _more(request: Request, count: int, shown: int) -> list[str]:
    return [request.say("AND_MORE", COUNT=str(count - shown))] if count > shown else []
