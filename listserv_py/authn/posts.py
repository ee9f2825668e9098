"""What copies must know of an author's domain: its policy, and which of its signatures holds.

Asked of all that may be sent on: of mail to people whether it borrows our own organisation's name,
of every post, for the first time and when it comes back from its moderator: what counts is
how the copies fare when they go out. Signatures are verified only where it matters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from listserv_py.authn.chain import Status
from listserv_py.authn.dkim import Outcome, Verifier
from listserv_py.authn.dmarc import Policies, Standing, unknown
from listserv_py.authn.results import Result, believed
from listserv_py.authn.rules import ALGORITHMS
from listserv_py.authn.signature import Signature, signatures
from listserv_py.config import Settings
from listserv_py.lists.addresses import Door, route
from listserv_py.mail.dmarc import Dmarc
from listserv_py.mail.letter import Letter
from listserv_py.mail.message import Message
from listserv_py.mail.seals import seal_of

_PEOPLE = (Door.REQUEST, Door.POSTMASTER, Door.SITE_REQUEST, Door.ALIAS)
"""What comes to these is sent on to a person."""
_SAID = ("from", "subject", "date")
"""What a signature must cover, besides the text, to vouch for a post."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A post's author, as `domain`; `own` is this server's, `carried` what others have signed.

    `sealing`: what is found out is told on, in an ARC set.
    """

    domain: str
    own: str
    carried: tuple[Signature, ...]
    fails: bool
    sealing: bool = False


def asked(letter: Letter, settings: Settings) -> Asked | None:
    """What is to be found out about a letter; None for what is not sent on. Pure."""
    site, author = settings.site, letter.message.author
    found = route(letter.rcpt, domain=site.domain, name=site.name)
    if found is None or author is None or not settings.dmarc.rewrite:
        return None
    said = believed(letter, settings.trust.authserv_ids)
    is_post = found.door is Door.POST
    # A post that our own MTA vouches for is proven; of mail to people nothing else is asked.
    if not is_post and (found.door not in _PEOPLE or _passes(said, author.mailbox.domain)):
        return None
    return Asked(
        domain=author.mailbox.domain,
        own=site.domain,
        carried=tuple(
            one for one in signatures(letter.message) if one and _counts(one, site.domain)
        ),
        sealing=is_post and settings.arc.seal,
        fails=any(one.method == "dmarc" and one.result == "fail" for one in said),
    )


def _passes(said: Sequence[Result], domain: str) -> bool:
    """Whether our own MTA says that a mail is its author's domain's."""
    return any(
        (one.method, one.result) == ("dmarc", "pass")
        and one.properties.get("header.from", "").rpartition("@")[2].removesuffix(".") == domain
        for one in said
    )


def _counts(signature: Signature, own: str) -> bool:
    """Whether it can say anything of the author; we sign every post, whoever wrote it."""
    is_strong = signature.algorithm in ALGORITHMS
    return is_strong and signature.domain != own and "from" in signature.covered


def judged_at_once(post: Asked, policies: Policies) -> Dmarc | None:
    """What is known already and needs no signature; None where something must be waited for."""
    his, ours = policies.known(post.domain), policies.known(post.own)
    if his is None or ours is None or post.sealing or (post.carried and _matters(his, ours)):
        return None
    return _dmarc(post, his, ours, ())


async def judged(message: Message, post: Asked, verifier: Verifier) -> Dmarc:
    """Look up the domain, and verify its signatures where that matters."""
    policies = verifier.policies
    his, ours = await policies.of(post.domain), await policies.of(post.own)
    if not post.sealing and not (post.carried and _matters(his, ours)):
        return _dmarc(post, his, ours, ())
    near = {one.domain for one in post.carried if his.may_align(one.domain)}
    standings = await asyncio.gather(*map(policies.of, near))
    kin = {one.domain for one in standings if his.is_aligned(one)}
    aligned = [one.domain in kin for one in post.carried]
    asked_for = [
        one for one, his_own in zip(post.carried, aligned, strict=True) if his_own or post.sealing
    ]
    outcomes = await verifier.verify(message, asked_for, every=True)
    outcome_of = dict(zip((one.index for one in asked_for), outcomes, strict=True))
    good = [
        one
        for one, is_his in zip(post.carried, aligned, strict=True)
        if is_his and outcome_of[one.index] is Outcome.PASS
    ]
    found = _with_seals(_dmarc(post, his, ours, good), message, good)
    if not post.sealing:
        return found
    told = [
        f"dkim={outcome_of[one.index]} header.d={one.domain} header.s={one.selector}"
        for one in asked_for
    ]
    return await _with_results(found, message, post, verifier, told or ["dkim=none"])


def _with_seals(found: Dmarc, message: Message, good: Sequence[Signature]) -> Dmarc:
    fields = message.all("dkim-signature")
    seals = [seal_of(message.fields, fields[one.index]) for one in good]
    return replace(found, seals=tuple(one for one in seals if one))


async def _with_results(
    found: Dmarc,
    message: Message,
    post: Asked,
    verifier: Verifier,
    told: Sequence[str],
) -> Dmarc:
    """What we have verified ourselves, for those who get the copies (RFC 8617 4.1.1)."""
    chain = await verifier.chain_of(message, post.own)
    if chain is None:
        return found
    passes = [f"dmarc=pass header.from={post.domain}"] if found.seals else []
    results = (*told, *passes, f"arc={chain.status}")
    return replace(
        found,
        results="; ".join(results),
        arc_sets=chain.last,
        arc_fails=chain.status is Status.FAIL,
    )


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
        vouched=any(not one.is_partial and one.covered.issuperset(_SAID) for one in good),
        fails=post.fails,
    )
