"""The words of `Misc-Options=`, as one table, and their reader."""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.lists.headertext import Fault
from listserv_py.lists.keyword import State
from listserv_py.lists.shapes import Change, Items, modifiers


@dataclass(frozen=True, slots=True)
class MiscOption:
    """One word; `other` is the word that says the contrary."""

    word: str
    state: State
    meaning: str
    other: str = ""


MISC_OPTIONS: tuple[MiscOption, ...] = (
    MiscOption(
        "DISCARD_HTML",
        State.OBEYED,
        "The HTML parts of posts are taken out; a post that is only HTML is refused.",
    ),
    MiscOption(
        "IETFHDR_SUBJECT_TAG", State.OBEYED, "Subscribers with IETFHDR see the subject tag too."
    ),
    MiscOption(
        "IGNORE_EMAIL_CASE",
        State.OBEYED,
        "`Joe@x.org` and `joe@x.org` are one subscriber. Here they always are.",
        other="RESPECT_EMAIL_CASE",
    ),
    MiscOption(
        "RESPECT_EMAIL_CASE",
        State.NO_EFFECT,
        "Two subscribers whose addresses differ by capitals only would be one person who gets"
        " every post twice.",
        other="IGNORE_EMAIL_CASE",
    ),
    MiscOption(
        "KEEP_DKIM_SIGNATURE",
        State.OBEYED,
        "The author's DKIM signature stays on copies that no longer fit it. Here it always does.",
        other="NO_DKIM_SIGNATURE",
    ),
    MiscOption(
        "NO_DKIM_SIGNATURE",
        State.OBEYED,
        "This server does not sign the list's posts.",
        other="KEEP_DKIM_SIGNATURE",
    ),
    MiscOption(
        "KEEP_EXCHANGE_DATA", State.NO_EFFECT, "Nothing of Exchange is taken out of a post here."
    ),
    MiscOption("LEGACY_INTERFACE", State.NO_EFFECT, "There is no older interface."),
    MiscOption("NEW_MESSAGE_ID", State.OBEYED, "Copies get a Message-ID of this server's own."),
    MiscOption(
        "NO_RFC2369",
        State.OBEYED,
        "Copies have no List-* header fields, but an X-Loop of the list.",
    ),
    MiscOption(
        "NO_SPAM_CHECK",
        State.NO_EFFECT,
        "This server looks for no spam; the mail server in front of it does.",
    ),
    MiscOption(
        "OLD_NOMIME_DIGEST",
        State.NO_EFFECT,
        "A digest in plain text has one form, that of RFC 1153.",
    ),
    MiscOption(
        "PROCESS_SPAM_FEEDBACK",
        State.OBEYED,
        "Whoever complains of a post at his provider is taken off the list, when the report (RFC"
        " 5965, or Outlook's) comes to `owner-LIST` or `owner-listserv` and carries our key and a"
        " post of ours.",
    ),
    MiscOption(
        "SUBJECTHDR_SEQUENCE", State.OBEYED, "The subject tag has the post's number: `[TEST-L 12]`."
    ),
    MiscOption(
        "SUPPRESS_APPROVED_BY",
        State.OBEYED,
        "The moderator's address is left out of the posts that he approved.",
    ),
    MiscOption("TITLE_CHARSET", State.NO_EFFECT, "Titles are Unicode here."),
    MiscOption("UTF8_HEADER", State.NO_EFFECT, "List headers are always UTF-8 here."),
    MiscOption(
        "NO_VERP",
        State.OBEYED,
        "Ours: copies have one envelope sender for all subscribers instead of one for each, and up"
        " to a hundred share a transaction. Bounces then do not say for certain whose they are.",
    ),
    MiscOption(
        "ONE_CLICK",
        State.OBEYED,
        "Ours: each copy has a link of its own for one-click unsubscription. Announcement lists and"
        " those with more than 1,000 subscribers have it unless they say NO_ONE_CLICK; all need"
        " the setting `web.base_url`.",
        other="NO_ONE_CLICK",
    ),
    MiscOption(
        "NO_ONE_CLICK", State.OBEYED, "Ours: no one-click unsubscription.", other="ONE_CLICK"
    ),
    MiscOption(
        "DMARC_NO_REWRITE",
        State.OBEYED,
        "Ours: copies always keep the author's own From, though his domain may have them refused;"
        " LISTSERV has it as a setting of the site.",
    ),
    MiscOption(
        "DROP_ERASED_POSTS",
        State.OBEYED,
        "Ours: what an erased person wrote goes from the archive; without it the text stays, and"
        " nothing that names him.",
    ),
    MiscOption(
        "NO_DKIM_PROOF",
        State.OBEYED,
        "Ours: a DKIM signature proves no sender of this list's commands and posts.",
    ),
)

_BY_WORD = {option.word.lower(): option for option in MISC_OPTIONS}


def misc(items: Items, faults: list[Fault]) -> Change:
    """The words, in capitals; two that contradict each other are a fault."""
    found = modifiers(items, tuple(option.word for option in MISC_OPTIONS), faults)
    for word in found:
        other = _BY_WORD[word].other
        if other.lower() in found and other > word.upper():
            faults.append(Fault(items[0].line, f"{word.upper()} and {other}", "one of them"))
    return {"misc": frozenset(word.upper() for word in found)}
