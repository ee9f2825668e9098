"""The server's own way of it: what waits for the DNS holds nobody else up, and keeps its order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from authn_rig import mail, resolver, sign, verifier, zone
from fresh_rig import fresh_store
from name_server import NameServer
from stage import DOMAIN

from listserv_py.authn.dkim import Verifier
from listserv_py.config import Settings
from listserv_py.daemon import proving
from listserv_py.daemon.working import Work
from listserv_py.lists.header import new_header
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms

PEOPLE = ("joe@example.net", "ann@example.com")
LISTSERV = parse_mailbox(f"listserv@{DOMAIN}")


class House:
    """A store and the loop that works off its spool."""

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        site = {"domain": DOMAIN, "data_dir": str(folder)}
        self.store = fresh_store(folder, DOMAIN)
        turns = Turns(Settings.model_validate({"site": site}), Forms.load())
        self.changed = asyncio.Event()
        self.work = Work(self.store, turns, verifier, self.changed.set)

    async def take(self, *mails: bytes) -> None:
        def keep(tx: Tx) -> None:
            for raw in mails:
                tx.spool.take(envelope(raw))

        await self.store.run(keep)
        self.work.wake()

    async def until(self, what: Callable[[Tx], bool]) -> None:
        async with asyncio.timeout(50):
            while not await self.store.run(what):
                self.changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 0.1)


def envelope(raw: bytes) -> Envelope:
    return Envelope(
        reverse_path=parse_mailbox("joe@example.net"),
        rcpt_to=(LISTSERV,),
        content=raw,
        client="192.0.2.25",
        helo="mail.example.net",
        protocol=Protocol.SMTP,
        received_at=datetime.now(UTC),
    )


def command(text: str, number: int, author: str = "joe@example.net") -> bytes:
    date = format_datetime(datetime.now(UTC))
    return mail(text, From=author, Date=date, message_id=f"<{number}@example.net>")


def on_list(tx: Tx) -> set[str]:
    found = tx.lists.find("TEST-L")
    assert found
    return {str(one.mailbox) for one in tx.subscribers.on_list(found.id)}


def waiting(tx: Tx) -> int:
    return len(tx.spool.ready(100, 10_000_000))


@asynccontextmanager
async def house(folder: Path, verifier: Verifier) -> AsyncIterator[House]:
    def furnish(tx: Tx) -> None:
        owner = parse_mailbox("olga@example.org")
        header = new_header("TEST-L", "A list", [owner], ["Validate= No"])
        made = tx.lists.add("TEST-L", header, datetime.now(UTC))
        for one in PEOPLE:
            options = made.default_options()
            tx.subscribers.add(made.id, parse_mailbox(one), "", options, datetime.now(UTC))

    made = House(folder, verifier)
    await made.store.run(furnish)
    loop = asyncio.create_task(made.work.run())
    try:
        yield made
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
        await made.store.close()


async def test_a_mute_dns_holds_nobody_else_up(tmp_path: Path) -> None:
    names = NameServer({("s1._domainkey.example.net", "TXT"): "MUTE"}, timeout="50s")
    async with names.listening(), house(tmp_path, verifier(names, limit=60)) as made:
        await made.take(
            sign(command("QUERY TEST-L\n", 1)), command("SIGNOFF TEST-L\n", 2, "ann@example.com")
        )
        await made.until(lambda tx: on_list(tx) == {"joe@example.net"})

        assert await made.store.run(waiting) == 1
        names.speak()
        await made.until(lambda tx: waiting(tx) == 0)


async def test_what_one_author_wrote_keeps_its_order(tmp_path: Path) -> None:
    """The second mail is not signed and could go first; it would find its author on the list."""
    names = NameServer({("s1._domainkey.example.net", "TXT"): "MUTE"})
    async with names.listening(), house(tmp_path, verifier(names, limit=0.3)) as made:
        await made.take(sign(command("SIGNOFF TEST-L\n", 1)), command("SIGNOFF TEST-L\n", 2))
        await made.until(lambda tx: waiting(tx) == 0)

        assert await made.store.run(on_list) == {"ann@example.com"}
        said = await made.store.run(replies)
        assert ["You have been removed" in one for one in said] == [True, False]


async def test_a_long_mail_is_read_while_others_are_answered(tmp_path: Path) -> None:
    """Nor does its author's next mail pass it: he would be told that he is not on the list."""
    people = "\n".join(f"reader{number}@example.com" for number in range(3000))
    long = command(f"SIGNOFF TEST-L\nADD TEST-L DD=X\n//X DD *\n{people}\n/*\n", 1)
    names = NameServer({})
    async with names.listening(), house(tmp_path, verifier(names)) as made:
        await made.take(long, command("SIGNOFF TEST-L\n", 2), command("THANKS\n", 3, PEOPLE[1]))
        await made.until(lambda tx: waiting(tx) == 0)

        first, second, third = await made.store.run(replies)
        assert "THANKS" in first
        assert "You have been removed" in second
        assert "You have been removed" not in third
        assert "SIGNOFF TEST-L" in third


def replies(tx: Tx) -> list[str]:
    rows = tx.db.execute(
        "SELECT c.raw FROM content c JOIN mailing m ON m.id = c.mailing_id"
        " WHERE m.kind = 'reply' ORDER BY m.id"
    )
    return [bytes(raw).decode() for (raw,) in rows.fetchall()]


async def test_many_signed_mails_are_worked_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "WAITING_MAX", 5)
    names = NameServer(zone())
    async with names.listening(), house(tmp_path, verifier(names)) as made:
        await made.take(*(sign(command("THANKS\n", number)) for number in range(70)))
        await made.until(lambda tx: waiting(tx) == 0)

        spent = await made.store.run(
            lambda tx: tx.db.execute("SELECT count(*) FROM proof").fetchone()[0]
        )
        assert spent == 70


async def test_a_fault_of_ours_loses_no_mail(tmp_path: Path) -> None:
    class Broken(Verifier):
        async def verify(self, *_: object) -> tuple[()]:
            raise RuntimeError

    names = NameServer({})
    async with names.listening(), house(tmp_path, Broken(resolver(names), 1)) as made:
        await made.take(sign(command("SIGNOFF TEST-L\n", 1)))
        await made.until(lambda tx: on_list(tx) == {"ann@example.com"})


async def test_what_waits_when_the_server_stops_is_still_there(tmp_path: Path) -> None:
    names = NameServer({("s1._domainkey.example.net", "TXT"): "MUTE"})
    async with names.listening():
        async with house(tmp_path, verifier(names, limit=60)) as made:
            await made.take(sign(command("SIGNOFF TEST-L\n", 1)))
            await made.until(lambda _: bool(names.asked))
        store = fresh_store(tmp_path, DOMAIN)
        assert await store.run(waiting) == 1
        await store.close()
