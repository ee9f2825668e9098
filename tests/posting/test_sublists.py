"""`Sub-lists=`: whom a post to a super-list reaches, and through which list."""

from __future__ import annotations

from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.delivery import plan
from listserv_py.mail.listheaders import decode, list_fields
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.people import People
from listserv_py.store.sublists import LISTS_MAX, reached

PAGE = 2


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def mail(to: str, sender: str = "ann@example.org", number: int = 1, **more: str) -> bytes:
    fields = {"From": sender, "To": f"{to.lower()}@lists.example.org", "Subject": "News: hello"}
    fields |= {"Message-ID": f"<{number}@example.org>"} | more
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{head}\r\nText number {number % 100}.\r\n".encode()


def copies(stage: Stage) -> list[tuple[str, str]]:
    """Who gets a copy of what waits, and through which list, read page by page."""
    found = []
    for mailing in stage.tx.sending.running():
        facts, after = decode(mailing.facts), 0
        while page := stage.tx.sending.page(mailing, after, PAGE):
            after = page[-1].subscriber_id
            planned = plan.page(page, facts, lambda _: b"owner@lists.example.org", lambda *_: b"")
            found += [(facts.listname, one.rcpt.partition("@")[0]) for one in planned]
    return sorted(found)


def create(stage: Stage, name: str, *people: str, sets: tuple[str, ...] = ()) -> None:
    public = () if any(one.startswith("Send=") for one in sets) else ("Send= Public",)
    stage.create(name, {"set": [*public, *sets], "subscribers": [*people]})


def test_each_person_gets_one_copy_through_the_first_list_that_has_him(stage: Stage) -> None:
    create(stage, "ALL-L", "a@x.org", "b@x.org", sets=("Sub-lists= ONE-L,TWO-L",))
    create(stage, "ONE-L", "B@X.org", "c@x.org", "d@x.org")
    create(stage, "TWO-L", "d@x.org", "e@x.org", "a@x.org", sets=("Sub-lists= DEEP-L",))
    create(stage, "DEEP-L", "e@x.org", "f@x.org", "c@x.org")
    stage.take(mail("ALL-L"))
    assert copies(stage) == [
        ("ALL-L", "a"),
        ("ALL-L", "b"),
        ("DEEP-L", "f"),
        ("ONE-L", "c"),
        ("ONE-L", "d"),
        ("TWO-L", "e"),
    ]
    contents = stage.db.execute("SELECT count(*) FROM content").fetchone()
    assert contents == (1,)


def test_lists_that_name_each_other_are_reached_once(stage: Stage) -> None:
    create(stage, "A-L", "a@x.org", sets=("Sub-lists= B-L,A-L,NONE-L",))
    create(stage, "B-L", "b@x.org", sets=("Sub-lists= C-L",))
    create(stage, "C-L", "c@x.org", sets=("Sub-lists= A-L,B-L",))
    assert [one.name for one in reached(stage.tx, stage.tx.lists.get("A-L"))] == ["B-L", "C-L"]
    stage.take(mail("C-L"))
    assert copies(stage) == [("A-L", "a"), ("B-L", "b"), ("C-L", "c")]


def test_no_more_lists_are_reached_than_there_may_be(stage: Stage) -> None:
    names = [f"L{n}-L" for n in range(LISTS_MAX + 5)]
    for name, after in zip(names, [*names[1:], names[0]], strict=True):
        create(stage, name, sets=(f"Sub-lists= {after}",))
    assert len(reached(stage.tx, stage.tx.lists.get(names[0]))) == LISTS_MAX


def test_the_options_of_each_list_hold(stage: Stage) -> None:
    create(
        stage, "ALL-L", "mute@x.org || NOMAIL", "own@x.org || NOREPRO",
        sets=("Sub-lists= ONE-L,TWO-L", "Topics= Jobs,News"),
    )  # fmt: skip
    create(
        stage, "ONE-L", "mute@x.org", "no@x.org || NOMAIL", "both@x.org || NOMAIL",
        "topic@x.org || TOPICS: Other", "jobs@x.org || TOPICS: News", "dig@x.org || DIGEST",
        sets=("Topics= News",),
    )  # fmt: skip
    create(stage, "TWO-L", "both@x.org", "own@x.org", "topic@x.org")
    stage.take(mail("ALL-L", "own@x.org"))
    assert copies(stage) == [("ONE-L", "jobs"), ("TWO-L", "both"), ("TWO-L", "topic")]


