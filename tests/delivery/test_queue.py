"""What waits, as the operator sees and steers it; who goes first; Maildirs."""

from pathlib import Path

from delivery_rig import POST, Clock, Command, House, Sink, numbered, relay, until

from listserv_py.lists.options import HeaderStyle, Options
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.outbox import Kind


def later(command: Command) -> str | None:
    return "450 4.2.1 greylisted" if command.verb == "RCPT" else None


async def test_queue_says_what_waits_why_and_until_when(tmp_path: Path) -> None:
    async with Sink(later).listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(3))
            async with house.running():
                post = await house.post()
                single = await house.send("one@example.test", kind=Kind.CONFIRMATION)

                async def all_wait() -> bool:
                    return await house.rows("SELECT count(*) FROM copy WHERE tries = 1") == [(4,)]

                await until(all_wait)
            first, second = await house.waiting()
            assert (first.id, first.kind, first.listname, first.to) == (post, "post", "TEST-L", "")
            assert (first.waiting, first.to_come, first.sent, first.held) == (3, 0, 0, False)
            assert first.reason == "450 4.2.1 greylisted"
            assert first.next_at is not None
            assert 48 <= first.next_at - clock() <= 72
            assert (second.id, second.kind, second.to) == (
                single, "confirmation", "one@example.test"
            )  # fmt: skip
            detail = await house.store.read(lambda tx: tx.outbox.show(post))
            assert [copy.rcpt for copy in detail.copies].sort() == list(numbered(3)).sort()
            assert "Subject: A post" in detail.head
            assert await house.store.read(lambda tx: tx.outbox.show(99)) is None


async def test_retry_ignores_every_pause(tmp_path: Path) -> None:
    async with Sink(later).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(30))
            async with house.running():
                await house.post()

                async def rests() -> bool:
                    # Put off one after the other, the copies make the host rest as a whole.
                    return len(await house.rows("SELECT name FROM host")) == 1

                await until(rests)
                sink.answer = lambda _: None
                assert await house.store.run(lambda tx: tx.outbox.retry(None)) == 1
                house.engine.wake()
                await house.drained()
            assert sorted(sink.recipients()) == list(numbered(30))


async def test_held_mail_stays_until_retry(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(3))
            post, single = await house.post(), await house.send("one@example.test")
            assert await house.store.run(lambda tx: tx.outbox.hold_all()) == 2
            async with house.running():
                await house.send("two@example.test")
                await until(lambda: sink.recipients() == ["two@example.test"])
                assert [one.held for one in await house.waiting()][:2] == [True, True]
                await house.store.run(lambda tx: tx.outbox.retry(single))
                house.engine.wake()
                await until(lambda: "one@example.test" in sink.recipients())
                await house.store.run(lambda tx: tx.outbox.retry(post))
                house.engine.wake()
                await house.drained()
            assert len(sink.taken) == 5


async def test_dropped_mail_is_not_sent(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(3))
            post, single = await house.post(), await house.send("one@example.test")
            assert await house.store.run(lambda tx: tx.outbox.drop(post))
            assert await house.store.run(lambda tx: tx.outbox.drop(single))
            assert not await house.store.run(lambda tx: tx.outbox.drop(single))
            async with house.running():
                await house.send("two@example.test")
                await house.drained()
            assert sink.recipients() == ["two@example.test"]


async def test_erasing_a_person_takes_his_waiting_mail_along(tmp_path: Path) -> None:
    async with Sink(later).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.send("One@example.test")
            await house.send("two@example.test")
            await house.store.run(lambda tx: tx.outbox.erase(parse_mailbox("one@example.test")))
            assert [one.to for one in await house.waiting()] == ["two@example.test"]
            assert await house.rows("SELECT count(*) FROM content") == [(1,)]


async def test_the_view_of_a_million_copies_is_counted_by_indexes(tmp_path: Path) -> None:
    house = House(tmp_path, Clock())
    async with house.open():
        plans = await house.rows(
            "EXPLAIN QUERY PLAN SELECT count(*) FROM copy WHERE mailing_id = 1"
        )
        assert "USING COVERING INDEX" in str(plans)
        plans = await house.rows(
            "EXPLAIN QUERY PLAN SELECT count(*) FROM subscriber s"
            " WHERE s.list_id = 1 AND s.id > 5 AND s.id <= 100"
        )
        assert "USING COVERING INDEX" in str(plans)


