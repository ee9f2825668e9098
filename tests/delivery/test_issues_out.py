"""Issues on their way out: by pages to a list's readers, by copies to some; each form once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

from delivery_rig import NOW, Clock, House, Sink, facts, numbered, relay

from listserv_py.lists.options import Options, apply_words
from listserv_py.mail.issue import Entry
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store import issues
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turn, new_code
from listserv_py.texts.forms import Forms

TOKENS = (f"t{number}" for number in range(1000))


def options(said: str) -> Options:
    return apply_words(Options(), said.split(), by_owner=False)


async def collect(house: House, *texts: str) -> None:
    """Posts wait for the next issue."""

    def work(tx: Tx) -> None:
        for text in texts:
            raw = f"From: a@x.test\r\nSubject: {text}\r\n\r\n{text}\r\n".encode()
            tx.digests.count(house.list_id, "2026-11-22", NOW)
            entry = Entry(1, int(NOW.timestamp()), 1, facts(), raw)
            tx.digests.add(house.list_id, tx.digests.keep(raw), entry)

    await house.store.run(work)


async def close(house: House) -> None:
    await at(house, NOW)


async def at(house: House, now: datetime) -> None:
    def work(tx: Tx) -> None:
        turn = Turn(tx, house.settings, now, Forms.load(), new_code, lambda: next(TOKENS))
        if now == NOW:
            issues.close(turn, tx.lists.get("TEST-L"))
        else:
            issues.run(turn)

    await house.store.run(work)
    house.engine.wake()


async def test_each_reader_gets_his_form_from_his_own_sender(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe("single@x.test", "off@x.test")
            for said in ("DIGEST", "DIGEST MIME", "DIGEST HTML", "INDEX", "INDEX HTML"):
                many = numbered(3, f"{said.lower().replace(' ', '-')}.test")
                await house.subscribe(*many, options=options(said))
            await house.subscribe("away@x.test", options=options("DIGEST NOMAIL"))
            await house.subscribe("own@x.test", options=options("DIGEST AT 7:00 Europe/Vienna"))
            await collect(house, "one", "two")
            async with house.running():
                await close(house)
                await house.drained()
            assert Counter(one.partition("@")[2] for one in sink.recipients()) == {
                "digest.test": 3, "digest-mime.test": 3, "digest-html.test": 3,
                "index.test": 3, "index-html.test": 3,
            }  # fmt: skip
            assert len({one.sender for one in sink.taken}) == 15
            mails = [message_from_bytes(one.data, policy=policy.default) for one in sink.taken]
            forms = {one.get_content_type() for one in mails}
            assert forms == {"text/plain", "multipart/mixed", "multipart/alternative"}
            assert len({one.data for one in sink.taken}) == 5
            assert await house.rows("SELECT kind, state, sent FROM mailing") == [
                ("digest", "done", 15)
            ]
            assert await house.rows("SELECT count(*) FROM content") == [(0,)]


async def test_hours_of_their_own_go_out_as_one_mailing(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(20), options=options("DIGEST AT 20:00 UTC"))
            async with house.running():
                await at(house, NOW + timedelta(seconds=1))
                await collect(house, "one", "two")
                house.clock.now = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
                await at(house, datetime(2026, 11, 22, 20, 0, 30, tzinfo=UTC))
                await house.drained()
            assert len(sink.taken) == 20
            assert len({one.data for one in sink.taken}) == 1
            sent = await house.rows("SELECT sent FROM mailing WHERE kind = 'digest'")
            assert sent == [(0,), (20,)]  # the list's own issue, which nobody goes by, and theirs


async def test_who_left_before_his_page_gets_none(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            people = list(numbered(3))
            await house.subscribe(*people, options=options("DIGEST"))
            await collect(house, "one")

            def work(tx: Tx) -> None:
                turn = Turn(tx, house.settings, NOW, Forms.load(), new_code, lambda: next(TOKENS))
                issues.close(turn, tx.lists.get("TEST-L"))
                found = tx.subscribers.find(house.list_id, parse_mailbox(people[0]))
                assert found is not None
                tx.subscribers.remove(found)

            await house.store.run(work)
            async with house.running():
                await house.drained()
            assert sorted(sink.recipients()) == people[1:]
