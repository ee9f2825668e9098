"""From what the store says is due to copies: who gets a post, from which sender, in which variant.

Pure. The VERP sender of a copy is made of the mailing's time, not the clock's, so that a copy tried
again tomorrow has the same envelope.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from listserv_py.delivery.personal import Own
from listserv_py.delivery.variants import VariantKey, wanted, wanted_issue
from listserv_py.lists.addresses import KEY_MAX, Destination, Door, address_of
from listserv_py.lists.options import MAX_SHIFT, TOPICS_SHIFT, Options
from listserv_py.lists.topics import wants
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.verp import Verp
from listserv_py.store.jobreturns import KEYS_OF
from listserv_py.store.outbox import Kind
from listserv_py.store.recipients import FIRST
from listserv_py.store.sending import Mailing, Reader
from listserv_py.store.times import moment

Sender = Callable[[int], bytes]
"""From a subscription's id to the envelope sender of its copy."""

_MARK = "K" * KEY_MAX
FORM = (1 << TOPICS_SHIFT) - 1
"""The options that make a copy what it is: all but the topics."""


class Planned(NamedTuple):
    """One copy of a post, before its variant is rendered."""

    subscriber_id: int
    rcpt: str
    sender: bytes
    variant: VariantKey
    personal: bytes


@lru_cache(maxsize=4096)
def variant_of(options: int) -> VariantKey:
    """The variant that a subscriber's stored options ask for."""
    return wanted(Options.decode(options))


def senders(verp: Verp, mailing: Mailing, facts: ListFacts) -> Sender:
    """From a subscriber id to the sender: the list's, never the author's (RFC 5321 3.9.2).

    VERP names the subscriber in it, unless the list wants one sender for all but a few (passive
    probes). A mailing with a sender of its own has that one; a job's only hears what came back,
    where its copies are to be counted.
    """
    if mailing.kind is Kind.JOB and facts.verp:
        return _of_job(verp, mailing, facts)
    if mailing.reverse_path:
        given = mailing.reverse_path.encode()
        return lambda _: given
    own = _verp(verp, mailing, facts)
    if facts.verp:
        return own
    plain = Destination(Door.OWNER, facts.listname)
    one = str(address_of(plain, domain=facts.domain, name="")).encode()
    return lambda subscriber_id: own(subscriber_id) if facts.probes(subscriber_id) else one


def _verp(verp: Verp, mailing: Mailing, facts: ListFacts) -> Sender:
    front, back = _around_key(Destination(Door.OWNER, facts.listname, _MARK), facts, "")
    key = verp.keys(facts.listname, moment(mailing.created_at))
    return lambda subscriber_id: f"{front}{key(subscriber_id)}{back}".encode()


def _of_job(verp: Verp, mailing: Mailing, facts: ListFacts) -> Sender:
    """The robot's own bounce address: a job has no list."""
    robot = facts.command_address.rpartition("@")[0]
    front, back = _around_key(Destination(Door.OWN_BOUNCE, key=_MARK), facts, robot)
    key = verp.keys(KEYS_OF, moment(mailing.created_at))
    return lambda recipient_id: f"{front}{key(recipient_id - FIRST)}{back}".encode()


def _around_key(owner: Destination, facts: ListFacts, name: str) -> tuple[str, str]:
    front, _, back = str(address_of(owner, domain=facts.domain, name=name)).partition(_MARK.lower())
    return front, back


@lru_cache(maxsize=4096)
def issue_of(options: int, collected: str) -> VariantKey:
    """The form of an issue that they ask for."""
    return wanted_issue(Options.decode(options), index=collected == "index")


def copy_of(
    subscriber_id: int, rcpt: str, options: int, sender_of: Sender, own_of: Own, collected: str = ""
) -> Planned:
    """The copy of one reader; of an issue, as its facts say how it is collected."""
    variant = issue_of(options & FORM, collected) if collected else variant_of(options & FORM)
    own = own_of(variant.style, rcpt, subscriber_id)
    return Planned(subscriber_id, rcpt, sender_of(subscriber_id), variant, own)


def page(
    readers: Iterable[Reader], facts: ListFacts, sender_of: Sender, own_of: Own
) -> list[Planned]:
    """The copies of one page: none to whom its topics do not interest, nor to a NOREPRO author.

    Who has MAX finds what is beyond that in his digest. Without VERP those with the same bytes
    stand together, because they can share a transaction.
    """
    planned = [
        copy_of(
            reader.subscriber_id, reader.address, reader.options, sender_of, own_of, facts.collected
        )
        for reader in readers
        if wants(reader.options >> TOPICS_SHIFT, facts.topics)
        and (not (most := reader.options >> MAX_SHIFT) or facts.of_day <= most)
        and (reader.address_key != facts.author_key or _repro(reader.options))
    ]
    return planned if facts.verp else sorted(planned, key=_form)


def _form(one: Planned) -> tuple[bool, str, str, bytes]:
    return one.variant.plain, one.variant.style.name, one.variant.issue or "", one.sender


@lru_cache(maxsize=4096)
def _repro(options: int) -> bool:
    return Options.decode(options).repro
