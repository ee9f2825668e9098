"""Whether a mail proves its author: `look` judges it by the rules, `settle` verifies what is left.

A proof is looked up before the transaction and handed on with the letter. Nothing here fails: a
mail that cannot be verified, for whatever reason, is as good as one that was never signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from listserv_py.authn.dkim import Outcome, Verifier
from listserv_py.authn.posts import Asked, asked, judged, judged_at_once, unjudged
from listserv_py.authn.results import Result, believed
from listserv_py.authn.rules import broken_by_mail, broken_by_signature, is_above
from listserv_py.authn.signature import LOOKED_AT, Signature, signatures
from listserv_py.config import Settings
from listserv_py.lists.addresses import Door, route
from listserv_py.mail.letter import Letter
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger

log = get_logger("authn")

_DOORS = (Door.COMMAND, Door.SUBSCRIBE, Door.SIGNOFF, Door.SEARCH, Door.POST)


@dataclass(frozen=True, slots=True)
class Case:
    """A letter, and the signatures that would prove its author if they verify.

    `post`: what of it is asked when it is a post whose author's domain may want its mail refused.
    """

    letter: Letter
    signatures: tuple[Signature, ...] = ()
    post: Asked | None = None


def look(letter: Letter, settings: Settings) -> Case:
    """Judge a letter by what it says of itself; pure."""
    case, post = _look(letter, settings), asked(letter, settings)
    return replace(case, post=post) if post else case


def _look(letter: Letter, settings: Settings) -> Case:
    trust, site = settings.trust, settings.site
    if letter.confirmed or letter.approved_by is not None:
        return Case(letter)
    door = route(letter.rcpt, domain=site.domain, name=site.name)
    if door is None or door.door not in _DOORS or not (trust.dkim or trust.authserv_ids):
        return Case(letter)
    found = signatures(letter.message)
    said = believed(letter, trust.authserv_ids)
    if not found and not said:
        return Case(letter)
    broken = broken_by_mail(letter)
    if broken is not None:
        _unproven(letter, broken)
        return Case(letter)
    if any(_proves(result, letter, found, site.domain) for result in said):
        log.info("authn.proven", spool=letter.spool_id, by="authentication-results")
        return Case(_proven(letter, Proof.AUTHSERV))
    return Case(letter, _promising(letter, found, site.domain) if trust.dkim else ())


async def settle(case: Case, verifier: Verifier) -> Letter:
    """Verify what `look` left; the letter with what it proves and what its domain asks."""
    letter = await _prove(case, verifier)
    if case.post is None:
        return letter
    return replace(letter, dmarc=await judged(letter.message, case.post, verifier))


def settled(case: Case, verifier: Verifier) -> Letter | None:
    """The letter, where nothing is left to be verified or looked up; else None."""
    if case.signatures:
        return None
    if case.post is None:
        return case.letter
    found = judged_at_once(case.post, verifier.policies)
    return replace(case.letter, dmarc=found) if found is not None else None


def unsettled(case: Case) -> Letter:
    """The letter as it goes on when we have failed ourselves."""
    return replace(case.letter, dmarc=unjudged(case.post)) if case.post else case.letter


async def _prove(case: Case, verifier: Verifier) -> Letter:
    letter = case.letter
    if not case.signatures:
        return letter
    outcomes = await verifier.verify(letter.message, case.signatures)
    for signature, outcome in zip(case.signatures, outcomes, strict=False):
        if outcome is Outcome.PASS:
            log.info("authn.proven", spool=letter.spool_id, by="dkim", domain=signature.domain)
            return _proven(letter, Proof.DKIM)
    _unproven(letter, ",".join(outcomes))
    return letter


def _promising(
    letter: Letter, found: Sequence[Signature | None], own_domain: str
) -> tuple[Signature, ...]:
    """The signatures that keep all rules."""
    broken = [one and broken_by_signature(letter, one, own_domain) for one in found]
    kept = tuple(
        one for one, rule in zip(found, broken, strict=True) if one is not None and rule is None
    )
    if found and not kept:
        _unproven(letter, ",".join(rule or "unreadable" for rule in broken))
    return kept


def _proves(
    result: Result, letter: Letter, found: Sequence[Signature | None], own_domain: str
) -> bool:
    """Whether our own MTA's result proves the author.

    `dkim=pass` stands for the arithmetic only: each signature of that domain which the mail carries
    must keep the rules, for the field does not say for sure which one passed. `dmarc=pass` counts
    in an unsigned mail, where SPF has passed: the domain itself has brought it.
    """
    author = letter.message.author
    if result.result != "pass" or author is None:
        return False
    if result.method == "dkim":
        domain = result.properties.get("header.d", "").removesuffix(".")
        return domain != own_domain.lower() and _keeps_rules(letter, found, domain, own_domain)
    if result.method != "dmarc" or letter.message.all("dkim-signature"):
        return False
    said = result.properties.get("header.from", "").rpartition("@")[2].removesuffix(".")
    sender = letter.reverse_path
    is_his = said == author.mailbox.domain and said != own_domain.lower()
    return is_his and sender is not None and sender.domain == said


def _keeps_rules(
    letter: Letter, found: Sequence[Signature | None], domain: str, own_domain: str
) -> bool:
    author = letter.message.author
    if author is None or not is_above(domain, author.mailbox.domain):
        return False
    if None in found or len(letter.message.all("dkim-signature")) > LOOKED_AT:
        return False
    return all(
        broken_by_signature(letter, one, own_domain) is None
        for one in found
        if one is not None and one.domain == domain
    )


def _proven(letter: Letter, proof: Proof) -> Letter:
    """The letter with its proof, and by what it is known again when the mail comes once more.

    A signature's own bytes can be varied and still verify; what it covers cannot.
    """
    message = letter.message
    author = message.author.mailbox.key if message.author else ""
    once = "\0".join((author, message.message_id or "", letter.rcpt.key))
    return replace(letter, proof=proof, proves_once=once)


def _unproven(letter: Letter, reason: str) -> None:
    log.info("authn.unproven", spool=letter.spool_id, reason=reason)
