"""Crashes, stops and restarts: nothing lost, nothing twice that need not be."""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from delivery_child import start
from delivery_rig import (
    EXTENSIONS,
    QUICK,
    TIMEOUTS,
    Act,
    Clock,
    Command,
    House,
    Sink,
    left_behind,
    numbered,
    relay,
    until,
)

from listserv_py.delivery import hand
from listserv_py.delivery.journal import BEGUN, FOLDER, SENT, SUFFIX
from listserv_py.store.outcomes import ON_ITS_WAY


async def test_what_a_journal_says_was_taken_over_is_not_sent_again(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(6))
            post, single = await house.post(), await house.send("one@example.test")
            keys = [(post, 1), (post, 2), (post, 5), (single, None)]
            left_behind(tmp_path, dict(zip(keys, (BEGUN, SENT, SENT, SENT), strict=True)))
            async with house.running():
                await house.drained()
            assert sorted(sink.recipients()) == [
                f"reader{n:04d}@example.test" for n in (0, 2, 3, 5)
            ]
            assert list((tmp_path / FOLDER).iterdir()) == []
            assert await house.rows("SELECT state, sent FROM mailing") == [("done", 6)]
            assert await house.rows("SELECT * FROM delivered") == []


async def test_what_was_past_its_dot_when_all_died_is_tried_again_at_once(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            known, unknown = [await house.send(f"{n}@example.test") for n in ("one", "two")]
            late = int(house.clock()) + 900
            row = "UPDATE copy SET next_at = ?, last_reply = ?"
            await house.store.run(lambda tx: tx.db.execute(row, (late, ON_ITS_WAY)).rowcount)
            left_behind(tmp_path, {(known, None): SENT, (unknown, None): BEGUN})
            async with house.running():
                await house.drained()
            assert sink.recipients() == ["two@example.test"]


async def test_a_journal_of_nothing_that_we_know_changes_nothing(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(2))
            left_behind(tmp_path, {(99, 1): SENT})
            (tmp_path / FOLDER / f"1-1{SUFFIX}").write_bytes(os.urandom(400))
            async with house.running():
                await house.post()
                await house.drained()
            assert len(sink.taken) == 2


async def test_a_killed_server_loses_none_and_repeats_one_copy_a_connection_at_most(
    tmp_path: Path,
) -> None:
    """The process is killed while it sends, several times; the sink counts."""
    connections, kills, readers = 3, 4, 1500
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=connections))
        async with house.open():
            await house.subscribe(*numbered(readers))
            await house.post()
        for number in range(kills):
            child = await asyncio.to_thread(start, tmp_path, sink, connections)
            await sink.has_taken((number + 1) * readers // (kills + 2))
            child.send_signal(signal.SIGKILL)
            await asyncio.to_thread(child.wait)
        async with house.open():
            async with house.running():
                await house.drained()
            ((sent,),) = await house.rows("SELECT sent FROM mailing")
        counts = Counter(sink.recipients())
        assert set(counts) == set(numbered(readers))
        assert sent == readers
        assert sum(counts.values()) - readers <= kills * connections
        copies: dict[str, set[bytes]] = {}
        for mail in sink.taken:
            copies.setdefault(mail.rcpts[0], set()).add(mail.data + mail.sender.encode())
        assert all(len(found) == 1 for found in copies.values())


async def test_sigterm_finishes_what_is_in_hand_and_nothing_goes_out_twice(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=4))
        async with house.open():
            await house.subscribe(*numbered(1200))
            async with house.running():
                await house.post()
                await until(lambda: len(sink.taken) > 100)
            before = len(sink.taken)
            ((sent,),) = await house.rows("SELECT sent FROM mailing")
            assert sent == before < 1200
            async with house.running():
                await house.drained()
        counts = Counter(sink.recipients())
        assert len(counts) == 1200
        assert set(counts.values()) == {1}


async def test_one_silent_connection_does_not_hold_up_a_post(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(hand, "SPILL_AFTER", 0.1)
    monkeypatch.setattr(hand, "LOOK_EVERY", 0.05)
    muted: list[int] = []

    def answer(command: Command) -> Act | None:
        if command.verb == "DOT" and not muted:
            muted.append(command.connection)
            return Act.MUTE
        return None

    async with Sink(answer).listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink, connections=4))
        house.timeouts = QUICK
        async with house.open():
            await house.subscribe(*numbered(600))
            async with house.running():
                await house.post()

                async def one_waits() -> bool:
                    rows = await house.rows("SELECT tries, next_at FROM copy")
                    return len(rows) == 1 and rows[0][0] == 1

                await until(lambda: len(sink.taken) == 599)
                await until(one_waits)
                clock.now += 100
                house.engine.wake()
                await house.drained()
            assert Counter(Counter(sink.recipients()).values()) == {1: 600}
            assert await house.rows("SELECT state, sent FROM mailing") == [("done", 600)]