def test_a_copy_names_the_list_of_its_reader_and_answers_go_to_the_super_list(stage: Stage) -> None:
    create(stage, "ALL-L", sets=("Sub-lists= ONE-L", "Reply-To= List", "Subject-Tag= All"))
    create(stage, "ONE-L", "a@x.org", sets=("Reply-To= Sender",))
    stage.take(mail("ALL-L"))
    (mailing,) = stage.tx.sending.running()
    facts = decode(mailing.facts)
    fields = dict(list_fields(facts))
    assert fields["Sender"] == "owner-one-l@lists.example.org"
    assert fields["List-Id"] == "About ONE-L <one-l.lists.example.org>"
    assert fields["List-Unsubscribe"] == "<mailto:one-l-unsubscribe-request@lists.example.org>"
    assert fields["List-Post"] == "<mailto:all-l@lists.example.org>"
    assert (facts.reply_to, facts.subject_tag) == ("all-l@lists.example.org", "All")
    assert stage.tx.sending.content(mailing.id) is not None


@pytest.mark.parametrize("first", ["ONE-L", "ALL-L"])
def test_a_mail_to_the_super_list_and_a_sub_list_comes_once(stage: Stage, first: str) -> None:
    create(stage, "ALL-L", "a@x.org", sets=("Sub-lists= ONE-L",))
    create(stage, "ONE-L", "b@x.org")
    other = {"ONE-L": "ALL-L", "ALL-L": "ONE-L"}[first]
    stage.take(mail(first))
    stage.take(mail(other))
    assert [name for _, name in copies(stage)] == ["a", "b"]


def test_a_copy_that_a_sub_lists_reader_sends_back_goes_nowhere(stage: Stage) -> None:
    create(stage, "ALL-L", "a@x.org", sets=("Sub-lists= ONE-L", "Misc-Options= NEW_MESSAGE_ID"))
    create(stage, "ONE-L", "b@x.org", sets=("Misc-Options= NO_RFC2369",))
    stage.take(mail("ALL-L"))
    before = copies(stage)
    for to in ("ALL-L", "ONE-L"):
        for mailing in stage.tx.sending.running():
            fields = dict(list_fields(decode(mailing.facts)))
            kept = {name: fields[name] for name in ("List-Id", "List-Post") if name in fields}
            loops = [v for n, v in list_fields(decode(mailing.facts)) if n == "X-Loop"]
            stage.take(mail(to, number=101, **kept, **{"X-Loop": ", ".join(loops) or "no"}))
    assert copies(stage) == before


def test_readers_of_a_sub_list_post_as_subscribers(stage: Stage) -> None:
    create(stage, "ALL-L", "a@x.org", sets=("Sub-lists= ONE-L", "Send= Private"))
    create(stage, "ONE-L", "b@x.org", "mute@x.org || NOPOST", "ed@x.org || EDITOR")
    stage.take(mail("ALL-L", "b@x.org", 1))
    stage.take(mail("ALL-L", "stranger@x.org", 2))
    stage.take(mail("ALL-L", "mute@x.org", 3))
    posts = {row[0] for row in stage.db.execute("SELECT post_id FROM reach")}
    assert len(posts) == 1
    stage.take(mail("ONE-L", "b@x.org", 4))
    assert len(copies(stage)) == 4 + 3


def test_an_editor_of_a_sub_list_is_none_of_the_super_list(stage: Stage) -> None:
    create(stage, "ALL-L", "a@x.org", sets=("Sub-lists= ONE-L", "Send= Editor,Hold"))
    create(stage, "ONE-L", "ed@x.org || EDITOR")
    stage.take(mail("ALL-L", "ed@x.org"))
    assert copies(stage) == []
    assert len(stage.tx.spool.held(stage.tx.lists.get("ALL-L").id)) == 1


