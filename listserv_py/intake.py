"""Works off the spool: one letter, handed to one room, in one transaction.

What a room holds stays in the spool by its own doing; everything else is done when it returns. A
letter that was decided on meanwhile (by a second answer, or an erasure) is passed over.
"""

from dataclasses import replace

from listserv_py.bounces import arrival as bounces
from listserv_py.bounces.read import read_report
from listserv_py.bounces.report import Report
from listserv_py.commands import interpreter, jobs, requests
from listserv_py.commands.service import is_served_off
from listserv_py.commands.table import recognises
from listserv_py.config import Site
from listserv_py.lists.addresses import Destination, Door, route
from listserv_py.mail import trace
from listserv_py.mail.envelope import is_own_mta
from listserv_py.mail.letter import Letter
from listserv_py.mail.message import read
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger
from listserv_py.posting import arrival as posting
from listserv_py.posting.forwarding import forward
from listserv_py.store.spool import Entry
from listserv_py.store.trail import What
from listserv_py.store.turn import Turn

log = get_logger("intake")

_COMMANDS = (Door.COMMAND, Door.SUBSCRIBE, Door.SIGNOFF, Door.SEARCH)
_SERVED = (*_COMMANDS, Door.POST)
_BOUNCES = (Door.OWNER, Door.OWN_BOUNCE)


def open_letter(entry: Entry) -> Letter:
    """Parse what lies in the spool; pure, so that it runs off the loop and before the turn."""
    message = read(entry.raw)
    by_mta = is_own_mta(entry.protocol, entry.client)
    named = trace.origin(message.received) if by_mta else ""
    return Letter(
        spool_id=entry.id,
        reverse_path=entry.reverse_path,
        rcpt=entry.rcpt,
        client=entry.client,
        host=named or entry.client,
        protocol=entry.protocol,
        received_at=entry.received_at,
        message=message,
        confirmed=entry.confirmed,
        approved_by=entry.approved_by,
    )


Ahead = jobs.Job | Report
"""What is read of a letter before its turn, because reading takes a while: nothing of most."""


def read_ahead(letter: Letter, site: Site) -> Ahead | None:
    """What a command mail asks for, or a returned mail says; None for other mail."""
    found = route(letter.rcpt, domain=site.domain, name=site.name)
    if found is not None and found.door in _BOUNCES:
        return read_report(letter.message)
    if found is None or found.door is not Door.COMMAND:
        return None
    return jobs.read_mail(letter.message)


def work_off(turn: Turn, letter: Letter, ahead: Ahead | None = None) -> None:
    """Decide on one letter."""
    spool = turn.tx.spool
    if not spool.is_ready(letter.spool_id):
        return
    site = turn.settings.site
    destination = route(letter.rcpt, domain=site.domain, name=site.name)
    if destination is None:
        # The door let it in under another configuration; nobody here can read it now.
        log.error("intake.no_such_address", spool=letter.spool_id)
        spool.set_aside(letter.spool_id, "no address of this server")
        return
    # Only posts are a list's: whom else people write to is no business of its owners.
    is_post = destination.door is Door.POST
    found = turn.tx.lists.find(destination.listname or "") if is_post else None
    turn.tx.trail.begin(letter, found.id if found else None)
    what = _hand_over(turn, _once(turn, letter), destination, ahead)
    if what is not None:
        turn.tx.trail.step(letter.spool_id, what, turn.now)
    spool.done_if_ready(letter.spool_id)


def _once(turn: Turn, letter: Letter) -> Letter:
    """The letter, without its proof when the same signed mail has proved something before."""
    if not letter.proof.is_by_domain:
        return letter
    if turn.tx.proofs.spend(letter.proves_once, letter.spool_id, turn.now):
        return letter
    log.info("intake.proof_spent", spool=letter.spool_id)
    return replace(letter, proof=Proof.NONE)


def _hand_over(
    turn: Turn, letter: Letter, destination: Destination, ahead: Ahead | None
) -> What | None:
    """What happened; None when the room has noted that itself."""
    if destination.door in _SERVED and is_served_off(turn, letter):
        log.info("intake.served_off", spool=letter.spool_id)
        return What.NOT_SERVED
    if destination.door in _COMMANDS:
        job = ahead if isinstance(ahead, jobs.Job) else None
        interpreter.work(turn, letter, destination, job)
        return What.COMMANDS
    if destination.door is Door.ALIAS:
        forward(turn, letter, destination.key or "")
        return What.ALIAS
    if destination.door in _BOUNCES:
        bounces.work(turn, letter, destination, ahead if isinstance(ahead, Report) else None)
        return What.REPORT
    if destination.door is not Door.POST:
        requests.work(turn, letter, destination)
        return What.REQUEST
    mailing_list = turn.tx.lists.find(destination.listname or "")
    if mailing_list is None:
        log.error("intake.list_gone", spool=letter.spool_id)
        turn.tx.spool.set_aside(letter.spool_id, "the list is gone")
    else:
        posting.work(turn, letter, mailing_list, recognises)
    return None
