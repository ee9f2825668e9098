"""Codes and passwords: guessed, raced, quoted, returned, leaked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fresh_rig import fresh_store
from stage import DOMAIN, FORMS
from structlog.testing import capture_logs
from threats_rig import ADMIN, EVE, JOE, LISTSERV, OLGA, Attack, parts, recipients

from listserv_py import intake
from listserv_py.config import Settings
from listserv_py.lists.header import new_header
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.people import People
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turns, new_code

CODE = re.compile(rb"C0DE[0-9A-F]{12}")
SECRET = "Sesame-Open-1"  # noqa: S105 - of nobody


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Attack]:
    made = Attack(tmp_path)
    yield made
    made.close()


def test_a_code_has_64_random_bits() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(re.fullmatch("[0-9A-F]{16}", code) for code in codes)
    for at in range(16):  # each digit takes each value
        assert len({code[at] for code in codes}) == 16


def test_ten_thousand_wrong_codes(attack: Attack) -> None:
    """500 mails of twenty: few answers, no effect, and the right code still serves."""
    attack.mail(JOE, "SIGNOFF TEST-L")
    before, answers = attack.everything(), 0
    for number in range(500):
        lines = "\n".join(f"OK {(number * 20 + at):016X}" for at in range(20))
        answers += len(attack.mail(JOE, lines))
    assert answers <= 20 + 2
    assert attack.everything() == before
    attack.mail(JOE, "OK C0DE000000000001", told={"reverse_path": JOE})
    assert not attack.stage.tx.subscribers.of(parse_mailbox(JOE))


def test_wrong_codes_from_everywhere_are_answered_a_while(attack: Attack) -> None:
    """Each under another name: those names may be third parties', so the site answers so many."""
    answers = sum(
        len(attack.mail(f"u{number}@example.com", f"OK {number:016X}")) for number in range(250)
    )
    assert 50 <= answers <= 200
    attack.mail(JOE, "SIGNOFF TEST-L")
    attack.mail(JOE, "OK C0DE000000000001")
    assert not attack.stage.tx.subscribers.of(parse_mailbox(JOE))


@pytest.mark.parametrize(
    "sender", [EVE, OLGA, ADMIN, "joe@example.net.example.com", "joe+x@example.net"]
)
def test_a_right_code_of_another_is_a_wrong_one(attack: Attack, sender: str) -> None:
    attack.mail(JOE, "SIGNOFF TEST-L")
    before = attack.everything()
    [answer] = attack.mail(sender, "OK C0DE000000000001")
    [other] = attack.mail(sender, "OK C0DE00000000FFFF")
    assert _without_codes(answer) == _without_codes(other)
    assert attack.everything() == before


def _without_codes(mail: bytes) -> bytes:
    mail = re.sub(rb"(?m)^(Message-ID|In-Reply-To|References|Date):.*$", b"", mail)
    return CODE.sub(b"CODE", mail)


AUTOMATIC = [
    *(
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (vacation)",
        "Precedence: bulk",
    ),
    *(
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "X-Auto-Response-Suppress: All",
        "List-Id: <x.y>",
    ),
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
]


@pytest.mark.parametrize("field", AUTOMATIC)
@pytest.mark.parametrize("body", ["ok", "OK C0DE000000000001", "> ok\n\nOK, I am away"])
def test_a_machine_confirms_nothing(attack: Attack, field: str, body: str) -> None:
    attack.mail(JOE, "SIGNOFF TEST-L")
    before = attack.everything()
    for to in (LISTSERV, f"owner-test-l@{DOMAIN}", f"owner-listserv@{DOMAIN}"):
        attack.mail(
            JOE,
            body,
            to=to,
            subject="Re: (C0DE000000000001)",
            more=f"{field}\r\n",
            told={"reverse_path": JOE},
        )
    attack.mail(JOE, body, subject="Re: (C0DE000000000001)", told={"reverse_path": ""})
    assert attack.everything() == before


@pytest.mark.parametrize(
    "body",
    [
        "> ok",
        ">ok",
        "Joe wrote:\n> OK C0DE000000000001",
        "--\nOK C0DE000000000001",
        "> \n> ok\n",
        "OK, I am away",
    ],
)
def test_a_quoted_ok_confirms_nothing(attack: Attack, body: str) -> None:
    attack.mail(JOE, "SIGNOFF TEST-L")
    before = attack.everything()
    attack.mail(JOE, body, subject="Re: (C0DE000000000001)")
    assert attack.everything() == before


class _Race:
    """Twenty answers to one code, each a turn of its own, through the store's own thread."""

    def __init__(self, folder: Path) -> None:
        site = {"domain": DOMAIN, "data_dir": str(folder), "postmasters": [ADMIN]}
        self.turns = Turns(Settings.model_validate({"site": site}), FORMS)
        self.store = fresh_store(folder, DOMAIN)

    def fill(self, tx: Tx) -> None:
        header = new_header("TEST-L", "T", [parse_mailbox(OLGA)], [])
        tx.lists.add("TEST-L", header, self.turns.at(tx).now)


