"""`Turn`: what a deciding function is given, and the one way in which single mails of ours leave.

A deciding function takes its time, its dice, the settings and the store from here and from nowhere
else, so that a test can say them all. Every mail passes `Turn.mail`, where the budgets are kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial

from listserv_py.clock import SteadyClock
from listserv_py.config import Settings
from listserv_py.lists.addresses import Door, route
from listserv_py.lists.model import MailingList
from listserv_py.mail.compose import TO_READER, Draft, Enclosed, address, compose
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.mail.resend import resent
from listserv_py.maillog import get_logger
from listserv_py.store.around import around
from listserv_py.store.outbox import Kind
from listserv_py.store.store import Tx
from listserv_py.store.templates import MAILTPL
from listserv_py.texts.fill import Filled
from listserv_py.texts.forms import Forms
from listserv_py.texts.words import Words

log = get_logger("turn")

_COUNTED = (Kind.REPLY, Kind.CONFIRMATION)
_REFERENCES_MAX = 20
_ANSWERS_A_DAY = 5
"""A day's answers to one address, as a multiple of an hour's."""


@dataclass(frozen=True, slots=True)
class Post:
    """A mail of ours to one person, before it is put into words.

    `letter`: what it answers. `below` follows the body. `proven`: the person asked for it, and we
    know that it was him, so it counts against no budget. `subject` and `body` replace those of the
    form.
    """

    to: Mailbox
    form: str
    slots: Mapping[str, str]
    kind: Kind
    letter: Letter | None = None
    mailing_list: MailingList | None = None
    attached: bytes | Enclosed | None = None
    subject: str | None = None
    body: str | None = None
    below: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One transaction's store, time, dice, words and settings."""

    tx: Tx
    settings: Settings
    now: datetime
    forms: Forms
    new_code: Callable[[], str]
    """16 upper-case hex digits, never the same again."""
    new_token: Callable[[], str]
    """A short name for a Message-ID, never the same again."""

    @property
    def command_address(self) -> Mailbox:
        """Where commands are mailed to."""
        return parse_mailbox(self.settings.site.command_address)

    @property
    def postmasters(self) -> tuple[Mailbox, ...]:
        """The site's maintainers."""
        return _postmasters(self.settings)

    def mail(  # noqa: PLR0913 - all but three by name, and most calls give two of those
        self,
        to: Mailbox,
        form: str,
        slots: Mapping[str, str],
        *,
        kind: Kind,
        letter: Letter | None = None,
        mailing_list: MailingList | None = None,
        attach: bytes | Enclosed | None = None,
        subject: str | None = None,
        body: str | None = None,
        below: str = "",
        proven: bool = False,
        reverse_path: str = "",
    ) -> bool:
        """Put one mail into the outbox; False when a budget or a loop forbids it."""
        post = Post(
            to, form, slots, kind, letter, mailing_list, attach, subject, body, below, proven
        )
        if self.is_own(to):
            log.warning("mail.to_ourselves", form=form)
            return False
        if kind in _COUNTED and not proven and not self._may_answer(to):
            log.warning("mail.over_budget", form=form)
            return False
        given = Filled(subject, body) if subject is not None and body is not None else None
        filled = given or self.words(mailing_list).fill(form, slots)
        if filled.silent:
            log.info("mail.switched_off", form=form)
            return True
        self.tx.outbox.send(
            to,
            compose(self._draft(post, filled)),
            kind=kind,
            now=self.now,
            list_id=mailing_list.id if mailing_list else None,
            about=letter.spool_id if letter else None,
            reverse_path=reverse_path,
        )
        return True

    def resend(self, to: Mailbox, raw: bytes, mailing_list: MailingList) -> bool:
        """Send somebody else's mail on as it came; False when it would come back to us."""
        if self.is_own(to):
            log.warning("mail.to_ourselves", form="resent")
            return False
        name, domain = mailing_list.name.lower(), self.settings.site.domain
        content = resent(
            raw,
            f"{name}-request@{domain}",
            str(to) if to.is_ascii else TO_READER,
            self.now,
            f"<{self.new_token()}@{domain}>",
        )
        self.tx.outbox.send(
            to,
            content,
            kind=Kind.FORWARD,
            now=self.now,
            list_id=mailing_list.id,
            reverse_path=f"owner-{name}@{domain}",
        )
        return True

    def enclose(self, to: Mailbox, letter: Letter, mailing_list: MailingList | None) -> bool:
        """Pass on, inside a mail of ours, what our signature and envelope would make look genuine.

        False when it would come back to us.
        """
        author = letter.message.author
        slots = {
            "ADDRESS": str(letter.rcpt),
            "AUTHOR": str(author.mailbox) if author else "",
            "HOST": letter.host,
            "SITE": self.settings.site.domain,
        }
        return self.mail(
            to,
            "UNPROVEN_MAIL",
            slots,
            kind=Kind.FORWARD,
            letter=letter,
            mailing_list=mailing_list,
            attach=letter.message.raw,
        )

    def words(self, mailing_list: MailingList | None) -> Words:
        """The forms as the list has them, or for None as the site has them."""
        context = partial(around, self.settings, mailing_list, self.now)
        home = self.settings.site.language
        if mailing_list is None:
            return Words(self.forms, around=context, home=home)
        own = self.tx.templates.find(mailing_list.id, MAILTPL)
        return Words(self.forms, own, mailing_list.keywords.language.name, context, home)

    def is_own(self, mailbox: Mailbox) -> bool:
        """Whether mail to this address would come back to us."""
        site = self.settings.site
        found = route(mailbox, domain=site.domain, name=site.name)
        if found is None:
            return False
        if found.door is not Door.POST:
            return True
        return found.listname is not None and self.tx.lists.find(found.listname) is not None

    def _may_answer(self, to: Mailbox) -> bool:
        hourly = self.settings.limits.answers_per_address
        budget = self.tx.budget
        day, hour = budget.spent_in(to, "answer", self.now, timedelta(days=1), timedelta(hours=1))
        if hour >= hourly or day >= hourly * _ANSWERS_A_DAY:
            return False
        budget.spend(to, "answer", self.now)
        return True

    def _draft(self, post: Post, filled: Filled) -> Draft:
        domain = self.settings.site.domain
        letter, about = post.letter, post.mailing_list
        return Draft(
            sender=_sender(domain, self.settings.site.command_address),
            to=str(post.to) if post.to.is_ascii else TO_READER,
            subject=post.subject if post.subject is not None else filled.subject,
            body=(post.body if post.body is not None else filled.body) + post.below,
            date=self.now,
            message_id=f"<{self.new_token()}@{domain}>",
            attached=post.attached,
            more=_list_fields(about, filled) if about else (),
            auto_submitted="auto-replied" if letter else "auto-generated",
            references=references(letter) if letter else (),
        )


