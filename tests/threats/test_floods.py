"""Third parties and machines: what a forger can make us send them, and where rounds end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import DOMAIN
from threats_rig import ADMIN, EVE, JOE, LISTSERV, OLGA, Attack, parts, recipients

VICTIM = "victim@example.com"
HOURLY, DAILY = 20, 100


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Attack]:
    made = Attack(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("line", ["INFO KEYWORDS", "GET TEST-L"])
def test_a_small_mail_in_somebodys_name_brings_him_a_small_one(attack: Attack, line: str) -> None:
    """Twenty lines a mail, a hundred kilobytes an answer, twenty answers an hour."""
    sent = attack.mail(VICTIM, f"{line}\n" * 100)
    for _ in range(HOURLY + 2):
        sent += attack.mail(VICTIM, "RELEASE")
    assert len(sent) <= HOURLY + 1
    assert all(recipients(mail) in ([VICTIM], [ADMIN]) for mail in sent)
    assert max(map(len, sent)) < 110_000


def test_review_of_a_large_list_needs_more_than_a_from_line(attack: Attack) -> None:
    people = [f"u{number}@example.com | Name {number}" for number in range(500)]
    attack.stage.create("BIG-L", {"set": ["Review= Public", "Validate= No"], "subscribers": people})
    for line in ("REVIEW BIG-L", "SCAN BIG-L Name", "REVIEW BIG-L (BY NAME", "GET BIG-L"):
        attack.forget()
        [answer] = attack.mail(VICTIM, line)
        assert len(answer) < 3000
        assert b"u17@example.com" not in answer


def test_large_posts_need_more_than_a_from_line(attack: Attack) -> None:
    """Of a subscriber as well: five such lines are a small mail."""
    sets = ["Send= Public", "Validate= No", "Notebook= Yes,A,Monthly,Private"]
    attack.stage.create("OLD-L", {"set": sets, "subscribers": [JOE]})
    attack.mail(JOE, "A few words.", to=f"old-l@{DOMAIN}")
    attack.mail(JOE, "Many words.\n" * 10_000, to=f"old-l@{DOMAIN}")
    attack.forget()
    [small, _] = attack.mail(JOE, "GETPOST OLD-L 1")
    assert b"A few words." in small
    for line in ("GETPOST OLD-L 1-2", "GETPOST OLD-L 2 (NOMIME", "GET OLD-L NOTEBOOK"):
        attack.forget()
        [asked] = attack.mail(JOE, line)
        assert asked.startswith(b"[confirmation]")


def test_five_thousand_reviews_in_one_mail(attack: Attack) -> None:
    attack.stage.create(
        "OPEN-L", {"set": ["Review= Private", "Validate= No"], "subscribers": [JOE]}
    )
    [answer] = attack.mail(JOE, "REVIEW OPEN-L\n" * 5000)
    assert answer.count(b"> REVIEW") == 20
    assert len(answer) < 1_000_000


def test_a_day_of_forged_mail_reaches_one_address_so_often(attack: Attack) -> None:
    for hour in range(8):
        for number in range(HOURLY + 2):
            attack.mail(VICTIM, f"RELEASE {number} {hour}\nSUBSCRIBE TEST-L")
        attack.stage.now += timedelta(minutes=61)
    rows = attack.stage.db.execute("SELECT count(*) FROM mailing").fetchone()
    assert rows[0] <= DAILY + 5


def test_a_strangers_advert_reaches_nobody(attack: Attack) -> None:
    """In the name, the From line, a line that is no command, an option, a reason, a topic."""
    advert = "http://evil.example/buy www.evil.example evil.example/x Buy"
    for line in (
        *(f"SUBSCRIBE TEST-L {advert}", f"REGISTER {advert}", advert, f"SIGNOFF {advert}"),
        *(f"SET TEST-L {advert}", f"HELP {advert}", f"OK {advert}", f"SERVE {advert}"),
        *(f"CHANGE TEST-L {advert}", f"GET {advert}", f"INFO {advert}", f"PW ADD {advert}"),
    ):
        attack.forget()
        for mail in attack.mail(f'"{advert}" <{VICTIM}>', line, subject=advert):
            assert b"evil.example" not in mail, mail.decode()
            assert recipients(mail) == [VICTIM]


def test_a_strangers_post_is_mailed_to_no_other_stranger(attack: Attack) -> None:
    """He is asked whether it is his, and told its date and subject; a member gets it as well."""
    attack.stage.create("ASK-L", {"set": ["Send= Public,Confirm"], "subscribers": [JOE]})
    for sender, has_body in ((VICTIM, False), (JOE, True)):
        text, subject = f"Buy at evil example now, {sender}", "Offer http://evil.example"
        [mail] = attack.mail(sender, text, to=f"ask-l@{DOMAIN}", subject=subject)
        assert mail.startswith(b"[confirmation]")
        assert (b"evil example" in mail) == has_body
        assert (b"evil.example" in mail) == has_body


def test_mail_to_people_and_lists_mails_no_body_back(attack: Attack) -> None:
    """The owners get what was written to them; the address in From gets a line about it."""
    attack.stage.create("CLOSED-L", {"set": ["Send= Owner"]})
    body = "Buy at evil example now " * 50
    for to in ("test-l-request", "test-l", "closed-l", "owner-test-l", "postmaster"):
        attack.forget()
        for mail in attack.mail(VICTIM, body, to=f"{to}@{DOMAIN}", subject="Hello"):
            if recipients(mail) == [VICTIM]:
                assert b"evil example" not in mail


def test_a_thousand_forged_senders(attack: Attack) -> None:
    """Noise to the command address: each sender is another, and all of them one site's budget."""
    sent = sum(
        len(attack.mail(f"v{number}@example.com", f"Dear friend {number}")) for number in range(220)
    )
    assert sent <= 200