async def test_twenty_answers_at_once_have_one_effect(tmp_path: Path) -> None:
    race = _Race(tmp_path)
    store = race.store
    await store.run(race.fill)
    await store.run(lambda tx: _arrive(race.turns, tx, "SUBSCRIBE TEST-L Joe Doe", 0))
    [request] = await store.run(_taken)
    code = re.findall(rb"\(([0-9A-F]{16})\)", request)[0].decode()

    async def answer(number: int) -> None:
        await store.run(lambda tx: _arrive(race.turns, tx, f"OK {code}", number))

    async with asyncio.TaskGroup() as group:
        for number in range(1, 21):
            group.create_task(answer(number))
    mails = await store.run(_taken)
    assert sum(b"You have been added" in mail for mail in mails) == 1
    assert sum(b"already been used" in mail for mail in mails) == 19
    assert await store.run(lambda tx: tx.subscribers.count(tx.lists.get("TEST-L").id)) == 1
    await store.close()


def _arrive(turns: Turns, tx: Tx, line: str, number: int) -> None:
    turn = turns.at(tx)
    raw = f"From: {JOE}\r\nTo: {LISTSERV}\r\nMessage-ID: <{number}@x.y>\r\n\r\n{line}\r\n".encode()
    tx.spool.take(
        Envelope(
            reverse_path=parse_mailbox(JOE),
            rcpt_to=(parse_mailbox(LISTSERV),),
            content=raw,
            client="192.0.2.7",
            helo="mail.example.net",
            protocol=Protocol.SMTP,
            received_at=turn.now,
        )
    )
    for entry in tx.spool.begin(tx.spool.ready(10, 1_000_000)):
        intake.work_off(turn, intake.open_letter(entry))


def _taken(tx: Tx) -> list[bytes]:
    rows = tx.outbox._db.execute("SELECT mailing_id, raw FROM content").fetchall()
    for mailing_id, _ in rows:
        tx.outbox.drop(mailing_id)
    return [bytes(raw) for _, raw in rows]


LEAKS = [
    ("test-l", "Look what I got", "You asked: reply with ok, or mail\n\n  OK C0DE000000000001\n"),
    (
        "test-l",
        "Look",
        "> Subject: Your command needs confirmation (C0DE000000000001)\n> and so on",
    ),
    ("test-l-request", "Help! (C0DE000000000001)", "What is this?"),
    ("test-l-request", "Help", "What is OK C0DE000000000001 for?"),
    ("owner-test-l", "Help", "They say (C0DE000000000001)"),
    ("postmaster", "Fwd: (C0DE000000000001)", "What is this?"),
    ("listserv-request", "Fwd", "c0de000000000001"),
]


@pytest.mark.parametrize(("to", "subject", "body"), LEAKS)
def test_a_code_that_still_serves_is_shown_to_nobody_else(
    attack: Attack, to: str, subject: str, body: str
) -> None:
    """Whoever writes it to a list, or to people, is told so; it goes no further."""
    attack.mail(JOE, "SIGNOFF TEST-L")
    told = {"reverse_path": JOE}
    mails = attack.mail(JOE, body, to=f"{to}@{DOMAIN}", subject=subject, told=told)
    assert [recipients(mail) for mail in mails] == [[JOE]]
    assert attack.copies() == []
    attack.mail(JOE, "OK C0DE000000000001", told=told)
    attack.stage.create("B-L", {"set": ["Send= Public"], "subscribers": [EVE]})
    if to == "test-l":  # once it has served, it is a number like any other
        attack.mail(JOE, body, to=f"b-l@{DOMAIN}", subject="No code", told=told)
        assert len(attack.copies()) == 1


def test_a_machine_that_quotes_a_code_shows_it_to_nobody(attack: Attack) -> None:
    """To the bounce address, from the null sender, as a report or in words."""
    attack.mail(JOE, "SIGNOFF TEST-L")
    said = "Your mail (C0DE000000000001) could not be delivered."
    for more in ("Auto-Submitted: auto-replied\r\n", "", "Precedence: bulk\r\n"):
        for door in ("owner-test-l", "owner-listserv"):
            told = {"reverse_path": ""}
            assert attack.mail(JOE, said, to=f"{door}@{DOMAIN}", more=more, told=told) == []


