"""Whole arrivals: mail in by intake, real store, what leaves and what is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import Stage

from listserv_py.lists.options import Options
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.people import People

LIST = "test-l@lists.example.org"
LISTSERV = "listserv@lists.example.org"
JOE, ANN, OLGA, MAX, EVE = (
    "joe@example.net",
    "ann@example.com",
    "olga@example.org",
    "max@example.org",
    "eve@example.com",
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def create(stage: Stage, *sets: str, subscribers: tuple[str, ...] = (JOE, ANN)) -> None:
    stage.create("TEST-L", {"set": list(sets), "subscribers": list(subscribers)})


def letter(
    author: str, text: str = "Good morning.", *, to: str = LIST, number: int = 1, more: str = ""
) -> bytes:
    return (
        f"From: {author}\r\nTo: {to}\r\nSubject: Hello {number}\r\n{more}"
        f"Message-ID: <{number}.{author}>\r\n\r\n{text}\r\n"
    ).encode()


def sent(stage: Stage) -> list[tuple[str, str]]:
    """(kind, first recipient) of what left since the last look."""
    found = []
    for mail in stage.outgoing():
        kind, _, rest = mail.decode("utf-8", "replace").partition("]")
        rcpt = re.search(r"RCPT TO:<(.*)>", rest)
        found.append((kind.strip("["), rcpt[1] if rcpt else ""))
    return found


def codes(stage: Stage) -> list[str]:
    return [f"C0DE{number:012X}" for number in range(1, stage.codes + 1)]


def say(stage: Stage, author: str, line: str, number: int = 900) -> None:
    stage.take(letter(author, line, to=LISTSERV, number=number))


def facts(stage: Stage) -> ListFacts:
    row = stage.db.execute(
        "SELECT facts FROM mailing WHERE kind = 'post' ORDER BY id DESC"
    ).fetchone()
    return decode(row[0])


def held(stage: Stage) -> list[str]:
    return [one.reason for one in stage.tx.spool.held()]


@pytest.mark.parametrize(
    ("keyword", "reply_to", "respect"),
    [
        ("None", "", True),
        ("List", LIST, True),
        ("List,Ignore", LIST, False),
        ("Sender", JOE, True),
        ("Both", f"{JOE}, {LIST}", True),
        (f'"{ANN}"', ANN, True),
    ],
)
def test_reply_to(stage: Stage, keyword: str, reply_to: str, respect: bool) -> None:
    create(stage, f"Reply-To= {keyword}")
    stage.take(letter(JOE))
    assert (facts(stage).reply_to, facts(stage).reply_respect) == (reply_to, respect)


@pytest.mark.parametrize(
    ("send", "closed"),
    [
        ("Public", False),
        ("Private", False),
        ("Private,Confirm", False),
        ("(OTHER-L)", False),
        ("Editor,Hold", False),
        ("Owner", True),
        (f"Owner,{MAX}", True),
    ],
)
def test_where_nobody_may_post_the_list_says_so(stage: Stage, send: str, closed: bool) -> None:
    create(stage, f"Send= {send}", "Moderator= olga@example.org")
    stage.take(letter(OLGA))
    if stage.codes:
        say(stage, OLGA, f"OK {codes(stage)[0]}")
    if send != "(OTHER-L)":
        assert facts(stage).send_closed is closed


def test_facts_are_frozen(stage: Stage) -> None:
    create(stage, "Subject-Tag= Trials")
    stage.take(letter("Joe <JOE@Example.NET>"))
    found = facts(stage)
    assert (found.listname, found.title, found.subject_tag) == ("TEST-L", "About TEST-L", "Trials")
    assert (found.author_key, found.approved_by) == (JOE, "")
    assert (found.command_address, found.stamp) == (LISTSERV, int(stage.now.timestamp()))


@pytest.mark.parametrize(("misc", "named"), [("", OLGA), ("SUPPRESS_APPROVED_BY", "")])
def test_who_approved_a_post(stage: Stage, misc: str, named: str) -> None:
    create(stage, "Send= Editor,Hold", f"Misc-Options= {misc}")
    stage.take(letter(JOE))
    assert sent(stage) == [("approval", OLGA), ("reply", JOE)]
    say(stage, OLGA, f"OK {codes(stage)[0]}")
    assert ("post", JOE) in sent(stage)
    assert facts(stage).approved_by == named


def test_another_lists_subscribers_may_post(stage: Stage) -> None:
    create(stage, "Send= Private,(OTHER-L)")
    stage.create("OTHER-L", {"subscribers": [EVE]})
    stage.take(letter(EVE))
    assert sent(stage) == [("post", JOE)]


def test_another_lists_owner_confirms_first(stage: Stage) -> None:
    create(stage, "Send= Owner(OTHER-L)")
    stage.create("OTHER-L", {"owners": [MAX]})
    stage.take(letter(MAX))
    assert sent(stage) == [("confirmation", MAX)]
    say(stage, MAX, f"OK {codes(stage)[0]}")
    assert ("post", JOE) in sent(stage)


def test_subscribers_who_are_editors(stage: Stage) -> None:
    create(stage, "Send= Editor,Hold", f"Editor= {OLGA},(TEST-L)")
    stage.take(letter(JOE))
    assert sent(stage) == [("post", JOE)]
    stage.take(letter(EVE))
    assert sent(stage) == [("approval", OLGA), ("reply", EVE)]


def test_a_stranger_confirms_then_a_moderator_approves(stage: Stage) -> None:
    create(stage, "Send= Editor,Hold,Confirm,Non-Member")
    stage.take(letter(EVE))
    assert (sent(stage), held(stage)) == ([("confirmation", EVE)], ["author"])
    say(stage, EVE, f"OK {codes(stage)[0]}")
    assert sent(stage) == [("reply", EVE), ("approval", OLGA), ("reply", EVE)]
    assert held(stage) == ["moderator"]
    say(stage, OLGA, f"OK {codes(stage)[1]}", number=901)
    assert ("post", JOE) in sent(stage)


def test_only_its_author_confirms_a_post(stage: Stage) -> None:
    create(stage, "Send= Owner")
    stage.take(letter(OLGA))
    sent(stage)
    say(stage, EVE, f"OK {codes(stage)[0]}")
    assert sent(stage) == [("reply", EVE)]
    assert held(stage) == ["author"]


def test_a_forged_owner_is_asked_three_times_at_most(stage: Stage) -> None:
    create(stage, "Send= Owner")
    for number in range(30):
        stage.take(letter(OLGA, f"Offer {number}", number=number))
    kinds = [kind for kind, _ in sent(stage)]
    assert kinds.count("confirmation") == 3
    assert len(kinds) <= 20


@pytest.mark.parametrize(
    "more",
    [
        "Auto-Submitted: auto-generated\r\n",
        "Precedence: bulk\r\n",
        "List-Id: <other.example.net>\r\n",
        "X-Auto-Response-Suppress: All\r\n",
    ],
)
def test_a_machine_is_refused_without_a_word(stage: Stage, more: str) -> None:
    create(stage, "Send= Private")
    stage.take(letter(EVE, more=more))
    assert sent(stage) == []


def test_a_machine_that_claims_to_be_an_owner_is_judged_by_a_moderator(stage: Stage) -> None:
    create(stage, "Send= Owner")
    stage.take(letter(OLGA, more="Auto-Submitted: auto-generated\r\n"))
    assert sent(stage) == [("approval", OLGA)]


def test_a_post_from_the_null_sender_waits_and_nobody_is_answered(stage: Stage) -> None:
    create(stage)
    stage.take(letter(JOE), {"rcpt": LIST, "reverse_path": ""})
    assert sent(stage) == [("approval", OLGA)]
    stage.take(letter(EVE, number=2), {"rcpt": LIST, "reverse_path": ""})
    assert sent(stage) == []


def test_a_machine_that_is_subscribed_may_post(stage: Stage) -> None:
    create(stage)
    stage.take(letter(JOE, more="Auto-Submitted: auto-generated\r\n"))
    assert sent(stage) == [("post", JOE)]


def test_mail_in_the_lists_own_name_goes_nowhere(stage: Stage) -> None:
    create(stage, "Send= Public")
    for number, author in enumerate([LIST, LISTSERV, f"owner-{LIST}"]):
        stage.take(letter(author, number=number))
    assert sent(stage) == []


def test_a_moderator_at_one_of_our_own_addresses_is_not_mailed(stage: Stage) -> None:
    create(stage, "Send= Editor,Hold", f"Moderator= {LIST}")
    stage.take(letter(JOE))
    assert sent(stage) == [("reply", JOE)]
    assert held(stage) == ["moderator"]


def test_a_stranger_and_a_member_without_nopost_read_the_same_refusal(stage: Stage) -> None:
    create(stage, "Send= Owner")
    stage.take(letter(JOE))
    stage.take(letter(EVE))
    first, second = (mail.decode() for mail in stage.outgoing())
    assert (
        first.replace(JOE, "X").partition("\r\n\r\nYour")[2]
        == (second.replace(EVE, "X").partition("\r\n\r\nYour")[2])
    )


def test_a_link_in_a_subject_is_not_repeated(stage: Stage) -> None:
    create(stage)
    raw = letter(EVE).replace(b"Hello 1", b"Win http://evil.example www.evil.example evil.example")
    stage.take(raw)
    assert b"evil" not in stage.outgoing()[0]


def test_the_threshold_counts_anew_after_free(stage: Stage) -> None:
    create(stage, "Daily-Threshold= 2")
    for number in range(5):
        stage.take(letter(JOE, f"Text {number}", number=number))
    assert [kind for kind, _ in sent(stage)] == ["post", "post", "notice"]
    assert held(stage) == ["free"] * 3
    say(stage, "admin@example.org", "FREE TEST-L")
    say(stage, "admin@example.org", f"OK {codes(stage)[0]}", number=901)
    kinds = [kind for kind, _ in sent(stage)]
    assert kinds.count("post") == 2
    assert kinds.count("notice") == 1
    assert held(stage) == ["free"]


def test_owners_have_no_daily_limit_once_they_are_proven(stage: Stage) -> None:
    create(stage, "Daily-Threshold= 50,1", subscribers=(OLGA,))
    stage.take(letter(OLGA, "One", number=1))
    stage.take(letter(OLGA, "Two", number=2))
    assert sent(stage) == [("post", OLGA), ("confirmation", OLGA)]
    say(stage, OLGA, f"OK {codes(stage)[0]}")
    assert ("post", OLGA) in sent(stage)


def test_an_approved_repeat_goes_out_once(stage: Stage) -> None:
    create(stage, "Send= Editor,Hold")
    stage.take(letter(JOE, "The same", number=1))
    stage.take(letter(JOE, "The same", number=1).replace(b"<1.", b"<2."))
    sent(stage)
    for number, code in enumerate(codes(stage)):
        say(stage, OLGA, f"OK {code}", number=900 + number)
    assert [kind for kind, _ in sent(stage)].count("post") == 1


@pytest.mark.parametrize(
    ("ack", "options", "author", "told"),
    [
        ("No", "ACK", JOE, True),
        ("Yes", "NOACK", JOE, False),
        ("No", "", JOE, False),
        ("Yes", "", EVE, True),
        ("No", "", EVE, False),
    ],
)
def test_who_is_told_that_his_post_went_out(
    stage: Stage, ack: str, options: str, author: str, told: bool
) -> None:
    create(stage, f"Ack= {ack}", "Send= Public", subscribers=(f"{JOE} | Joe | {options}",))
    stage.take(letter(author))
    assert (("reply", author) in sent(stage)) is told


def test_default_options_govern_strangers(stage: Stage) -> None:
    create(stage, "Send= Public", "Default-Options= REVIEW", subscribers=(f"{JOE} | | NOREVIEW",))
    stage.take(letter(JOE))
    stage.take(letter(EVE))
    assert sent(stage) == [("post", JOE), ("approval", OLGA), ("reply", EVE)]


def test_an_expired_request_to_an_author_says_nothing_more(stage: Stage) -> None:
    create(stage, "Send= Owner", "Confirm-Delay= 1")
    stage.take(letter(OLGA))
    assert b"13:00 UTC" in stage.outgoing()[0]
    stage.now = stage.now.replace(hour=13)
    stage.run_timers()
    assert (sent(stage), held(stage)) == ([], [])


def test_a_subscriber_with_the_editor_option_confirms(stage: Stage) -> None:
    create(stage, "Send= Editor,Hold")
    mine = stage.tx.subscribers.find(1, parse_mailbox(JOE))
    assert mine is not None
    stage.tx.subscribers.remove(mine)
    stage.tx.subscribers.add(1, parse_mailbox(JOE), "", Options(editor=True), stage.now)
    stage.take(letter(JOE))
    assert sent(stage) == [("confirmation", JOE)]


@pytest.fixture(scope="module")
def moderated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("moderated"))
    create(made, "Send= Editor,Hold,Confirm,Non-Member")
    yield made
    made.close()


HEADS = st.lists(
    st.sampled_from(
        [
            b"From: joe@example.net\r\n",
            b"From: olga@example.org\r\n",
            b"From: =?utf-8?q?x=0D=0ABcc:_y@z.org?= <eve@example.com>\r\n",
            b"Subject: =?utf-8?q?a=0D=0ABcc:_y@z.org?=\r\n",
            b"Date: \xff\xfe\r\n",
            b"Content-Type: multipart/mixed; boundary=x\r\n",
            b"Content-Type: text/plain; charset=nonsense\r\n",
            b"Message-ID: <1@x.org>\r\n",
            b"Message-ID: \r\n",
            b"no colon\r\n",
        ]
    ),
    max_size=6,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(HEADS, st.binary(max_size=200))
def test_no_mail_breaks_the_room(moderated: Stage, head: list[bytes], body: bytes) -> None:
    told = {"rcpt": LIST, "reverse_path": EVE}
    moderated.take(b"".join(head) + b"\r\n" + body + b"\r\n", told)
    for mail in moderated.outgoing():
        assert b"\r\nBcc:" not in mail.partition(b"\r\n\r\n")[2].partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        ("Sun, 22 Nov 2026 13:00:00 +0100 (CET)", "Sun, 22 Nov 2026 13:00:00 +0100"),
        ("22 Nov 26 13:00 GMT", "22 Nov 26 13:00 GMT"),
        ("Visit http://shop.example now", "22 Nov 2026, 12:00 UTC"),
        ("Sun, 22 Nov 2026 13:00:00 shop.example", "Sun, 22 Nov 2026 13:00:00"),
        ("22 Nov 2026 13:00:00 +0100.shop.example", "22 Nov 2026 13:00:00 +0100"),
        ("", "22 Nov 2026, 12:00 UTC"),
    ],
)
def test_an_answer_repeats_of_a_date_nothing_else(stage: Stage, date: str, shown: str) -> None:
    """It goes to whom a From line names, who is perhaps the one to be advertised to."""
    create(stage, "Send= Private")
    stage.take(letter(EVE, more=f"Date: {date}\r\n"))
    (answer,) = stage.outgoing()
    assert f"    Date:     {shown}\r\n".encode() in answer
    assert b"shop" not in answer


def test_whose_address_ends_in_an_erased_one_keeps_his_post(stage: Stage) -> None:
    create(stage, "Send= Public", "Reply-To= Sender")
    stage.take(letter(f"marie.{JOE}"))
    People(stage.tx).erase(parse_mailbox(JOE))
    assert facts(stage).reply_to == facts(stage).author_key == f"marie.{JOE}"


def test_whose_address_ends_in_an_erased_one_is_answered_all_the_same(stage: Stage) -> None:
    create(stage, "Send= Public")
    say(stage, f"marie.{JOE}", "THANKS")
    say(stage, JOE, "THANKS", 901)
    People(stage.tx).erase(parse_mailbox(JOE))
    assert sent(stage) == [("reply", f"marie.{JOE}")]


def test_a_late_answer_hears_that_the_time_was_over(stage: Stage) -> None:
    create(stage, "Send= Editor,Hold", "Language= German")
    stage.take(letter(EVE))
    stage.now += timedelta(days=7)
    stage.run_timers()
    stage.now += timedelta(days=6)
    stage.run_timers()
    stage.outgoing()
    say(stage, OLGA, f"OK {codes(stage)[0]}")
    assert "seine Zeit um war" in stage.outgoing()[0].decode()


def test_a_quiet_list_does_not_always_ask_the_first_moderator(stage: Stage) -> None:
    create(stage, "Send= Editor,Hold", f"Moderator= {OLGA},{MAX},{ANN}")
    asked = set()
    for number in range(1, 5):
        stage.take(letter(EVE, number=number))
        asked.add(next(one for kind, one in sent(stage) if kind == "approval"))
        for _ in range(2):
            stage.now += timedelta(days=20)
            stage.run_timers()
        stage.outgoing()
    assert asked == {OLGA, MAX, ANN}


def test_of_a_new_name_nobody_hears_whose_post_is_refused(stage: Stage) -> None:
    create(stage, "New-List= NEXT-L")
    stage.create("NEXT-L", {"set": ["Send= Private"]})
    stage.take(letter(EVE))
    [refusal] = stage.outgoing()
    assert b"Subject: Your message to NEXT-L was not sent out" in refusal