def reply_of(mail: bytes, sender: str, body: str) -> bytes:
    """What a machine at `sender` makes of a mail that it got: no field says that it is one."""
    _, message = parts(mail)
    return (
        f"From: {sender}\r\nTo: {message['From']}\r\nSubject: Re: {message['Subject']}\r\n"
        f"Message-ID: <{abs(hash(mail))}@robot.example>\r\n\r\n{body}\r\n"
    ).encode()


ROBOTS = [
    "I am away until Monday.",
    "ok, I am away",
    "Thank you for your mail!\nTicket 7\nhelp is near",
]


@pytest.mark.parametrize("body", ROBOTS)
@pytest.mark.parametrize("begun", ["HELP", "SUBSCRIBE TEST-L", "Nonsense", "SIGNOFF TEST-L"])
def test_a_robot_that_answers_everything_falls_silent(
    attack: Attack, begun: str, body: str
) -> None:
    """It says no word of being one; three rounds at most, and it confirmed nothing."""
    robot, before = "robot@example.com", attack.everything()
    mails, rounds = attack.mail(robot, begun), 0
    while mails and rounds < 20:
        mails = [
            answer
            for mail in mails
            for answer in attack.take(
                reply_of(mail, robot, body), LISTSERV, {"reverse_path": robot}
            )
        ]
        rounds += 1
    assert rounds <= 4
    assert attack.everything() == before


@pytest.mark.parametrize(
    "other",
    ["listserv@other.example", "majordomo@other.example", "sympa@x.example", "x-request@y.example"],
)
def test_another_list_server_is_not_answered(attack: Attack, other: str) -> None:
    for to in ("listserv", "test-l", "test-l-request", "owner-test-l", "owner-listserv"):
        for sender, path in ((other, other), (other, EVE), (EVE, other), (EVE, "")):
            mails = attack.mail(sender, "HELP", to=f"{to}@{DOMAIN}", told={"reverse_path": path})
            assert all(recipients(mail)[0] in (OLGA, ADMIN) for mail in mails)


OURS = [
    *(f"{name}@{DOMAIN}" for name in ("test-l", "owner-test-l", "listserv", "test-l-request")),
    *(
        f"{name}@{DOMAIN}"
        for name in ("postmaster", "owner-listserv", "test-l-subscribe-request", "TEST-L")
    ),
    f"0123456789abcdef-dmarc-request@{DOMAIN}",
]


