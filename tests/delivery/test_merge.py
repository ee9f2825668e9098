"""Mails that are filled in for each reader: what the copies are, all the way out."""

from __future__ import annotations

import asyncio
import base64
import re
import signal
import time
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from delivery_child import start
from delivery_rig import Act, Clock, Command, House, Sink, facts, relay, until
from rsa_key import KEY as RSA

from listserv_py.cli.keyfile import public_key
from listserv_py.commands.interpreter import run_job
from listserv_py.delivery.form import Form, wire_of
from listserv_py.delivery.program import decode, with_values
from listserv_py.delivery.render import Variant
from listserv_py.delivery.sign import Signer
from listserv_py.delivery.wire import Letter, split
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.people import People
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms
from listserv_py.texts.merge import names_of

NAMES = names_of(("CITY", "DUE"), of_list=False)
JOE = ("joe@example.net", "Joe Döe", "Köln & <b>Rest</b>", "12")
ANN = ("ann@example.net", "", "Berlin", "0")
STAMP = int(time.time())

MIXED = b"""\
From: Widgets <news@lists.test>\r
To: Our customers <&*TO;>\r
Subject: For &*name; in &CITY;\r
Date: Mon, 1 Jun 2026 10:00:00 +0000\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=outer\r
\r
--outer\r
Content-Type: multipart/alternative; boundary=inner\r
\r
--inner\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: 8bit\r
\r
Dear &*NAME;,\r
.BB &CITY; = Berlin AND &DUE; ^= 12\r
Gr\xfc\xdfe nach Berlin\r
.ELSE\r
.. no dot is lost\r
.EB\r
You owe &due;. Unknown: &NOBODY; &amp;\r
--inner\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
PHA+JkNJVFk7Jm5ic3A7PGEgaHJlZj0iaHR0cHM6Ly94LnRlc3QvP2U9JipVUkxFTkMoKlRPKTsi
PmdvPC9hPjwvcD4=\r
--inner--\r
--outer\r
Content-Type: text/plain\r
Content-Disposition: attachment; filename=terms.txt\r
\r
Terms for &CITY; stay as they are.   \r
\r
--outer--\r
""".replace(b"\r\r", b"\r").replace(b"Si\nPm", b"Si\r\nPm")


def form_of(raw: bytes, *, signed: bool = True) -> tuple[Form, tuple[Signer, ...]]:
    signers = (Signer("lists.test", "lists", RSA),) if signed else ()
    letter = Letter(lambda _: Variant(*split(raw)), signers, STAMP, NAMES)
    return letter.main, signers


def filled(raw: bytes, values: tuple[str, ...], own: bytes = b"") -> bytes:
    """A copy as its reader gets it."""
    form, signers = form_of(raw)
    wire = wire_of(form, with_values(own, values), signers)
    assert wire.endswith(b"\r\n.\r\n")
    assert wire.isascii()
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    return re.sub(rb"(?m)^\.", b"", wire[: -len(b".\r\n")])


def parsed(mail: bytes) -> EmailMessage:
    found: EmailMessage = message_from_bytes(mail, policy=policy.default)
    return found


def key_record(*_: object, **__: object) -> bytes:
    public = RSA.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def texts(mail: bytes) -> list[str]:
    return [
        part.get_content().replace("\r\n", "\n")
        for part in parsed(mail).walk()
        if part.get_content_maintype() == "text"
    ]


def test_text_html_and_header_are_filled_in_and_escaped() -> None:
    mail = filled(MIXED, JOE)
    plain, html, attached = texts(mail)
    assert plain == "Dear Joe Döe,\n.. no dot is lost\nYou owe 12. Unknown: &NOBODY; &amp;"
    assert html.startswith("<p>Köln &amp; &lt;b&gt;Rest&lt;/b&gt;&nbsp;<a href=")
    assert "?e=joe%40example.net" in html
    assert attached == "Terms for &CITY; stay as they are.   \n"
    assert parsed(mail)["subject"] == "For Joe Döe in Köln & <b>Rest</b>"
    assert parsed(mail)["to"] == "Our customers <joe@example.net>"


def test_a_block_stands_for_whom_it_fits() -> None:
    plain = texts(filled(MIXED, ANN))[0]
    assert plain == "Dear ,\nGrüße nach Berlin\nYou owe 0. Unknown: &NOBODY; &amp;"


@pytest.mark.parametrize("values", [JOE, ANN])
def test_each_copy_is_signed_and_the_same_each_time(values: tuple[str, ...]) -> None:
    mail = filled(MIXED, values, b"List-Unsubscribe: <https://x.test/>\r\n")
    assert dkim.verify(mail, dnsfunc=key_record)
    assert mail == filled(MIXED, values, b"List-Unsubscribe: <https://x.test/>\r\n")
    tampered = mail.replace(b"You owe ", b"You own ")
    assert not dkim.verify(tampered, dnsfunc=key_record)


