"""Many who answer everybody "please remove me" stop a list; a lively thread does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read
from listserv_py.posting.storm import SHORT, sign_of

PEOPLE = [f"p{number}@example.net" for number in range(30)]
PLEA = "Please remove me from this list!"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    told = {"set": ["Moderator= mona@example.org"], "subscribers": PEOPLE}
    made.create("TEST-L", told)
    yield made
    made.close()


def post(
    stage: Stage, sender: str, text: str, subject: str = "Re: Lunch", more: str = ""
) -> list[bytes]:
    stage.now += timedelta(minutes=1)
    raw = (
        f"From: {sender}\r\nTo: test-l@lists.example.org\r\nSubject: {subject}\r\n{more}"
        f"Message-ID: <{stage.now.timestamp()}.{sender}>\r\n\r\n{text}\r\n\r\n"
        "On Monday, Olga wrote:\r\n> unsubscribe\r\n"
    )
    stage.take(raw.encode())
    return stage.outgoing()


def kinds(mails: list[bytes]) -> list[str]:
    """The kind and first recipient of each, or its subject."""
    found = []
    for mail in mails:
        subject = re.findall(rb"^Subject: (.*)\r$", mail, re.M)[0].decode()
        kind = mail[1 : mail.index(b"]")].decode()
        found.append(kind if kind == "post" else f"{kind}: {subject}")
    return found


def held(stage: Stage) -> str:
    return stage.tx.lists.get("TEST-L").held or ""


def storm(stage: Stage) -> list[bytes]:
    """Five people, three of whom want out."""
    mails = []
    for number, text in enumerate(["Me too", PLEA, "What is this?", PLEA, PLEA]):
        mails += post(stage, PEOPLE[number], text)
    return mails


def test_a_storm_stops_the_list(stage: Stage) -> None:
    mails = storm(stage)
    assert held(stage)
    assert kinds(mails).count("post") == 4, "the last is not sent out"
    told = [one for one in mails if b"because of a storm" in one]
    assert {re.findall(rb"RCPT TO:<(.*)>", one)[0] for one in told} == {
        b"olga@example.org",
        b"mona@example.org",
    }


def test_who_asks_is_told_the_way_out_once(stage: Stage) -> None:
    mails = storm(stage) + post(stage, PEOPLE[1], PLEA) + post(stage, PEOPLE[7], PLEA)
    told = [one for one in mails if b"How to leave" in one]
    people = [re.findall(rb"RCPT TO:<(.*)>", one)[0].decode() for one in told]
    assert people == [PEOPLE[1], PEOPLE[3], PEOPLE[4], PEOPLE[7]]
    away = post(stage, PEOPLE[9], "Back on Monday", "Automatic reply: Lunch")
    assert "How to leave" not in str(away), "a machine is not answered"


def test_after_free_the_pleas_go_to_nobody(stage: Stage) -> None:
    storm(stage)
    post(stage, PEOPLE[8], PLEA)
    post(stage, PEOPLE[9], "To the point: the lunch is at noon.")
    stage.now += timedelta(days=3)
    stage.run_timers()
    free = (
        "From: olga@example.org\r\nTo: listserv@lists.example.org\r\nMessage-ID: <f@x>\r\n"
        "Subject: \r\n\r\nFREE TEST-L\r\n"
    )
    stage.take(free.encode())
    ok = re.search(rb"\(([0-9A-F]{16})\)", stage.outgoing()[0])
    assert ok is not None
    stage.take(
        free.replace("<f@x>", "<g@x>").replace("FREE TEST-L", f"OK {ok[1].decode()}").encode()
    )
    mails = stage.outgoing()
    assert not held(stage)
    assert [one for one in mails if b"[post]" in one and b"at noon" in one]
    assert not [one for one in mails if b"[post]" in one and b"remove me" in one]
    assert "post" not in kinds(post(stage, PEOPLE[12], PLEA))
    stage.now += timedelta(hours=23)
    assert "post" not in kinds(post(stage, PEOPLE[12], PLEA)), "a day from FREE on"
    stage.now += timedelta(days=2)
    assert "post" in kinds(post(stage, PEOPLE[13], PLEA))


def mailed(stage: Stage, sender: str, line: str) -> list[bytes]:
    stage.now += timedelta(minutes=1)
    raw = f"From: {sender}\r\nMessage-ID: <{stage.now.timestamp()}@x>\r\n\r\n{line}\r\n"
    stage.take(raw.encode(), {"rcpt": "listserv@lists.example.org", "reverse_path": sender})
    return stage.outgoing()


def test_a_moderator_ends_a_storm_and_no_other_hold(stage: Stage) -> None:
    storm(stage)
    assert b"(" not in mailed(stage, PEOPLE[1], "FREE TEST-L")[0].split(b"Subject:")[1][:60]
    (asked,) = mailed(stage, "mona@example.org", "FREE TEST-L")
    code = re.search(rb"\(([0-9A-F]{16})\)", asked)
    assert code is not None
    assert held(stage), "a From line ends nothing"
    mailed(stage, "mona@example.org", f"OK {code[1].decode()}")
    assert not held(stage)
    stage.tx.lists.hold(stage.tx.lists.get("TEST-L"), "Olga wants it so")
    (refused,) = mailed(stage, "mona@example.org", "FREE TEST-L")
    assert re.search(rb"\(([0-9A-F]{16})\)", refused) is None


def test_a_lively_thread_is_no_storm(stage: Stage) -> None:
    for number, one in enumerate(PEOPLE):
        assert "post" in kinds(post(stage, one, f"Congratulations! {number}"))
    assert not held(stage)


def test_two_who_want_out_are_no_storm(stage: Stage) -> None:
    for number, one in enumerate(PEOPLE[:20]):
        post(stage, one, PLEA if number < 2 else "Me too")
    assert not held(stage)


def test_one_person_who_asks_again_and_again_is_no_storm(stage: Stage) -> None:
    for number in range(10):
        post(stage, PEOPLE[0], f"{PLEA} {number}")
    for one in PEOPLE[1:10]:
        post(stage, one, "Me too")
    assert not held(stage)


def test_pleas_over_days_are_no_storm(stage: Stage) -> None:
    for one in PEOPLE[:8]:
        stage.now += timedelta(hours=1)
        post(stage, one, PLEA)
    assert not held(stage)


def test_pleas_under_subjects_of_their_own_are_a_storm(stage: Stage) -> None:
    for number, one in enumerate(PEOPLE[:6]):
        post(stage, one, "now", f"Remove me from the list {number}")
        post(stage, one, f"{PLEA} {number}", f"Subject {number}")
    assert held(stage)


@pytest.mark.parametrize(
    ("rule", "stops"),
    [("NoStorm", False), ("Storm(4)", True), ("Storm(20)", False), ("None", False)],
)
def test_loopcheck_says_how_many(tmp_path: Path, rule: str, *, stops: bool) -> None:
    stage = Stage(tmp_path)
    stage.create("TEST-L", {"set": [f"Loopcheck= {rule}"], "subscribers": PEOPLE})
    storm(stage)
    assert bool(held(stage)) is stops
    stage.close()


def test_what_an_owner_writes_stops_nothing(stage: Stage) -> None:
    stage.tx.subscribers.add(
        1,
        parse_mailbox("olga@example.org"),
        "",
        stage.tx.lists.get("TEST-L").default_options(),
        stage.now,
    )
    for number in range(2):
        post(stage, PEOPLE[number], PLEA)
    for number in range(3):
        post(stage, PEOPLE[10 + number], "Me too")
    assert not held(stage)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: Re: Lunch\r\n\r\nPlease unsubscribe\r\n", ("lunch", True)),
        (b"Subject: AW: [TEST-L] Lunch\r\n\r\nIch will mich abmelden\r\n", ("lunch", True)),
        (b"Subject: Automatic reply: Lunch\r\n\r\nI am away\r\n", ("lunch", True)),
        (b"Subject: Lunch\r\n\r\n+1\r\n> remove me\r\n", ("lunch", False)),
        (b"Subject: Lunch\r\n\r\n+1\r\n-- \r\nunsubscribe\r\n", ("lunch", False)),
        (b"Subject: Lunch\r\n\r\n" + b"x " * SHORT + b" remove me\r\n", None),
        (b"Subject: unsubscribe\r\n\r\n\r\n", ("unsubscribe", True)),
        (b"Subject: Wine\r\n\r\nThe third from the list, I think\r\n", ("wine", False)),
        (b"Subject: Bug\r\n\r\nThe unsubscribe link works for mine\r\n", ("bug", False)),
        (b"Subject: Bug\r\n\r\nAn opt out would be good\r\n", ("bug", False)),
        (b"Subject: Hi\r\n\r\nunsubscribe\r\n", ("hi", True)),
        (b"Subject: Hi\r\n\r\nme too please remove\r\n", ("hi", True)),
        (b"Subject: Hi\r\n\r\nHow can I unsubscribe?\r\n", ("hi", True)),
        (b"Subject: Hi\r\n\r\ndelete my name from this list\r\n", ("hi", True)),
        (b"Subject: Hi\r\n\r\nRemove me.\r\n" + b"It is confidential. " * 90, ("hi", True)),
    ],
)
def test_what_a_post_shows(raw: bytes, expected: tuple[str, bool] | None) -> None:
    found = sign_of(read(b"From: a@b.org\r\n" + raw))
    assert (found and (found.thread, found.plea)) == expected


def test_a_storm_is_forgotten(stage: Stage) -> None:
    storm(stage)
    stage.now += timedelta(days=3)
    stage.run_timers()
    assert [stage.db[name].count for name in ("storm_sign", "storm")] == [0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "Please stop hitting reply all. My inbox is full.",
        "I don't know why I\u2019m on this list",
        "Please delete me from your mailing list",
        "Bitte nehmen Sie mich aus diesem Verteiler",
        "Bitte nicht mehr an alle antworten!",
        "Ich m\u00f6chte keine weiteren Mails",
        "Merci de me retirer de cette liste",
        "Por favor, elim\u00ednenme de la lista",
        "Toglietemi dalla lista, grazie",
        "Por favor me retirem desta lista",
        "Kunt u mij afmelden aub",
        "Prosz\u0119 o usuni\u0119cie mnie z listy",
        "I am currently out of the office until Monday.",
        "Ta bort mig fr\u00e5n listan.\r\n\r\nDen 1 maj skrev Olga L:\r\nHello you all"
        + " x" * 200,
    ],
)
def test_a_plea_in_many_words(text: str) -> None:
    found = sign_of(read(mail_of(text)))
    assert found is not None
    assert found.plea


@pytest.mark.parametrize(
    "text",
    [
        "You can delete an item from this list by calling pop().",
        "Please send me the list of speakers",
        "Ich nehme an dem Treffen teil",
        "The button 'unsubscribe' does nothing in my browser",
        "Please remove the second paragraph",
        "I quit my job",
    ],
)
def test_what_is_no_plea(text: str) -> None:
    found = sign_of(read(mail_of(text)))
    assert found is not None
    assert not found.plea


@pytest.mark.parametrize(
    "subject", ["Risposta automatica: Hi", "Autosvar: Hi", "R\u00e9ponse automatique : Hi"]
)
def test_machines_of_many_languages(subject: str) -> None:
    found = sign_of(read(mail_of("Hello", subject)))
    assert found is not None
    assert found.plea


def mail_of(text: str, subject: str = "Re: Lunch") -> bytes:
    head = "From: a@example.net\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8"
    return f"{head}\r\nSubject: {subject}\r\n\r\n{text}\r\n".encode()
