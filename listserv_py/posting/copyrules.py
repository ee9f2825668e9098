"""What a list's keywords make of the copies of a post, frozen with the mailing in its facts."""

from __future__ import annotations

from dataclasses import replace

from listserv_py.lists.model import MailingList
from listserv_py.lists.topics import topics_of
from listserv_py.lists.values import Keywords, Sender, SenderKind
from listserv_py.mail.compose import address
from listserv_py.mail.listheaders import ListFacts
from listserv_py.texts.words import Words


def ruled(facts: ListFacts, mailing_list: MailingList, number: int, subject: str = "") -> ListFacts:
    """The facts with what the header says of copies; `number` and `subject` are the post's own."""
    keywords, misc = mailing_list.keywords, mailing_list.keywords.misc
    return replace(
        facts,
        x_tags=keywords.x_tags.value,
        sequence=number if "SUBJECTHDR_SEQUENCE" in misc else 0,
        topics=topics_of(subject, keywords.topics),
        tag_ietf="IETFHDR_SUBJECT_TAG" in misc,
        text_only=discards_html(keywords),
        new_message_id="NEW_MESSAGE_ID" in misc,
        signed="NO_DKIM_SIGNATURE" not in misc,
        rfc2369="NO_RFC2369" not in misc,
        verp="NO_VERP" not in misc,
        sender=_sender(keywords.sender),
    )


def through(facts: ListFacts, sub_list: MailingList, words: Words, subject: str) -> ListFacts:
    """A super-list's facts as the readers of a sub-list see them.

    Who mails them, and how they leave, is their own list's; what was posted, and where answers go,
    is the super-list's.
    """
    keywords = sub_list.keywords
    return replace(
        facts,
        listname=sub_list.name,
        title=sub_list.title,
        posts_to=facts.list_address,
        topics=topics_of(subject, keywords.topics),
        text_only=facts.text_only or discards_html(keywords),
        rfc2369="NO_RFC2369" not in keywords.misc,
        verp="NO_VERP" not in keywords.misc,
        probe_every=0,
        one_click="",
        sender=_sender(keywords.sender),
        top_text=words.text("TOP_BANNER"),
        bottom_text=words.text("BOTTOM_BANNER"),
        top_html=words.html("TOP_BANNER_HTML"),
        bottom_html=words.html("BOTTOM_BANNER_HTML"),
    )


def discards_html(keywords: Keywords) -> bool:
    """Whether nobody gets the HTML of a post; `Language= …,NoHTML` is the older way to say it."""
    return "DISCARD_HTML" in keywords.misc or keywords.language.nohtml


def _sender(wanted: Sender) -> str | None:
    """The Sender of copies; "" is where bounces go, None leaves the field out."""
    if wanted.kind is SenderKind.NONE:
        return None
    # An address that is not ASCII cannot stand in a header that anybody may have to read.
    if wanted.mailbox is None or not wanted.mailbox.is_ascii:
        return ""
    return address(wanted.name, wanted.mailbox)
