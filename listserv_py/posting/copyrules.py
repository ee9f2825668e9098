"""What a list's keywords make of the copies of a post, frozen with the mailing in its facts."""

from __future__ import annotations

from dataclasses import replace

from listserv_py.lists.model import MailingList
from listserv_py.lists.topics import topics_of
from listserv_py.lists.values import Keywords, Sender, SenderKind
from listserv_py.mail.compose import address
from listserv_py.mail.listheaders import ListFacts


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
        sender=_sender(keywords.sender),
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