def test_a_worker_makes_the_same_bytes() -> None:
    form, signers = form_of(MIXED)
    assert form.program is not None
    there = Form(
        form.wire, form.eight_bit, form.utf8_head, form.own_at, form.sealed,
        decode(form.program.encode()),
    )  # fmt: skip
    for values in (JOE, ANN):
        personal = with_values(b"", values)
        assert wire_of(there, personal, signers) == wire_of(form, personal, signers)


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: victim@example.com",
        "x\n\n.\n\nMAIL FROM:<>",
        "=?utf-8?B?DQpCY2M6IHg=?=",
        "\x1f\x00&CITY;",
        "a" * 5000,
        "é" * 5000,
        '"><script>alert(1)</script>',
        "a@b, victim@example.com",
        "\u2028.\r\n",
    ],
)
def test_no_value_gets_out_of_its_place(evil: str) -> None:
    mail = filled(MIXED, ("joe@example.net", evil, evil, evil))
    found = parsed(mail)
    assert dkim.verify(mail, dnsfunc=key_record)
    assert found["bcc"] is None
    assert [one.addr_spec for one in found["to"].addresses] == ["joe@example.net"]
    assert sum(line.startswith(b"Subject:") for line in mail.split(b"\r\n")) == 1
    assert b"\r\n.\r\n" not in mail
    plain, html, _ = texts(mail)
    assert "<script>" not in html
    assert "Köln" not in plain


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\n\r\n",
        b"Subject: &CITY;\r\n\r\nno slot\r\n",
        b"Subject: x\r\n\r\n&CITY;",
        b"Subject: x\r\n\r\n&CITY;   \r\n\r\n\r\n",
        b"Subject: x\r\n\r\n.BB &CITY; = X\r\nnever\r\n.EB\r\n",
        b"Subject: x\r\n\r\n.&CITY;\r\n..\r\n.\r\n" + b"y" * 3000 + b" &CITY;\r\n",
        b"Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=26CI=\r\nTY; =3D\r\n",
    ],
)
def test_every_kind_of_body_verifies(raw: bytes) -> None:
    mail = filled(b"From: a@lists.test\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n" + raw, JOE)
    assert dkim.verify(mail, dnsfunc=key_record)
    assert "&CITY;" not in parsed(mail).get_content()


def keyed(folder: Path) -> dict[str, Any]:
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key").write_bytes(RSA.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    assert public_key(folder / "key").kind == "rsa"
    return {"key_file": str(folder / "key")}


LIST_POST = (
    b"From: Author <author@example.org>\r\nTo: test-l@lists.test\r\nSubject: Hello &*NAME;\r\n"
    b"Date: Mon, 1 Jun 2026 10:00:00 +0000\r\nMessage-ID: <post@example.org>\r\n\r\n"
    b"You are &*TO;, and not &CITY;.\r\n"
)


@pytest.mark.parametrize("has_workers", [False, True])
async def test_a_post_is_filled_in_for_each_subscriber(tmp_path: Path, has_workers: bool) -> None:
    async with Sink().listening() as sink:
        tables = {"delivery": relay(sink, workers=1), "dkim": keyed(tmp_path)}
        house = House(tmp_path, time.time, **tables)  # type: ignore[arg-type]
        house.has_workers = has_workers
        async with house.open():
            await house.subscribe("ann@example.test", "bob@example.test")
            async with house.running():
                one_click = "https://lists.test/u/"
                await house.post(LIST_POST, stamp=int(time.time()), merge=True, one_click=one_click)
                await sink.has_taken(2)
        for mail in sink.taken:
            data = re.sub(rb"(?m)^\.", b"", mail.data)
            assert dkim.verify(data, dnsfunc=key_record)
            assert f"You are {mail.rcpts[0]}, and not &CITY;." in parsed(data).get_content()
            assert "Hello Somebody" in parsed(data)["subject"]
            assert "SIZE=" not in mail.arguments


async def job(house: House, people: list[str], **changes: Any) -> int:
    """A DISTRIBUTE job that is in the outbox."""
    rows = [(one, one, ("N. N.", f"city-{at}", str(at))) for at, one in enumerate(people)]
    known = facts(columns="CITY DUE", merge=True, **changes)
    known = type(known)(**{**{n: getattr(known, n) for n in known.__slots__}, "listname": ""})
    now = datetime.fromtimestamp(house.clock(), UTC)
    found: int = await house.store.run(
        lambda tx: tx.outbox.distribute_job(MIXED, known, rows, sender="boss@x.test", now=now)
    )
    return found


