"""A post with all that the checks need to know, gathered before the first of them runs.

`gather` alone reads the store; the checks get a value. What a From line claims stands apart from
what is proven: `roles` are claims, `rights` are what counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from listserv_py.lists.contentfilter import Rule, read_rules
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import Options
from listserv_py.lists.roles import NOWHERE, STAFF, Elsewhere, Role, owners_of, roles_of
from listserv_py.lists.trust import counts
from listserv_py.mail import trace
from listserv_py.mail.dmarc import Dmarc
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import Message
from listserv_py.posting.fingerprint import fingerprints
from listserv_py.store.leaks import names_code
from listserv_py.store.standing import standing
from listserv_py.store.sublists import reached
from listserv_py.store.turn import Turn

DISTRIBUTED_FOR = timedelta(days=7)


class Repeat(StrEnum):
    """How a post is one that the list distributed lately."""

    NONE = "none"
    SAME_ID = "same Message-ID"
    SAME_TEXT = "same text"


@dataclass(frozen=True, slots=True)
class Post:
    """One post as the checks see it.

    `author` None: the mail names no one author. `people` are known to be human whatever their
    address looks like. `options` are the subscriber's own, or the list's default for a stranger.
    `keys` are what the list will know the post by, should it come again. `sub_lists` are those that
    it reaches as well; who is on one of them is a subscriber as far as posting goes.
    `shows_code`: one that still serves stands in it. `forgeable`: sent on by us, it would look more
    like its author's than it came.
    """

    mailing_list: MailingList
    message: Message
    reverse_path: Mailbox | None
    author: Mailbox | None
    people: frozenset[Mailbox]
    roles: frozenset[Role]
    elsewhere: Elsewhere
    options: Options
    is_ours: bool
    confirmed: bool
    proven: bool
    approved: bool
    automatic: bool
    keys: tuple[bytes, ...]
    repeat: Repeat
    posts_by_author: int
    recognises: Callable[[str], bool]
    rules: tuple[Rule, ...] = ()
    forgeable: bool = False
    shows_code: bool = False
    sub_lists: tuple[MailingList, ...] = ()

    @property
    def rights(self) -> frozenset[Role]:
        """The roles that count: those of the staff only when the author is proven."""
        return self.roles if self.proven else self.roles - STAFF

    @property
    def is_subscriber(self) -> bool:
        """Whether the From line names a subscriber."""
        return Role.SUBSCRIBER in self.roles

    @property
    def size(self) -> int:
        """Its octets, without the trace fields that its way to us has added."""
        return len(self.message.raw) - trace.below(self.message.raw)


def gather(
    turn: Turn, letter: Letter, mailing_list: MailingList, recognises: Callable[[str], bool]
) -> Post:
    """Collect what the checks ask for."""
    message = letter.message
    author = message.author.mailbox if message.author else None
    sub_lists = reached(turn.tx, mailing_list)
    subscription = turn.tx.subscribers.find(mailing_list.id, author) if author else None
    elsewhere = _elsewhere(turn, mailing_list, author)
    roles = frozenset({Role.ANYBODY})
    if author is not None:
        roles = roles_of(author, mailing_list, subscription, turn.postmasters, elsewhere)
    if subscription is None and author:
        subscription = _below(turn, sub_lists, author)
        roles |= {Role.SUBSCRIBER} if subscription else frozenset()
    people = people_of(turn, mailing_list)
    keys = fingerprints(message)
    return Post(
        mailing_list=mailing_list,
        message=message,
        reverse_path=letter.reverse_path,
        author=author,
        people=people,
        roles=roles,
        elsewhere=elsewhere,
        options=subscription.options if subscription else mailing_list.default_options(),
        is_ours=author is not None and turn.is_own(author),
        confirmed=letter.confirmed,
        proven=letter.confirmed or counts(letter.proof, mailing_list),
        approved=letter.approved_by is not None,
        automatic=message.is_automatic(letter.reverse_path, people),
        keys=keys,
        repeat=_repeat(turn, mailing_list, keys),
        posts_by_author=_posts_by(turn, mailing_list, author),
        recognises=recognises,
        forgeable=is_forgeable(letter.dmarc),
        shows_code=names_code(turn.tx, message, turn.now),
        rules=read_rules(turn.words(mailing_list).raw("CONTENT_FILTER"))[0],
        sub_lists=sub_lists,
    )


def _below(turn: Turn, sub_lists: tuple[MailingList, ...], author: Mailbox) -> Subscription | None:
    """The author's subscription to the first sub-list that has him; its EDITOR is for there."""
    for one in sub_lists:
        found = turn.tx.subscribers.find(one.id, author)
        if found is not None:
            return found
    return None


def is_forgeable(dmarc: Dmarc | None) -> bool:
    """Whether our sending it on would lend an author what the mail has not shown (RFC 9989).

    Our signature and our envelope count for all of our own organisation, and the alias of another
    hides that his domain has disowned the mail.
    """
    return dmarc is not None and (dmarc.fails or dmarc.is_borrowed)


def people_of(turn: Turn, mailing_list: MailingList) -> frozenset[Mailbox]:
    """Those who are configured by name, so surely human."""
    keywords = mailing_list.keywords
    named = (*owners_of(mailing_list), *keywords.editors, *keywords.moderators)
    return frozenset((*turn.postmasters, *named))


def _repeat(turn: Turn, mailing_list: MailingList, keys: tuple[bytes, ...]) -> Repeat:
    since = turn.now - DISTRIBUTED_FOR
    seen = [turn.tx.posts.seen(mailing_list.id, key, since) for key in keys]
    if any(seen[1:]):
        return Repeat.SAME_ID
    return Repeat.SAME_TEXT if seen[0] else Repeat.NONE


def _posts_by(turn: Turn, mailing_list: MailingList, author: Mailbox | None) -> int:
    if author is None or mailing_list.keywords.daily_per_user is None:
        return 0
    return turn.tx.posts.count_today_by(mailing_list.id, author, turn.now)


def _elsewhere(turn: Turn, mailing_list: MailingList, author: Mailbox | None) -> Elsewhere:
    """The author's part in the lists that this one's access levels name."""
    keywords = mailing_list.keywords
    levels = (*keywords.send.access, *keywords.editor_access, *keywords.owner_access)
    return standing(turn.tx, author, levels) if author else NOWHERE
