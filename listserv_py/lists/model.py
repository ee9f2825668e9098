"""A list and a subscription, as every room sees them.

Values only: the store makes them, nobody changes them in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from listserv_py.lists.header import Header
from listserv_py.lists.options import Options, apply_words
from listserv_py.lists.topics import chosen
from listserv_py.lists.values import Keywords
from listserv_py.mail.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class MailingList:
    """A list; `name` is in capitals, `held` means that posts wait until an owner says FREE.

    `by_storm`: it is held because many people asked to be removed.
    """

    id: int
    name: str
    header: Header
    held: bool
    domain: str
    by_storm: bool = False

    @property
    def title(self) -> str:
        """The first line of its header."""
        return self.header.title

    @property
    def keywords(self) -> Keywords:
        """What its header says."""
        return self.header.keywords

    @property
    def address(self) -> Mailbox:
        """Where posts to it go."""
        return Mailbox(self.name.lower(), self.domain)

    @property
    def subject_tag(self) -> str:
        """What stands in brackets in the subject for SUBJECTHDR."""
        return self.keywords.subject_tag or self.name

    def default_options(self) -> Options:
        """The options of a new subscriber, before his own WITH."""
        keywords = self.keywords
        unwanted = chosen(keywords.default_topics, keywords.topics, 0)
        start = Options(ack=keywords.ack, no_topics=unwanted)
        words = keywords.default_options
        return apply_words(start, words, by_owner=True, topics=keywords.topics)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One person on one list; `id` is never used again after he has left."""

    id: int
    list_id: int
    mailbox: Mailbox
    name: str
    options: Options
    subscribed_at: datetime
