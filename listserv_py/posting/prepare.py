"""A post on its way out: what the copies must know is frozen, the rest is counted and remembered.

One row in the outbox, whatever the number of subscribers; everything that rendering asks for stands
in `ListFacts`, so a copy rendered later has the bytes of one rendered now.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.lists.access import Access
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners
from listserv_py.lists.values import ReplyToKind
from listserv_py.mail.letter import Letter
from listserv_py.mail.listheaders import ListFacts, own_id_of
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.mime import Part
from listserv_py.maillog import get_logger
from listserv_py.posting.alias import with_alias
from listserv_py.posting.answers import known, tell_author
from listserv_py.posting.archiving import archived
from listserv_py.posting.collecting import Share, collect
from listserv_py.posting.content import stripped
from listserv_py.posting.copyrules import ruled, through
from listserv_py.posting.merge import is_filled_in
from listserv_py.posting.oneclick import with_one_click
from listserv_py.posting.passive import with_probes
from listserv_py.posting.post import DISTRIBUTED_FOR, Post
from listserv_py.store.changelog import Verb
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn

log = get_logger("posting")


def distribute(turn: Turn, letter: Letter, post: Post) -> int:
    """Put the post into the outbox, remember it, acknowledge it, and mind the daily threshold.

    Its mailing's id; that of the first, when it goes to several lists.
    """
    mailing_list, tx = post.mailing_list, turn.tx
    number = tx.lists.number_post(mailing_list)
    facts = ruled(facts_of(turn, letter, post), mailing_list, number, post.message.subject)
    facts = replace(facts, merge=is_filled_in(post, facts))
    facts = with_probes(turn, mailing_list, with_alias(turn, letter, post, facts))
    below = _not_there_yet(turn, post)
    content = _content(turn, post)
    if facts.new_message_id or post.message.message_id is None:
        facts = replace(facts, own_id=own_id_of(content, facts.stamp))
    facts = archived(turn, post, content, number, facts)
    mailing_id = _send(turn, post, content, (mailing_list, number, facts), below)
    if facts.own_id:
        tx.outbox.call(mailing_id, facts.own_id)
    tx.posts.note(mailing_list.id, post.keys, turn.now)
    for one in below:  # so that it is no second copy where it was sent as well
        tx.posts.note(one.id, post.keys, turn.now)
    tx.posts.count(mailing_list.id, post.author or mailing_list.address, turn.now)
    tx.stats.count(mailing_list.id, turn.now)
    if post.author is not None:
        for one in (mailing_list, *post.sub_lists):
            tx.renewals.active(one.id, post.author, turn.now)
        tx.changelog.note(mailing_list, Verb.POST, post.author, letter.message.subject, turn.now)
    log.info("post.distributed", spool=letter.spool_id, list=mailing_list.name, mailing=mailing_id)
    _acknowledge(turn, letter, post, mailing_id if below else None, facts)
    mind_threshold(turn, mailing_list)
    return mailing_id


def _not_there_yet(turn: Turn, post: Post) -> tuple[MailingList, ...]:
    """The sub-lists that have not had this very mail, sent to them as well or led back here."""
    since = turn.now - DISTRIBUTED_FOR
    return tuple(
        one
        for one in post.sub_lists
        if not any(turn.tx.posts.seen(one.id, key, since) for key in post.keys[1:])
    )


def _send(
    turn: Turn, post: Post, content: bytes, share: Share, below: tuple[MailingList, ...]
) -> int:
    own, number, facts = share
    facts, subject = with_one_click(turn, own, facts), post.message.subject
    parts: list[Share] = [(own, number, facts)]
    for one in below:
        through_it = through(facts, one, turn.words(one), subject)
        through_it = with_probes(turn, one, through_it, above=own)
        parts.append((one, number, with_one_click(turn, one, through_it)))
    said = collect(turn, content, parts)
    if not below:
        return turn.tx.outbox.distribute(own.id, content, said[0], turn.now)
    lists = [(one.id, facts) for (one, _, _), facts in zip(parts, said, strict=True)]
    return turn.tx.outbox.distribute_to_all(lists, content, turn.now)


def _content(turn: Turn, post: Post) -> bytes:
    """What the copies are made of: the mail as it came, less what the list takes out of it."""
    words = turn.words(post.mailing_list)

    def word(part: Part) -> str:
        named = f"{part.filename} ({part.content_type})" if part.filename else part.content_type
        slots = {"LISTNAME": post.mailing_list.name, "PART": named}
        return words.fill("ATTACHMENT_TAKEN_OUT", slots).body

    return stripped(post, word)


def facts_of(turn: Turn, letter: Letter, post: Post) -> ListFacts:
    """What every copy of this post says of its list."""
    mailing_list, keywords = post.mailing_list, post.mailing_list.keywords
    approver = letter.approved_by
    named = approver is not None and "SUPPRESS_APPROVED_BY" not in keywords.misc
    words = turn.words(mailing_list)
    return ListFacts(
        listname=mailing_list.name,
        title=mailing_list.title,
        domain=mailing_list.domain,
        command_address=str(turn.command_address),
        subject_tag=mailing_list.subject_tag,
        reply_to=_reply_to(mailing_list, post.author),
        reply_respect=keywords.reply_to.respect,
        send_closed=is_closed(mailing_list),
        approved_by=str(approver) if named else "",
        stamp=int(turn.now.timestamp()),
        author_key=post.author.key if post.author else "",
        authserv_ids=" ".join(turn.settings.trust.authserv_ids),
        top_text=words.text("TOP_BANNER"),
        bottom_text=words.text("BOTTOM_BANNER"),
        top_html=words.html("TOP_BANNER_HTML"),
        bottom_html=words.html("BOTTOM_BANNER_HTML"),
    )


def _reply_to(mailing_list: MailingList, author: Mailbox | None) -> str:
    wanted = mailing_list.keywords.reply_to
    targets: dict[ReplyToKind, tuple[Mailbox | None, ...]] = {
        ReplyToKind.NONE: (),
        ReplyToKind.LIST: (mailing_list.address,),
        ReplyToKind.SENDER: (author,),
        ReplyToKind.BOTH: (author, mailing_list.address),
        ReplyToKind.ADDRESS: (wanted.address,),
    }
    return ", ".join(str(one) for one in targets[wanted.kind] if one is not None)


def is_closed(mailing_list: MailingList) -> bool:
    """Whether subscribers may not post at all: `List-Post: NO` (RFC 2369 3.4)."""
    send = mailing_list.keywords.send
    named_only = {Access.OWNER, Access.POSTMASTER, Access.ADDRESS}
    return not send.editor and all(level.access in named_only for level in send.access)


def _acknowledge(
    turn: Turn, letter: Letter, post: Post, of_many: int | None, facts: ListFacts
) -> None:
    """Tell the author where he wants it; `of_many` is the id of a post to several lists.

    POSTACK1 goes to every author, where the owners have written one.
    """
    if turn.words(post.mailing_list).has_own("POSTACK1"):
        tell_author(turn, letter, post, "POSTACK1", {})
    if not post.options.ack:
        return
    count = turn.tx.subscribers.receivers(post.mailing_list.id, facts.topics)
    if of_many is not None:
        count += turn.tx.reach.receivers(of_many)
    tell_author(turn, letter, post, "POST_ACK", {"N": str(count)})


def mind_threshold(turn: Turn, mailing_list: MailingList) -> None:
    """Hold the list when the day's number is reached; FREE gives it as many again."""
    threshold = mailing_list.keywords.daily_threshold
    today = turn.tx.posts.count_today(mailing_list.id, turn.now)
    if today % threshold:
        return
    turn.tx.lists.hold(mailing_list, f"Daily-Threshold= {threshold} was reached")
    log.warning("list.held", list=mailing_list.name, posts=today)
    slots = known(turn, mailing_list) | {"COUNT": str(today)}
    for owner in heard_owners(mailing_list):
        turn.mail(owner, "LIST_HELD", slots, kind=Kind.NOTICE, mailing_list=mailing_list)