async def test_a_confirmation_does_not_wait_behind_a_post(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=2))
        async with house.open():
            await house.subscribe(*numbered(3000))
            async with house.running():
                await house.post()
                await until(lambda: len(sink.taken) > 50)
                before = len(sink.taken)
                await house.send("one@example.test", kind=Kind.CONFIRMATION)
                await until(lambda: "one@example.test" in sink.recipients())
                at = sink.recipients().index("one@example.test")
                await house.drained()
            assert at - before < 1500
            assert len(sink.taken) == 3001


async def test_two_posts_take_turns(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=1))
        async with house.open():
            await house.subscribe(*numbered(3000))
            first = await house.post()
            second = await house.post(POST.replace(b"A post", b"Second"))
            async with house.running():
                await house.drained()
            found = [b"Second" in mail.data for mail in sink.taken]
            assert found.index(True) <= 1500
            assert len(found) == 6000
            assert await house.rows("SELECT id, sent FROM mailing") == [
                (first, 3000), (second, 3000)
            ]  # fmt: skip


async def test_options_choose_the_variant_and_the_author_gets_none_of_his_own(
    tmp_path: Path,
) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe("author@example.org", options=Options(repro=False))
            await house.subscribe("off@example.test", options=Options(mail=False))
            await house.subscribe("full@example.test")
            for name in ("p1", "p2"):
                personal = Options(header=HeaderStyle.FULL822)
                await house.subscribe(f"{name}@example.test", options=personal)
            async with house.running():
                await house.post(author_key="author@example.org")
                await house.drained()
        by_rcpt = {mail.rcpts[0]: mail for mail in sink.taken}
        assert sorted(by_rcpt) == ["full@example.test", "p1@example.test", "p2@example.test"]
        for name in ("p1", "p2"):
            assert f"To: {name}@example.test".encode() in by_rcpt[f"{name}@example.test"].data
        senders = {mail.sender for mail in sink.taken}
        assert len(senders) == 3
        assert all(
            one.startswith("owner-test-l+") and one.endswith("@lists.test") for one in senders
        )


async def test_a_post_that_everybody_rejects_is_given_up(tmp_path: Path) -> None:
    def answer(command: Command) -> str | None:
        return "554 5.7.1 spam" if command.verb == "DOT" else None

    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(5000))
            async with house.running():
                await house.post()
                await house.drained()
            assert await house.rows("SELECT state FROM mailing") == [("refused",)]
            assert await house.rows("SELECT count(*) FROM bounce WHERE subscriber_id NOT NULL") == [
                (0,)
            ]
            assert sink.verbs().count("DOT") <= 2600


async def test_a_mail_that_cannot_be_rendered_is_set_aside(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(3))
            post = await house.post()
            await house.store.run(
                lambda tx: tx.db.execute("UPDATE mailing SET facts = '{' WHERE id = ?", (post,))
            )
            async with house.running():
                await house.send("one@example.test")

                async def is_held() -> bool:
                    return [one.held for one in await house.waiting()] == [True]

                await until(is_held)
            assert sink.recipients() == ["one@example.test"]


async def test_mail_becomes_files(tmp_path: Path) -> None:
    house = House(tmp_path, Clock(), delivery={"transport": "maildir"})
    async with house.open():
        await house.subscribe("a@example.test", "B.C@example.test")
        async with house.running():
            await house.post()
            await house.send('"../evil"@example.test')
            await house.drained()
    found = sorted(path.parts[-3] for path in (tmp_path / "maildir").glob("*/new/*"))
    assert found == ["%22..%2Fevil%22@example.test", "B.C@example.test", "a@example.test"]
    (copy,) = (tmp_path / "maildir" / "a@example.test" / "new").iterdir()
    raw = copy.read_bytes()
    assert raw.startswith(b"Return-Path: <owner-test-l+")
    assert b"\r" not in raw
    assert b"\n.a line that begins with a dot\n" in raw
