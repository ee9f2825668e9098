"""What copies must know of an author's domain: its policy, and which of its signatures holds.

Asked of every post, for the first time and when it comes back from its moderator: what counts is
how the copies fare when they go out. Signatures are verified only where it matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from listserv_py.authn.dkim import Outcome, Verifier
from listserv_py.authn.dmarc import Policies, Standing, unknown
from listserv_py.authn.results import believed
from listserv_py.authn.rules import ALGORITHMS
from listserv_py.authn.signature import Signature, signatures
from listserv_py.config import Settings
from listserv_py.lists.addresses import Door, route
from listserv_py.mail.dmarc import Dmarc
from listserv_py.mail.letter import Letter
from listserv_py.mail.message import Message
from listserv_py.mail.seals import seal_of


@dataclass(frozen=True, slots=True)
class Asked:
    """A post's author, as `domain`; `own` is this server's, `carried` what others have signed."""

    domain: str
    own: str
    carried: tuple[Signature, ...]
    fails: bool


def asked(letter: Letter, settings: Settings) -> Asked | None:
    """What is to be found out about a letter; None for what is no post. Pure."""
    site, author = settings.site, letter.message.author
    door = route(letter.rcpt, domain=site.domain, name=site.name)
    if door is None or door.door is not Door.POST or author is None or not settings.dmarc.rewrite:
        return None
    said = believed(letter, settings.trust.authserv_ids)
    return Asked(
        domain=author.mailbox.domain,
        own=site.domain,
        carried=tuple(
            one for one in signatures(letter.message) if one and _counts(one, site.domain)
        ),
        fails=any(one.method == "dmarc" and one.result == "fail" for one in said),
    )


def _counts(signature: Signature, own: str) -> bool:
    """Whether it can say anything of the author; we sign every post, whoever wrote it."""
    is_strong = signature.algorithm in ALGORITHMS
    return is_strong and signature.domain != own and "from" in signature.covered


def judged_at_once(post: Asked, policies: Policies) -> Dmarc | None:
    """What is known already and needs no signature; None where something must be waited for."""
    his, ours = policies.known(post.domain), policies.known(post.own)
    if his is None or ours is None or (post.carried and _matters(his, ours)):
        return None
    return _dmarc(post, his, ours, ())


async def judged(message: Message, post: Asked, verifier: Verifier) -> Dmarc:
    """Look up the domain, and verify its signatures where that matters."""
    policies = verifier.policies
    his, ours = await policies.of(post.domain), await policies.of(post.own)
    if not post.carried or not _matters(his, ours):
        return _dmarc(post, his, ours, ())
    aligned = [one for one in post.carried if his.is_aligned(await policies.of(one.domain))]
    outcomes = await verifier.verify(message, aligned, every=True)
    good = [one for one, outcome in zip(aligned, outcomes, strict=True) if outcome is Outcome.PASS]
    found = _dmarc(post, his, ours, good)
    fields = message.all("dkim-signature")
    seals = [seal_of(message.fields, fields[one.index]) for one in good]
    return replace(found, seals=tuple(one for one in seals if one))


def unjudged(post: Asked) -> Dmarc:
    """What is safe to believe when we have failed ourselves."""
    return _dmarc(post, unknown(post.domain), unknown(post.own), ())


def _matters(his: Standing, ours: Standing) -> bool:
    return his.demands or his.is_kin(ours)


def _dmarc(post: Asked, his: Standing, ours: Standing, good: Sequence[Signature]) -> Dmarc:
    return Dmarc(
        demands=his.demands,
        is_ours=his.is_kin(ours),
        aligns=his.is_aligned(ours),
        vouched=any(not one.is_partial for one in good),
        fails=post.fails,
    )