def test_the_author_is_told_how_many_people_it_reached(stage: Stage) -> None:
    create(stage, "ALL-L", "a@x.org || ACK", "b@x.org", sets=("Sub-lists= ONE-L,TWO-L",))
    create(stage, "ONE-L", "b@x.org", "c@x.org")
    create(stage, "TWO-L", "c@x.org", "d@x.org", "n@x.org || NOMAIL")
    stage.take(mail("ALL-L", "a@x.org"))
    told = next(one for one in stage.outgoing() if b"POST_ACK" in one or b"recipients" in one)
    assert b"(4 recipients)" in told


def test_review_rcpt_counts_whom_a_post_reaches(stage: Stage) -> None:
    create(stage, "ALL-L", "a@x.org", "n@x.org || NOMAIL", sets=("Sub-lists= ONE-L,TWO-L",))
    create(stage, "ONE-L", "a@x.org", "b@x.org", "n@x.org")
    create(stage, "TWO-L", "b@x.org", "c@x.org", "d@x.org", sets=("Owner= mia@example.org",))
    olga = parse_mailbox("olga@example.org")
    said = " ".join(run_job(stage.turn(), olga, "REVIEW ALL-L (RCPT NOHEADER")[0].split())
    assert "a mail of its own: 1" in said
    assert "ONE-L 1 TWO-L 2 In all: 4" in said
    assert "c@x.org" not in said


def test_whoever_joins_later_gets_nothing_and_takes_nobody_elses_copy(stage: Stage) -> None:
    create(stage, "ALL-L", sets=("Sub-lists= ONE-L,TWO-L",))
    create(stage, "ONE-L", "a@x.org")
    create(stage, "TWO-L", "b@x.org")
    stage.take(mail("ALL-L"))
    one = stage.tx.lists.get("ONE-L")
    for person in ("b", "c"):
        subscription = stage.tx.subscribers.by_id(1)
        assert subscription is not None
        mailbox = type(subscription.mailbox)(person, "x.org")
        stage.tx.subscribers.add(one.id, mailbox, "", subscription.options, stage.now)
    assert copies(stage) == [("ONE-L", "a"), ("TWO-L", "b")]


def test_the_content_goes_with_the_last_of_the_lists(stage: Stage) -> None:
    create(stage, "ALL-L", "a@x.org", sets=("Sub-lists= ONE-L",))
    create(stage, "ONE-L", "b@x.org")
    stage.take(mail("ALL-L"))
    first, second = stage.tx.sending.running()
    stage.tx.sending.reached_all(first.id)
    assert stage.tx.sending.content(second.id) is not None
    assert stage.tx.outbox.show(second.id) is not None
    assert stage.tx.outbox.drop(second.id)
    assert stage.db.execute("SELECT count(*) FROM content").fetchone() == (0,)


def test_an_erased_authors_post_goes_from_all_lists(stage: Stage) -> None:
    create(stage, "ALL-L", sets=("Sub-lists= ONE-L",))
    create(stage, "ONE-L", "b@x.org")
    stage.take(mail("ALL-L", "gone@x.org"))
    stage.take(mail("ALL-L", "b@x.org", 2, Subject="of gone@x.org"))
    waits = stage.tx.sending.running()[0]
    stage.db.execute(
        "INSERT INTO copy (mailing_id, subscriber_id, rcpt, domain, urgent, next_at)"
        " VALUES (?, 1, 'b@x.org', 'x.org', 0, 0)",
        (waits.id,),
    )
    found = People(stage.tx).stored_about(parse_mailbox("b@x.org"))
    assert "<1@example.org>" in str(found)
    People(stage.tx).erase(parse_mailbox("gone@x.org"))
    posts = stage.db.execute("SELECT count(*) FROM mailing WHERE kind = 'post'").fetchone()
    assert posts == (2,)
    assert [decode(one.facts).author_key for one in stage.tx.sending.running()] == ["b@x.org"]