def test_codes_and_passwords_stand_in_no_log_and_no_view(attack: Attack) -> None:
    """All that an operator sees, while everything is asked, answered, refused and held."""
    stage = attack.stage
    stage.create("MOD-L", {"set": ["Send= Editor,Hold", f"Editor= {OLGA}"]})
    with capture_logs() as logged:
        attack.mail(JOE, "SIGNOFF TEST-L\nSUBSCRIBE MOD-L Joe")
        attack.mail(JOE, f"PW ADD {SECRET}")
        attack.mail(EVE, "Hello", to=f"mod-l@{DOMAIN}")
        attack.mail(JOE, f"OK C0DE000000000001 PW={SECRET}\nSIGNOFF MOD-L PW={SECRET}")
        attack.mail(
            EVE, "OK C0DE000000000002\nREJECT C0DE000000000003 no", subject="(C0DE000000000003)"
        )
        attack.mail(JOE, "ok", subject="Re: (C0DE000000000002)")
        attack.mail(OLGA, "reject because", subject="Re: (C0DE000000000003)")
        attack.mail(JOE, f"CHANGE TEST-L new@example.net PW={SECRET}")
    assert stage.codes >= 4
    told = [str(People(stage.tx).stored_about(parse_mailbox(one))) for one in (JOE, EVE, OLGA)]
    for text in (str(logged), attack.everything(), str(stage.tx.outbox.view())):
        assert not CODE.search(text.encode())
        assert SECRET not in text
    assert all(SECRET not in text for text in told)


def test_a_password_stands_in_no_copy_no_request_and_no_refusal(attack: Attack) -> None:
    attack.stage.create("MOD-L", {"set": ["Send= Editor,Hold", f"Editor= {OLGA}"]})
    for sender in (JOE, EVE):
        for to in (
            f"mod-l@{DOMAIN}",
            f"test-l@{DOMAIN}",
            f"test-l-request@{DOMAIN}",
            f"owner-test-l@{DOMAIN}",
        ):
            for body in (
                f"SIGNOFF TEST-L PW={SECRET}",
                f"PW={SECRET}",
                f"PW ADD {SECRET}\n\nThank you",
            ):
                attack.forget()
                mails = attack.mail(
                    sender,
                    "Hello",
                    to=to,
                    subject=body.partition("\n")[0],
                    told={"reverse_path": sender},
                )
                mails += attack.mail(sender, body, to=to, told={"reverse_path": sender})
                assert all(
                    recipients(mail) == [sender] for mail in mails if SECRET.encode() in mail
                )
                assert not any(SECRET.encode() in mail for mail in mails)
    assert attack.copies() == []


def test_an_approved_line_is_in_no_copy(attack: Attack) -> None:
    """Other list servers take it as a moderator's word; here it means nothing and stays here."""
    attack.stage.create(
        "MOD-L", {"set": ["Send= Editor,Hold", f"Editor= {OLGA}"], "subscribers": [JOE]}
    )
    fields = f"Approved: {SECRET}\r\nX-Approved: {SECRET}\r\nX-List-Password: {SECRET}\r\n"
    attack.mail(EVE, "Hello", to=f"mod-l@{DOMAIN}", more=fields)
    assert attack.copies() == []
    attack.mail(OLGA, "ok", subject="Re: (C0DE000000000001)", told={"reverse_path": OLGA})
    [copy] = attack.copies()
    assert SECRET.encode() not in copy
    assert b"Hello" in copy


def test_an_approval_needs_the_code_that_its_moderator_has(attack: Attack) -> None:
    attack.stage.create(
        "MOD-L", {"set": ["Send= Editor,Hold", f"Editor= {OLGA}"], "subscribers": [JOE]}
    )
    attack.mail(EVE, "Hello", to=f"mod-l@{DOMAIN}")
    before = attack.everything()
    for sender in (EVE, JOE, ADMIN):
        attack.mail(sender, "OK C0DE000000000001", told={"reverse_path": sender})
        attack.mail(sender, "ok", subject="Re: (C0DE000000000001)")
    attack.mail(OLGA, "OK C0DE0000000000FF\nok\nAPPROVE 1\nOK 1")
    assert attack.copies() == []
    assert attack.everything() == before


@pytest.mark.parametrize(
    "subject", ["&CODE; (0123456789ABCDEF)", "Your code: &CODE;", "(&CODE;) please"]
)
def test_an_owners_words_lead_no_reply_astray(attack: Attack, subject: str) -> None:
    """His form may have another number in it, or no parentheses: the subject ends in the code."""
    form = f">>> CONFIRM1 {subject}\n&LINES; &CODE;\n/*\n"
    attack.run(OLGA, f"PUT TEST-L MAILTPL\n{form}")
    attack.forget()
    [request] = attack.mail(JOE, "SIGNOFF TEST-L")
    asked = str(parts(request)[1]["Subject"])
    assert asked.endswith(f"(C0DE{attack.stage.codes:012X})")
    attack.mail(JOE, "ok", subject=f"Re: {asked}", told={"reverse_path": JOE})
    assert not attack.stage.tx.subscribers.of(parse_mailbox(JOE))