async def test_a_job_reaches_its_people_and_forgets_them(tmp_path: Path) -> None:
    tried: list[str] = []

    def answer(command: Command) -> str | Act | None:
        if command.verb == "RCPT" and "later" in command.argument and not tried:
            tried.append("once")
            return "450 4.2.0 later"
        if command.verb == "RCPT" and "never" in command.argument:
            return "550 5.1.1 no such person"
        return None

    people = ["ann@example.test", "later@example.test", "never@example.test"]
    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            number = await job(house, people)
            async with house.running():

                async def is_put_off() -> bool:
                    return bool(await house.rows("SELECT 1 FROM copy WHERE tries = 1"))

                await until(is_put_off)
                waiting = (await house.waiting())[0]
                assert (waiting.kind, waiting.id) == ("job", number)
                await house.store.run(lambda tx: tx.outbox.retry(None))
                house.engine.wake()
                await house.drained()
            assert await house.rows("SELECT DISTINCT said FROM recipient") == [("",)]
            assert await house.rows("SELECT * FROM content") == []
            assert await house.rows("SELECT subscriber_id, list_id, address FROM bounce") == [
                (None, None, "never@example.test")
            ]
            state = await house.rows("SELECT state, sent, failed FROM mailing")
            assert state == [("done", 2, 1)]
        assert sorted(sink.recipients()) == people[:2]
        assert len({mail.sender for mail in sink.taken}) == 2, "a sender of its own each"
        assert all(mail.sender.startswith("owner-listserv+") for mail in sink.taken)
        assert all(b"city-" in mail.data for mail in sink.taken)
        assert not any(b"List-Id" in mail.data for mail in sink.taken)


@pytest.mark.parametrize("workers", [0, 1])
async def test_a_killed_server_sends_a_job_to_all_and_hardly_any_twice(
    tmp_path: Path, workers: int
) -> None:
    connections, kills, people = 3, 2, [f"p{n:03d}@example.test" for n in range(400)]
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=connections))
        async with house.open():
            await job(house, people)
        for number in range(kills):
            child = await asyncio.to_thread(start, tmp_path, sink, connections, workers)
            await sink.has_taken((number + 1) * len(people) // (kills + 2))
            child.send_signal(signal.SIGKILL)
            await asyncio.to_thread(child.wait)
        async with house.open():
            async with house.running():
                await house.drained()
            assert await house.rows("SELECT state, sent FROM mailing") == [("done", len(people))]
            assert await house.rows("SELECT DISTINCT said FROM recipient") == [("",)]
        counts = Counter(sink.recipients())
        assert set(counts) == set(people)
        assert sum(counts.values()) - len(people) <= kills * connections
        copies = {(mail.rcpts[0], mail.sender, mail.data) for mail in sink.taken}
        assert len(copies) == len(people)


async def test_who_is_erased_gets_no_copy_and_a_dropped_job_leaves_nobody(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await job(house, ["ann@example.test", "bob@example.test"])
            await house.store.run(lambda tx: People(tx).erase(parse_mailbox("ann@example.test")))
            dropped = await job(house, ["eve@example.test"])
            await house.store.run(lambda tx: tx.outbox.drop(dropped))
            async with house.running():
                await house.drained()
            rest = await house.rows("SELECT address, said FROM recipient")
            assert rest == [("bob@example.test", "")], "until what comes back has come"
            assert await house.rows("SELECT state FROM mailing") == [("done",), ("dropped",)]
        assert sink.recipients() == ["bob@example.test"]


JOB = """\
//NEWS JOB ECHO=NO
DISTRIBUTE MAIL-MERGE
//TO DD *
*TO,*NAME,CITY
ann@example.test,Ann Lee,"Köln, Rhein"
böb@example.test,Bob,<Paris>
/*
//DATA DD *,EOF
From: Müller <news@lists.test>
To: "&*NAME;" <&*TO;>
Subject: Grüße an &*NAME;
Content-Type: text/html; charset=utf-8

<p>Grüße nach &CITY;</p>
"""


async def test_from_the_job_to_the_mailbox(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        tables = {"delivery": relay(sink), "dkim": keyed(tmp_path)}
        house = House(tmp_path, time.time, **tables)  # type: ignore[arg-type]
        turns = Turns(house.settings, Forms.load())
        boss = parse_mailbox("boss@example.test")
        async with house.open():
            said = await house.store.run(lambda tx: run_job(turns.at(tx), boss, JOB)[0])
            assert "2 recipients" in said
            async with house.running():
                await house.drained()
        found = {mail.rcpts[0]: re.sub(rb"(?m)^\.", b"", mail.data) for mail in sink.taken}
        ann, bob = found["ann@example.test"], found["böb@example.test"]
        for mail in (ann, bob):
            assert dkim.verify(mail, dnsfunc=key_record)
            assert mail.isascii()
        assert parsed(ann)["to"] == "Ann Lee <ann@example.test>"
        assert parsed(ann)["subject"] == "Grüße an Ann Lee"
        assert "<p>Grüße nach Köln, Rhein</p>" in parsed(ann).get_content()
        assert parsed(bob)["to"] == "undisclosed-recipients:;"
        assert "<p>Grüße nach &lt;Paris&gt;</p>" in parsed(bob).get_content()
        assert len({mail.sender for mail in sink.taken}) == 2


async def test_a_job_with_a_sender_of_its_own_has_that_one(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await job(house, ["ann@example.test", "bob@example.test"], verp=False)
            async with house.running():
                await house.drained()
            assert await house.rows("SELECT * FROM recipient") == []
        assert {mail.sender for mail in sink.taken} == {"boss@x.test"}