async def test_a_dead_host_makes_no_row_a_reader_and_is_asked_once_a_pause(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink, connections=20))
        async with house.open():
            await house.subscribe(*numbered(4000))
            async with Sink().listening() as dead:
                house.settings = House(tmp_path, clock, delivery=relay(dead)).settings
            async with house.running():
                await house.post()

                async def rests() -> bool:
                    return len(await house.rows("SELECT name FROM host")) == 1

                await until(rests)
                await until(lambda: not house.engine.in_hand)
                ((rows,),) = await house.rows("SELECT count(*) FROM copy")
                assert rows <= 2500
                (waiting,) = await house.waiting()
                assert waiting.to_come + waiting.waiting == 4000
                assert "refused" in waiting.reason.lower() or "connect" in waiting.reason.lower()
                assert waiting.next_at is not None
                for failures in (2, 3, 4):
                    clock.now += 3600
                    house.engine.wake()

                    async def failed_again(so_often: int = failures) -> bool:
                        return await house.rows("SELECT failures FROM host") == [(so_often,)]

                    await until(failed_again)
                    await until(lambda: not house.engine.in_hand)
                assert await house.rows("SELECT count(*) FROM copy") == [(rows,)]
            ((failures, next_at),) = await house.rows("SELECT failures, next_at FROM host")
            assert failures == 4
            async with house.running():
                # A restart does not dial before the pause is over.
                house.engine.wake()
            assert await house.rows("SELECT failures, next_at FROM host") == [(4, next_at)]


async def test_a_post_nobody_could_be_reached_for_in_time_blames_nobody(tmp_path: Path) -> None:
    async with Sink().listening() as gone:
        pass
    clock = Clock()
    house = House(tmp_path, clock, delivery=relay(gone))
    async with house.open():
        await house.subscribe(*numbered(3))
        await house.post()
        clock.now += 6 * 86400
        async with house.running():
            await house.drained()
        assert await house.rows("SELECT state FROM mailing") == [("expired",)]
        assert await house.rows("SELECT subscriber_id, status FROM bounce") == [(None, "4.4.7")]


async def test_a_copy_put_off_for_five_days_ends_in_a_bounce_record(tmp_path: Path) -> None:
    def answer(command: Command) -> str | None:
        return "450 4.2.1 not now" if command.verb == "RCPT" else None

    async with Sink(answer).listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink, retry=["3d"]))
        async with house.open():
            await house.subscribe("one@example.test")
            async with house.running():
                await house.post()
                for days in (4, 2):

                    async def is_put_off() -> bool:
                        rows = await house.rows("SELECT next_at FROM copy")
                        return bool(rows) and rows[0][0] > clock()

                    await until(is_put_off)
                    clock.now += days * 86400
                    house.engine.wake()
                await house.drained()
            assert sink.verbs().count("RCPT") == 3
            assert await house.rows("SELECT address, status, subscriber_id FROM bounce") == [
                ("one@example.test", "4.4.7", 1)
            ]


async def test_who_unsubscribes_before_his_turn_gets_no_copy(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(hand, "LOOK_EVERY", 0.05)
    script: dict[str, Act | None] = {"first": Act.MUTE}

    def answer(command: Command) -> Act | None:
        return script["first"] if command.verb == "DOT" and command.connection == 1 else None

    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=1))
        house.timeouts = QUICK
        async with house.open():
            await house.subscribe(*numbered(8))
            async with house.running():
                await house.post()
                await until(lambda: "DOT" in sink.verbs())
                await house.unsubscribe("reader0006@example.test")

                async def all_but_one() -> bool:
                    return len(sink.taken) == 6

                await until(all_but_one)
            assert "reader0006@example.test" not in sink.recipients()


@pytest.mark.parametrize("extensions", [EXTENSIONS, ("8BITMIME",)])
async def test_work_that_comes_while_the_only_connection_leaves_is_not_left_behind(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    def answer(command: Command) -> Act | None:
        return Act.MUTE if command.verb == "QUIT" else None

    async with Sink(answer, extensions=extensions).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=1))
        house.timeouts = replace(TIMEOUTS, idle=0.05, command=1000)
        async with house.open(), house.running():
            for number in range(1, 4):
                await house.send(f"reader{number}@example.test")
                await until(lambda many=number: sink.verbs().count("QUIT") == many)  # type: ignore[misc]
        assert len(sink.taken) == 3