@pytest.mark.parametrize("own", OURS)
def test_no_address_of_ours_becomes_a_reader_owner_or_author(attack: Attack, own: str) -> None:
    attack.stage.create("A-L", {})
    for line in (
        *(f"ADD A-L {own}", f"CHANGE A-L {JOE} {own}", f"ADD A-L DD=X\n//X DD *\n{own} Name\n/*"),
        *(
            f"PUT A-L LIST\n* A\n* Owner= {own}",
            f"PUT A-L LIST\n* A\n* Owner= {OLGA}\n* Editor= {own}",
        ),
        f"PUT A-L LIST\n* A\n* Owner= {OLGA}\n* Notify= {own}",
    ):
        attack.forget()
        before = attack.everything()
        attack.run(OLGA, line)
        assert attack.everything() == before, line
    attack.forget()
    assert attack.mail(own, "SUBSCRIBE A-L\nHELP") == []
    assert attack.mail(own, "Hello", to=f"a-l@{DOMAIN}") == []


def test_two_lists_that_are_subscribed_to_each_other_by_a_forwarder(attack: Attack) -> None:
    """It strips what names the list, and even the Message-ID: the text is known, and it stops."""
    attack.stage.create("ONE-L", {"set": ["Send= Public"], "subscribers": ["fwd@one.example"]})
    attack.stage.create("TWO-L", {"set": ["Send= Public"], "subscribers": ["fwd@two.example"]})
    text = "A text of some length, so that it is known again wherever it comes from. " * 5
    attack.mail(EVE, text, to=f"one-l@{DOMAIN}")
    made = 1
    for number in range(10):
        to = "two-l" if number % 2 == 0 else "one-l"
        mails = attack.mail(EVE, text, to=f"{to}@{DOMAIN}")
        assert all(recipients(mail) in ([EVE], ["fwd@two.example"]) for mail in mails)
    assert len(attack.copies()) == made + 1


def test_a_copy_that_comes_back_as_it_left_is_known_at_once(attack: Attack) -> None:
    attack.stage.create("ONE-L", {"set": ["Send= Public"], "subscribers": [JOE]})
    attack.mail(EVE, "Hello", to=f"one-l@{DOMAIN}")
    [copy] = attack.copies()
    assert attack.take(copy, f"one-l@{DOMAIN}") == []
    assert attack.take(copy, LISTSERV) == []
    assert len(attack.copies()) == 1


@pytest.mark.parametrize("keyword", ["New-List", "Sub-lists"])
def test_lists_that_lead_in_a_circle_end(attack: Attack, keyword: str) -> None:
    """No PUT makes one, but an older header may have it: each of them is reached once."""
    for own, other in (("RING1-L", "RING2-L"), ("RING2-L", "RING3-L"), ("RING3-L", "RING1-L")):
        told = {
            "set": ["Send= Public", f"{keyword}= {other}"],
            "subscribers": [f"{own}@example.com"],
        }
        attack.stage.create(own, told)
    mails = attack.mail(EVE, "Hello", to=f"ring1-l@{DOMAIN}")
    assert len(attack.copies()) <= 3
    assert len([mail for mail in mails if recipients(mail) == [EVE]]) <= 1
    attack.forget()
    assert len(attack.run(EVE, "SUBSCRIBE RING1-L Eve")) <= 5


def test_a_mail_has_few_lines_about_a_long_list(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reads the whole roster in the one writing thread."""
    monkeypatch.setattr("listserv_py.commands.review.PEOPLE_A_LINE", 10)
    people = [f"u{number}@example.com" for number in range(200)]
    for name in ("LONG-L", "SHORT-L"):
        readers = [JOE, *people] if name == "LONG-L" else [JOE]
        told = {"set": ["Review= Private", "Validate= No"], "subscribers": readers}
        attack.stage.create(name, told)
        for command in ("REVIEW {} (COUNTRIES", "SCAN {} u17", "STATS {}"):
            attack.forget()
            line = command.format(name)
            [answer] = attack.mail(JOE, f"{line}\n" * 30)
            assert answer.count(f"> {line}".encode()) == (3 if name == "LONG-L" else 20)
