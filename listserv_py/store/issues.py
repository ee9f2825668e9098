"""Issues of digests: closed when they are due, and what people collect at hours of their own.

Here and not with posts, because SET closes some as well: who stops collecting gets what he has not
had. Whatever it is, its number, its posts and its mailing are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from listserv_py.lists.digests import begin_of, next_day, next_issue, next_own
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import Mode, Options
from listserv_py.mail.issue import Bundle, Entry
from listserv_py.mail.listheaders import ListFacts
from listserv_py.maillog import get_logger
from listserv_py.store.changelog import Verb
from listserv_py.store.digests import Clock, Own
from listserv_py.store.owntimes import read_at
from listserv_py.store.turn import Turn

log = get_logger("digests")

LISTS_AT_ONCE = 5
PEOPLE_AT_ONCE = 5000
"""A mailing for each turn and cut; so many people take a quarter of a second."""
OCTETS_MAX = 25_000_000
"""What waits for one issue; more make an extra one, whatever `Size()` says."""


def run(turn: Turn) -> bool:
    """Close what is due; True when something is left for another turn."""
    due = turn.tx.digests.due(turn.now, LISTS_AT_ONCE)
    for clock in due:
        _by_clock(turn, clock)
    people = turn.tx.digests.own_due(turn.now, PEOPLE_AT_ONCE)
    _serve(turn, people)
    return len(due) == LISTS_AT_ONCE or len(people) == PEOPLE_AT_ONCE


def _by_clock(turn: Turn, clock: Clock) -> None:
    mailing_list = turn.tx.lists.by_id(clock.list_id)
    if mailing_list is None:
        return
    rule, zone, now = mailing_list.keywords.digest, turn.settings.site.timezone, turn.now
    since = min(clock.since, now)
    if rule is None:  # what was collected before the owner said so goes out all the same
        close(turn, mailing_list)
        turn.tx.digests.set_clock(clock.list_id, now, None)
        return
    due = next_issue(rule, zone, since)
    if due <= now:
        close(turn, mailing_list)
        since, due = now, next_issue(rule, zone, now)
    turn.tx.digests.set_clock(clock.list_id, since, due)


def close(turn: Turn, mailing_list: MailingList) -> None:
    """Put all that waits into a new issue, and that into the outbox."""
    digests = turn.tx.digests
    entries = digests.open_posts(mailing_list.id)
    if not entries:
        return
    volume = turn.now.astimezone(ZoneInfo(turn.settings.site.timezone)).year
    number = digests.close(mailing_list.id, volume, turn.now)
    mailing_id = _send(turn, mailing_list, entries, issue=f"{volume}-{number}")
    digests.went_as(mailing_list.id, mailing_id)
    log.info(
        "digest.closed", list=mailing_list.name, issue=f"{volume}-{number}", posts=len(entries),
        mailing=mailing_id,
    )  # fmt: skip


# People's own hours.


@dataclass(frozen=True, slots=True)
class _Cut:
    """What several people get who have had the same; `index`: as an index, whatever they have."""

    list_id: int
    seen: int
    most: int = 0
    unwanted: int = 0
    until: int | None = None
    index: bool = False


def _serve(turn: Turn, people: Sequence[Own]) -> None:
    """Give those whose time has come what they have not had, and work out their next time."""
    cuts: dict[_Cut, list[int]] = {}
    for own in people:
        options = Options.decode(own.options)
        if own.until and _is_over(turn, own.until):
            _comes_back(turn, own)
            continue
        if not options.mail:
            turn.tx.digests.served([own.subscriber_id], turn.tx.digests.last_id(own.list_id), None)
        elif _is_due(turn, own, options):
            most = own.most if options.mode is Mode.NONE else 0
            cut = _Cut(own.list_id, own.seen, most, options.no_topics)
            cuts.setdefault(cut, []).append(own.subscriber_id)
    for cut, readers in cuts.items():
        _send_cut(turn, cut, readers, unfinished=False)
    for own in people:
        set_next(turn, own.subscriber_id)


def _is_due(turn: Turn, own: Own, options: Options) -> bool:
    """Whether that time has come for which he is looked at; he may have several."""
    if not own.next_at:
        return False
    zone, last = turn.settings.site.timezone, turn.now
    before = datetime.fromtimestamp(own.next_at - 1, turn.now.tzinfo)
    hour = read_at(own.at)
    if options.mode is not Mode.NONE:
        return hour is not None and next_own(hour, zone, before) <= last
    return bool(own.most) and next_day(zone, before) <= last


def set_next(turn: Turn, subscriber_id: int) -> None:
    """Work out when somebody's own time comes next; nothing for those who have none."""
    own = turn.tx.digests.own_of(subscriber_id)
    if own is None:
        return
    zone, hour = turn.settings.site.timezone, read_at(own.at)
    times = [begin_of(date.fromisoformat(own.until), zone)] if own.until else []
    times += [next_own(hour, zone, turn.now)] if hour else []
    times += [next_day(zone, turn.now)] if own.most else []
    turn.tx.digests.served([subscriber_id], own.seen, min(times))


