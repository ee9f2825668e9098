"""The alias in place of an author whose domain forbids others to write in its name (RFC 9989).

Which copies get it is decided when they are made: those in which no signature of his domain holds
any more. What they need for that is frozen here.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from listserv_py.lists.addresses import Destination, Door, address_of
from listserv_py.mail.letter import Letter
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import Mailbox
from listserv_py.posting.post import Post
from listserv_py.store.turn import Turn

NO_REWRITE = "DMARC_NO_REWRITE"


def with_alias(turn: Turn, letter: Letter, post: Post, facts: ListFacts) -> ListFacts:
    """The facts with what was found out about the author, and his alias if one may be needed."""
    dmarc, author = letter.dmarc, post.author
    if dmarc is None:
        return facts
    facts = replace(
        facts,
        seals=" ".join(dmarc.seals),
        arc=dmarc.results,
        arc_sets=dmarc.arc_sets,
        arc_fails=dmarc.arc_fails,
    )
    if author is None or not dmarc.demands:
        return facts
    if NO_REWRITE in post.mailing_list.keywords.misc or _is_excepted(turn, author):
        return facts
    if dmarc.aligns and facts.signed and turn.settings.dkim.key_file is not None:
        return facts  # our own signature is one of his domain
    alias = Destination(Door.ALIAS, key=turn.tx.aliases.of(author, turn.now))
    site = turn.settings.site
    address = str(address_of(alias, domain=site.domain, name=site.name))
    return replace(facts, alias=address)


def _is_excepted(turn: Turn, author: Mailbox) -> bool:
    patterns = turn.settings.dmarc.no_rewrite
    return any(fnmatchcase(author.domain, one.strip().lower()) for one in patterns)
