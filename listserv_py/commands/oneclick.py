"""Leaving by a link, without a mail: what the page behind it says, and what its button does.

The link's token is proof enough, as it was mailed to the subscriber alone and opens nothing but the
way out. Who passes a mail on passes on its link, so the page names the list and nobody's address.
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.commands.subscribe import leave_list
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.store.turn import Turn
from listserv_py.texts.forms import LANGUAGES

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Answer:
    """A page in words; `button` "" for none. `serves`: the token is that of a subscription."""

    title: str
    text: str
    button: str = ""
    language: str = ENGLISH
    serves: bool = False


def ask(turn: Turn, token: str) -> Answer:
    """The page that asks whether to leave; changes nothing."""
    found = _meant(turn, token)
    return _page(turn, "PAGE_LEAVE", found[0], has_button=True) if found else nothing(turn)


def leave(turn: Turn, token: str) -> Answer:
    """End the subscription, as SIGNOFF does; who has left already is told the same again."""
    found = _meant(turn, token)
    if found is None:
        return nothing(turn)
    leave_list(turn, *found)
    return _page(turn, "PAGE_LEFT", found[0])


def nothing(turn: Turn) -> Answer:
    """The page for a token that means no subscription, any more or ever."""
    return _page(turn, "PAGE_NOTHING", None)


def _meant(turn: Turn, token: str) -> tuple[MailingList, Subscription] | None:
    subscription_id = turn.tx.tokens.open(token)
    if subscription_id is None:
        return None
    subscription = turn.tx.subscribers.by_id(subscription_id)
    mailing_list = subscription and turn.tx.lists.by_id(subscription.list_id)
    return (mailing_list, subscription) if mailing_list and subscription else None


def _page(
    turn: Turn, form: str, mailing_list: MailingList | None, *, has_button: bool = False
) -> Answer:
    words = turn.words(mailing_list)
    slots = {"MYADDRESS": str(turn.command_address)}
    said = ""
    if mailing_list is not None:
        slots |= {"LISTNAME": mailing_list.name, "TITLE": mailing_list.title}
        said = mailing_list.keywords.language.name
    language = LANGUAGES.get((said or turn.settings.site.language).upper(), ENGLISH)
    filled, button = words.fill(form, slots), ""
    if has_button:  # an owner's empty form must not take the way out away
        default = turn.forms.fill("PAGE_BUTTON", slots)
        button = words.fill("PAGE_BUTTON", slots).body.strip() or default.body
    return Answer(filled.subject, filled.body, button, language, mailing_list is not None)
