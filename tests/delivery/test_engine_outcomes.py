"""Codes times stages: what a host says at each step, and what becomes of copy and host."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from delivery_rig import (
    EXTENSIONS,
    QUICK,
    TCP_REPAIR,
    Act,
    Clock,
    Command,
    House,
    Sink,
    relay,
    until,
)

PIPELINED = EXTENSIONS
PLAIN = tuple(name for name in EXTENSIONS if name != "PIPELINING")
both = pytest.mark.parametrize("extensions", [PIPELINED, PLAIN], ids=["pipelined", "plain"])


def at(verb: str, answer: str | Act, to: str = "") -> Callable[[Command], str | Act | None]:
    return lambda c: answer if c.verb == verb and to in c.argument else None


@both
@pytest.mark.parametrize(
    ("verb", "answer", "bounces"),
    [
        ("RCPT", "550 5.1.1 no such user", [("bad@example.test", 550, "5.1.1", True)]),
        ("RCPT", "553 what is this", [("bad@example.test", 553, "", True)]),
        ("MAIL", "550 5.7.1 not you", [("bad@example.test", 550, "5.7.1", False)]),
        ("DATA", "554 5.7.1 no", [("bad@example.test", 554, "5.7.1", False)]),
        ("DOT", "554 5.6.0 spam", [("bad@example.test", 554, "5.6.0", False)]),
    ],
)
async def test_5xx_ends_in_a_bounce_record_that_blames_the_recipient_at_rcpt_only(
    tmp_path: Path,
    extensions: tuple[str, ...],
    verb: str,
    answer: str,
    bounces: list[tuple[str, int, str, bool]],
) -> None:
    async with Sink(at(verb, answer), extensions).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe("bad@example.test")
            async with house.running():
                await house.post()
                await house.drained()
            found = await house.rows(
                "SELECT address, code, status, subscriber_id IS NOT NULL FROM bounce"
            )
            assert found == bounces
            assert sink.taken == []
            assert await house.rows("SELECT state, sent, failed FROM mailing") == [("done", 0, 1)]


@both
@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("RCPT", "450 4.2.1 greylisted"),
        ("RCPT", "451 later"),
        ("RCPT", "452 4.2.2 full"),
        ("RCPT", "552 too many"),
        ("MAIL", "450 4.7.1 slow down"),
        ("DATA", "451 4.7.0 later"),
        ("DOT", "451 4.7.1 later"),
        ("DOT", Act.DROP),
    ],
)
async def test_4xx_and_silence_after_the_dot_wait_and_are_tried_again(
    tmp_path: Path, extensions: tuple[str, ...], verb: str, answer: str | Act
) -> None:
    scripted = at(verb, answer, "" if verb != "RCPT" else "bad")
    async with Sink(scripted, extensions).listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink))
        async with house.open():
            await house.subscribe("bad@example.test")
            async with house.running():
                await house.post()

                async def is_put_off() -> bool:
                    return await house.rows("SELECT tries FROM copy") == [(1,)]

                await until(is_put_off)
                (copy,) = await house.rows("SELECT next_at, state FROM copy")
                assert 48 <= copy[0] - clock() <= 72
                assert await house.rows("SELECT * FROM host") == []
                sink.answer = lambda _: None
                clock.now += 72
                house.engine.wake()
                await house.drained()
            assert sink.recipients() == ["bad@example.test"]
            assert await house.rows("SELECT * FROM bounce") == []


@both
@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
async def test_421_anywhere_lets_the_whole_host_rest(
    tmp_path: Path, extensions: tuple[str, ...], verb: str
) -> None:
    async with Sink(at(verb, "421 4.3.2 closing"), extensions).listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink))
        async with house.open():
            async with house.running():
                await house.send("one@example.test")

                async def rests() -> bool:
                    return len(await house.rows("SELECT name FROM host")) == 1

                await until(rests)
                connections = sink.verbs().count("CONNECT")
                await house.send("two@example.test")
                await house.send("three@example.test")
                sink.answer = lambda _: None
                house.engine.wake()
                clock.now += 30
                house.engine.wake()
                assert sink.verbs().count("CONNECT") == connections
                clock.now += 45
                house.engine.wake()
                await house.drained()
            assert sorted(sink.recipients()) == [
                "one@example.test", "three@example.test", "two@example.test"
            ]  # fmt: skip
            assert await house.rows("SELECT * FROM host") == []
            assert await house.rows("SELECT * FROM bounce") == []


@both
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_connection_lost_before_the_dot_costs_no_second_copy_and_no_pause(
    tmp_path: Path, extensions: tuple[str, ...], verb: str
) -> None:
    def answer(command: Command) -> Act | None:
        return Act.DROP if command.verb == verb and command.connection == 1 else None

    async with Sink(answer, extensions).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open(), house.running():
            await house.send("one@example.test")
            await house.drained()
            assert sink.recipients() == ["one@example.test"]


@both
async def test_one_refused_recipient_leaves_the_others_of_its_page_alone(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    async with Sink(at("RCPT", "550 5.1.1 no", "reader0001@"), extensions).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*(f"reader{n:04d}@example.test" for n in range(4)))
            async with house.running():
                await house.post()
                await house.drained()
            assert sorted(sink.recipients()) == [f"reader{n:04d}@example.test" for n in (0, 2, 3)]
            assert await house.rows("SELECT address FROM bounce") == [("reader0001@example.test",)]


@both
async def test_silence_after_the_dot_is_unknown_and_only_that_copy_is_tried_again(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    def answer(command: Command) -> Act | None:
        return Act.MUTE if command.verb == "DOT" and command.connection == 1 else None

    async with Sink(answer, extensions).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=2))
        house.timeouts = QUICK
        async with house.open():
            await house.subscribe(*(f"reader{n}@example.test" for n in range(3)))
            async with house.running():
                await house.post()

                async def one_is_left() -> bool:
                    return await house.rows("SELECT tries FROM copy") == [(1,)]

                await until(one_is_left)
            ((rcpt,),) = await house.rows("SELECT rcpt FROM copy")
            assert len(sink.taken) == 2
            assert rcpt not in sink.recipients()


def can_vanish() -> bool:
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except OSError:
            return False
    return True


@pytest.mark.skipif(not can_vanish(), reason="needs CAP_NET_ADMIN, to close a socket in silence")
@both
@pytest.mark.parametrize("verb", ["MAIL", "DOT"])
async def test_a_host_that_is_gone_without_a_word_costs_one_copy_a_pause(
    tmp_path: Path, extensions: tuple[str, ...], verb: str
) -> None:
    """Half-open: the network says nothing, ever; what went before stays delivered once."""

    def answer(command: Command) -> Act | None:
        gone = command.verb == verb and command.nth == 2 and command.connection == 1
        return Act.VANISH if gone else None

    async with Sink(answer, extensions).listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink, connections=1))
        house.timeouts = replace(QUICK, command=1, data=1, final=1)
        async with house.open():
            await house.subscribe(*(f"reader{n}@example.test" for n in range(4)))
            async with house.running():
                await house.post()
                if verb == "DOT":

                    async def one_is_left() -> bool:
                        return await house.rows("SELECT tries FROM copy") == [(1,)]

                    await until(one_is_left)
                    clock.now += 72
                    house.engine.wake()
                await house.drained()
            assert sorted(sink.recipients()) == [f"reader{n}@example.test" for n in range(4)]


@both
@pytest.mark.parametrize("nth", [3, 5])
async def test_421_in_the_middle_of_the_recipients_sends_nobody_a_copy_twice(
    tmp_path: Path, extensions: tuple[str, ...], nth: int
) -> None:
    """Those accepted before it have nothing either: the transaction has ended without its dot."""

    def answer(command: Command) -> str | None:
        if command.verb != "RCPT" or command.connection > 1:
            return None
        if command.nth == 2:
            return "550 5.1.1 nobody"
        return "421 4.3.2 closing" if command.nth == nth else None

    async with Sink(answer, extensions).listening() as sink:
        clock = Clock()
        house = House(tmp_path, clock, delivery=relay(sink, connections=1))
        async with house.open():
            await house.subscribe(*(f"reader{n}@example.test" for n in range(5)))
            async with house.running():
                await house.post(verp=False)

                async def rests() -> bool:
                    return len(await house.rows("SELECT name FROM host")) == 1

                await until(rests)
                assert sink.taken == []
                clock.now += 90
                house.engine.wake()
                await house.drained()
            refused = {address for (address,) in await house.rows("SELECT address FROM bounce")}
            everybody = {f"reader{n}@example.test" for n in range(5)}
            assert sorted(sink.recipients()) == sorted(everybody - refused)
            assert refused == {"reader1@example.test"}


async def test_a_host_that_wants_a_login_is_no_fault_of_the_mail(tmp_path: Path) -> None:
    async with Sink(at("MAIL", "530 5.7.0 log in first")).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open(), house.running():
            await house.send("one@example.test")

            async def rests() -> bool:
                return len(await house.rows("SELECT name FROM host")) == 1

            await until(rests)
            assert await house.rows("SELECT tries, state FROM copy") == [(0, "waiting")]


async def test_garbage_for_a_reply_hands_nothing_over(tmp_path: Path) -> None:
    def answer(command: Command) -> str | None:
        return "hello there" if command.verb == "DATA" and command.connection < 3 else None

    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open(), house.running():
            await house.send("one@example.test")
            await house.drained()
            assert len(sink.taken) == 1


async def test_a_mail_refused_whose_body_is_wanted_all_the_same_is_not_sent(tmp_path: Path) -> None:
    def answer(command: Command) -> str | None:
        return {"MAIL": "550 5.7.1 no", "RCPT": "250 ok", "DATA": "354 go"}.get(command.verb)

    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open(), house.running():
            await house.send("one@example.test")
            await house.drained()
            assert sink.taken == []
            assert await house.rows("SELECT code FROM bounce") == [(550,)]