@dataclass(slots=True)
class Turns:
    """Makes the turns of a running process; `settings` changes when they are read again."""

    settings: Settings
    forms: Forms
    clock: SteadyClock = field(default_factory=SteadyClock)

    @property
    def postmasters(self) -> tuple[Mailbox, ...]:
        """The site's maintainers."""
        return _postmasters(self.settings)

    def at(self, tx: Tx) -> Turn:
        """A turn now, with dice of its own."""
        return Turn(
            tx=tx,
            settings=self.settings,
            now=self.clock.now(),
            forms=self.forms,
            new_code=new_code,
            new_token=new_token,
        )


@lru_cache(maxsize=20)
def _sender(domain: str, command_address: str) -> str:
    return address(f"List server at {domain}", command_address)


def _list_fields(mailing_list: MailingList, filled: Filled) -> tuple[tuple[str, str], ...]:
    found = (("X-LSV-ListID", mailing_list.name),)
    if not filled.to_owners:
        return found
    return (*found, ("Reply-To", f"{mailing_list.name.lower()}-request@{mailing_list.domain}"))


def _postmasters(settings: Settings) -> tuple[Mailbox, ...]:
    return tuple(parse_mailbox(one) for one in settings.site.postmasters)


def new_code() -> str:
    """A confirmation code: 64 random bits as 16 upper-case hex digits."""
    return secrets.token_hex(8).upper()


def new_token() -> str:
    """The left side of a Message-ID of ours."""
    return secrets.token_hex(12)


def references(letter: Letter) -> tuple[str, ...]:
    """The message ids that an answer to the letter refers to, oldest first (RFC 5322 3.6.4)."""
    own = letter.message.message_id
    if own is None:
        return ()
    older = (letter.message.text("references") or "").split()[-_REFERENCES_MAX:]
    sane = [one for one in older if one.isascii() and one[0] == "<" and one[-1] == ">"]
    return (*(one for one in sane if one != own and len(one) < 250), own)