def _is_over(turn: Turn, until: str) -> bool:
    return begin_of(date.fromisoformat(until), turn.settings.site.timezone) <= turn.now


def _comes_back(turn: Turn, own: Own) -> None:
    """NOMAIL UNTIL is over."""
    found = turn.tx.subscribers.by_id(own.subscriber_id)
    mailing_list = turn.tx.lists.by_id(own.list_id)
    if found is None or mailing_list is None:
        return
    options = replace(found.options, mail=True, until=None)
    turn.tx.digests.served([found.id], turn.tx.digests.last_id(own.list_id), None)
    turn.tx.subscribers.save(replace(found, options=options))
    turn.tx.changelog.note(mailing_list, Verb.SET, found.mailbox, "MAIL", turn.now)


# Those who stop collecting.


def leave(
    turn: Turn, mailing_list: MailingList, changes: Iterable[tuple[Subscription, Options]]
) -> None:
    """Give those who are about to have other options what they have collected and not had.

    Called before the options are stored. NOMAIL stops at once, without the day's digest.
    """
    cuts: dict[_Cut, list[int]] = {}
    had, singles = list[int](), list[int]()
    digests = turn.tx.digests
    for one, after in changes:
        before = one.options
        if before == after or not (before.mail and after.mail):
            continue
        if before.mode is not Mode.NONE and before.at is None and after.mode is Mode.NONE:
            turn.tx.outbox.add_reader(mailing_list.id, one.id, turn.now)
        if _is_single(before) and after.mode is not Mode.NONE:
            singles.append(one.id)
        elif (own := digests.own_of(one.id)) and after.mode is not Mode.NONE and after.at is None:
            digests.have_had(mailing_list.id, [one.id], own.seen)
        cut = _cut_of(turn, mailing_list, one, after)
        if cut is not None:
            cuts.setdefault(cut, []).append(one.id)
    for cut, readers in cuts.items():
        _send_cut(turn, cut, readers, unfinished=True)
        if cut.until is None:
            digests.served(readers, digests.last_id(mailing_list.id), None)
            had += readers
    digests.have_had_singles(mailing_list.id, singles)
    if had:
        digests.have_had(mailing_list.id, had, digests.last_id(mailing_list.id))


def _is_single(options: Options) -> bool:
    """Whether every post has come to him by itself."""
    return options.mode is Mode.NONE and not options.max_a_day


def _cut_of(
    turn: Turn, mailing_list: MailingList, one: Subscription, after: Options
) -> _Cut | None:
    """What he has collected and will not get any more when he has other options."""
    before, digests = one.options, turn.tx.digests
    index = before.mode is Mode.INDEX
    by_list = after.mode is not Mode.NONE and after.at is None
    if before.mode is not Mode.NONE and before.at is None:
        start = max(digests.before_open(mailing_list.id), digests.had(mailing_list.id, one.id))
        return None if after.mode is not Mode.NONE else _Cut(mailing_list.id, start, index=index)
    own = digests.own_of(one.id)
    if own is None:
        return None
    until = digests.before_open(mailing_list.id) if by_list else None
    if before.mode is not Mode.NONE:
        if after.mode is not Mode.NONE and after.at is not None:
            return None
        return _Cut(mailing_list.id, own.seen, 0, before.no_topics, until, index)
    if before.max_a_day and (after.mode is not Mode.NONE or after.max_a_day != before.max_a_day):
        return _Cut(mailing_list.id, own.seen, before.max_a_day, before.no_topics, until)
    return None


