"""What an author is told about his post: refused, waiting, distributed.

The address in a From line may be a third party's, so an answer repeats little of what the mail
said, counts against the budgets unless he is proven, and never goes to a machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from listserv_py.lists.model import MailingList
from listserv_py.mail.letter import Letter
from listserv_py.mail.passwords import shows_password
from listserv_py.posting.post import Post
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn
from listserv_py.texts.dates import moment

SUBJECT_SHOWN = 60
_LINK = re.compile(r"://|www\.|^[a-z]+:\S|\w/\w|\w\.\w", re.IGNORECASE)
_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, ?)?[0-9]{1,2} [A-Z][a-z]{2} [0-9]{2,4} [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
    r"(?: (?:[+-][0-9]{4}|[A-Z]{1,4}))?"
)
_NO_SLOTS: Mapping[str, str] = {}


def tell_author(
    turn: Turn, letter: Letter, post: Post, form: str, slots: Mapping[str, str] = _NO_SLOTS
) -> bool:
    """Answer the author; False when no answer is due, or none may be sent."""
    if post.author is None or post.automatic:
        return False
    return turn.mail(
        post.author,
        form,
        known(turn, post.mailing_list) | about(letter) | dict(slots),
        kind=Kind.REPLY,
        letter=letter,
        mailing_list=post.mailing_list,
        proven=post.proven,
    )


def known(turn: Turn, mailing_list: MailingList) -> dict[str, str]:
    """The slots that every form about a list may use."""
    return {
        "LISTNAME": mailing_list.name,
        "LISTADDR": str(mailing_list.address),
        "REQUEST": f"{mailing_list.name.lower()}-request@{mailing_list.domain}",
        "MYADDRESS": str(turn.command_address),
        "SITE": turn.settings.site.domain,
    }


def about(letter: Letter) -> dict[str, str]:
    """The slots that tell which mail is meant."""
    date = _DATE.match(" ".join((letter.message.text("date") or "").split()))
    return {
        "SUBJECT": shown_subject(letter.message.subject) or "(none)",
        "DATE": date[0] if date else moment(letter.received_at),
    }


def shown_subject(subject: str) -> str:
    """A subject as it may be repeated to somebody who perhaps never wrote it: short, no links.

    Nor is a password that stands in it.
    """
    if shows_password(subject):
        return ""
    words = " ".join(word for word in subject.split() if not _LINK.search(word))
    return words if len(words) <= SUBJECT_SHOWN else words[: SUBJECT_SHOWN - 1] + "…"