# What goes out.


def _send_cut(turn: Turn, cut: _Cut, people: Sequence[int], *, unfinished: bool) -> None:
    digests = turn.tx.digests
    mailing_list = turn.tx.lists.by_id(cut.list_id)
    last = digests.last_id(cut.list_id)
    until = last if cut.until is None else cut.until
    entries = digests.posts_after(cut.list_id, cut.seen, until, cut.most, cut.unwanted)
    if mailing_list is not None and entries:
        _send(turn, mailing_list, entries, people=people, unfinished=unfinished, index=cut.index)
        if unfinished:
            digests.came_unfinished(cut.list_id, entries, people)
    if not unfinished:
        digests.served(people, last, None)


def _send(  # noqa: PLR0913 - all but three by name
    turn: Turn,
    mailing_list: MailingList,
    entries: Sequence[Entry],
    *,
    issue: str = "",
    people: Sequence[int] | None = None,
    unfinished: bool = False,
    index: bool = False,
) -> int:
    token = turn.new_token()
    bundle = Bundle(
        token=token,
        stamp=int(turn.now.timestamp()),
        zone=turn.settings.site.timezone,
        words=_words(turn, mailing_list, entries, issue, unfinished=unfinished),
        entries=entries,
    )
    facts = _facts(turn, mailing_list, entries[-1].facts, index=index)
    made = turn.tx.outbox.collect(mailing_list.id, bundle.encode(), facts, turn.now, people)
    turn.tx.outbox.call(made, token)
    turn.tx.digests.holds(made, mailing_list.id, entries)
    return made


def _facts(turn: Turn, mailing_list: MailingList, last: ListFacts, *, index: bool) -> ListFacts:
    """What the newest post says of the list, without what it says of itself."""
    rule = mailing_list.keywords.digest
    banner_once = rule is not None and rule.bottom_banner
    return ListFacts(
        listname=mailing_list.name,
        title=mailing_list.title,
        domain=last.domain,
        command_address=last.command_address,
        send_closed=last.send_closed,
        archive_url=last.archive_url,
        stamp=int(turn.now.timestamp()),
        signed=last.signed,
        rfc2369=last.rfc2369,
        verp=last.verp,
        sender=last.sender,
        authserv_ids=last.authserv_ids,
        text_only=last.text_only,
        bottom_text=last.bottom_text if banner_once else "",
        bottom_html=last.bottom_html if banner_once else "",
        one_click=last.one_click,
        collected="index" if index else "issue",
    )


def _words(
    turn: Turn, mailing_list: MailingList, entries: Sequence[Entry], issue: str, *, unfinished: bool
) -> dict[str, str]:
    zone = ZoneInfo(turn.settings.site.timezone)
    days = [datetime.fromtimestamp(one.at, zone) for one in (entries[0], entries[-1])]
    said = [f"{day.day} {day:%b %Y}" for day in days]
    slots = {
        "LISTNAME": mailing_list.name,
        "COUNT": str(len(entries)),
        "LINES": str(sum(one.lines for one in entries)),
        "FROM": said[0],
        "TO": said[1],
        "ISSUE": issue,
        "UNFINISHED": "1" if unfinished else "",
        "MYADDRESS": str(turn.command_address),
    }
    words = turn.words(mailing_list)
    digest, index = words.fill("DIGEST", slots), words.fill("INDEX_MAIL", slots)
    return {
        "subject": digest.subject,
        "intro": digest.body,
        "index_subject": index.subject,
        "index_intro": index.body,
        "index_how": words.fill("INDEX_HOW", slots).body,
        "end": words.fill("DIGEST_END", slots | {"SUBJECT": digest.subject}).body,
        "attached": words.fill("DIGEST_ATTACHED", slots | {"PART": "\x00"}).body,
    }
