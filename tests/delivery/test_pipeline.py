"""Both kinds of connection by themselves: several recipients, order, replies in pieces."""

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from delivery_rig import EXTENSIONS, NOW, TIMEOUTS, Act, Command, Sink

from listserv_py.delivery.client import Dialer, Policy, Timeouts
from listserv_py.delivery.copies import Batch, Copy
from listserv_py.delivery.form import Caps
from listserv_py.delivery.journal import Journals
from listserv_py.delivery.pipeline import Pipeline, Transaction
from listserv_py.delivery.plain import Plain
from listserv_py.delivery.render import Variant
from listserv_py.delivery.replies import Reply, Stage
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.route import Host, family_of
from listserv_py.delivery.wire import Letter

BRIEF = replace(TIMEOUTS, idle=0.02)
PLAIN = tuple(name for name in EXTENSIONS if name != "PIPELINING")


@dataclass
class Notes:
    """A feed that notes what it is told."""

    transactions: list[list[Copy]]
    told: list[tuple[Stage, int, list[str]]] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    lost: tuple[list[str], list[str]] = ([], [])
    why: Reply | None = None

    def take(self, caps: Caps) -> Transaction | None:
        if not self.transactions:
            return None
        copies = self.transactions.pop(0)
        form = copies[0].letter.form(caps)
        assert form is not None
        return form, copies

    def answered(self, stage: Stage, reply: Reply, copies: list[Copy]) -> bool:
        self.told.append((stage, reply.code, [copy.rcpt for copy in copies]))
        return reply.code != 421

    def too_many(self, copies: list[Copy]) -> None:
        self.rest += [copy.rcpt for copy in copies]
        self.transactions.append(copies)

    def broken(self, reply: Reply, ahead: list[Copy], behind: list[Copy]) -> None:
        self.why = reply
        self.lost = ([copy.rcpt for copy in ahead], [copy.rcpt for copy in behind])


def transactions(folder: Path, *shapes: int) -> list[list[Copy]]:
    """So many transactions, each with so many recipients."""
    letter = Letter(lambda _: Variant(b"Subject: x\r\n", b"body\r\n"), (), 0)
    section = Journals(folder).section(100)
    batch = Batch(Patience((60,), 1000), lambda: int(NOW.timestamp()), lambda _: None, section)
    return [
        [
            Copy(1, n, f"r{number}{n}@example.test", b"owner@lists.test", letter, 0, batch)
            for n in range(shape)
        ]
        for number, shape in enumerate(shapes)
    ]


async def run(sink: Sink, feed: Notes, timeouts: Timeouts = BRIEF) -> None:
    host = Host("127.0.0.1", sink.port, ((family_of("127.0.0.1"), "127.0.0.1"),))
    session = await Dialer(Policy("lists.test", "never", TIMEOUTS)).open(host)
    kind = Pipeline if session.caps.pipelining else Plain
    connection = kind(session, feed, timeouts)
    await connection.closed


both = pytest.mark.parametrize("extensions", [EXTENSIONS, PLAIN], ids=["pipelined", "plain"])


@both
async def test_the_next_envelope_rides_behind_the_body(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    feed = Notes(transactions(tmp_path, 1, 1, 1))
    async with Sink(extensions=extensions).listening() as sink:
        await run(sink, feed)
    assert feed.told == [(Stage.DOT, 250, [f"r{n}0@example.test"]) for n in range(3)]
    assert sink.verbs()[2:] == [*(["MAIL", "RCPT", "DATA", "DOT"] * 3), "QUIT"]
    assert feed.lost == ([], [])


@both
async def test_each_recipient_has_his_own_outcome(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    def answer(command: Command) -> str | None:
        return {"r01": "550 5.1.1 no", "r02": "450 4.2.1 later"}.get(command.argument[4:7])

    feed = Notes(transactions(tmp_path, 4, 1))
    async with Sink(answer, extensions).listening() as sink:
        await run(sink, feed)
    assert feed.told == [
        (Stage.RCPT, 550, ["r01@example.test"]),
        (Stage.RCPT, 450, ["r02@example.test"]),
        (Stage.DOT, 250, ["r00@example.test", "r03@example.test"]),
        (Stage.DOT, 250, ["r10@example.test"]),
    ]


@both
@pytest.mark.parametrize("reply", ["452 4.5.3 too many", "552 too many"])
async def test_too_many_recipients_go_in_a_transaction_of_their_own_now(
    tmp_path: Path, extensions: tuple[str, ...], reply: str
) -> None:
    def answer(command: Command) -> str | None:
        return reply if command.verb == "RCPT" and command.nth in (3, 4) else None

    feed = Notes(transactions(tmp_path, 4))
    async with Sink(answer, extensions).listening() as sink:
        await run(sink, feed)
    assert feed.rest == ["r02@example.test", "r03@example.test"]
    assert sorted(sink.recipients()) == [f"r0{n}@example.test" for n in range(4)]
    assert sink.verbs().count("CONNECT") == 1


@both
async def test_no_accepted_recipient_no_body(tmp_path: Path, extensions: tuple[str, ...]) -> None:
    def answer(command: Command) -> str | None:
        if command.verb == "RCPT" and "r0" in command.argument:
            return "550 5.1.1 no"
        # RFC 2920 3.1: a server may say 354 all the same.
        return "354 go" if command.verb == "DATA" else None

    feed = Notes(transactions(tmp_path, 2, 1))
    async with Sink(answer, extensions).listening() as sink:
        await run(sink, feed)
    assert sink.recipients() == ["r10@example.test"]
    assert [code for _, code, _ in feed.told] == [550, 550, 250]


@both
@pytest.mark.parametrize("verb", ["MAIL", "DATA"])
async def test_the_transaction_behind_a_refused_one_starts_clean(
    tmp_path: Path, extensions: tuple[str, ...], verb: str
) -> None:
    def answer(command: Command) -> str | None:
        return "550 5.7.1 no" if command.verb == verb and command.nth == 1 else None

    feed = Notes(transactions(tmp_path, 2, 1))
    async with Sink(answer, extensions).listening() as sink:
        await run(sink, feed)
    assert [(stage.name, code, len(copies)) for stage, code, copies in feed.told] == [
        (verb, 550, 2), ("DOT", 250, 1)
    ]  # fmt: skip
    assert sink.recipients() == ["r10@example.test"]


@both
@pytest.mark.parametrize(
    ("verb", "lost"),
    [("MAIL", (1, 0)), ("RCPT", (1, 0)), ("DATA", (1, 0)), ("DOT", (0, 1))],
)
async def test_what_a_lost_connection_leaves(
    tmp_path: Path, extensions: tuple[str, ...], verb: str, lost: tuple[int, int]
) -> None:
    def answer(command: Command) -> Act | None:
        return Act.DROP if command.verb == verb else None

    feed = Notes(transactions(tmp_path, 1))
    async with Sink(answer, extensions).listening() as sink:
        await run(sink, feed)
    assert (len(feed.lost[0]), len(feed.lost[1])) == lost
    assert feed.told == []


@both
async def test_an_idle_connection_says_quit(tmp_path: Path, extensions: tuple[str, ...]) -> None:
    feed = Notes(transactions(tmp_path, 1))
    async with Sink(extensions=extensions).listening() as sink:
        await run(sink, feed)
    assert sink.verbs()[-1] == "QUIT"


async def test_replies_in_pieces_and_of_several_lines(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replies = (
            b"220 hi\r\n", b"250-x\r\n250 PIPELINING\r\n",
            b"250-2.1.0 a\r\n250 2.1.0 b\r\n250 ok\r\n354 go\r\n", b"250-one\r\n250 two\r\n",
        )  # fmt: skip
        for number, reply in enumerate(replies):
            if number == 3:
                await reader.readuntil(b"\r\n.\r\n")
            elif number:
                await reader.readuntil(b"DATA\r\n" if number == 2 else b"\r\n")
            for at in range(len(reply)):
                writer.write(reply[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sink = Sink(port=server.sockets[0].getsockname()[1])
    feed = Notes(transactions(tmp_path, 1))
    await run(sink, feed)
    server.close()
    await server.wait_closed()
    assert feed.told == [(Stage.DOT, 250, ["r00@example.test"])]


@pytest.mark.parametrize("noise", [b"x" * 100_000, b"250-" + b"y\r\n250-" * 20_000, b"\r\n", b"25"])
async def test_noise_ends_the_connection(tmp_path: Path, noise: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250-x\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(noise)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sink = Sink(port=server.sockets[0].getsockname()[1])
    feed = Notes(transactions(tmp_path, 1))
    await run(sink, feed, replace(BRIEF, command=0.2 if noise == b"25" else 20))
    server.close()
    await server.wait_closed()
    assert feed.lost == (["r00@example.test"], [])


@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "in pieces"])
@pytest.mark.parametrize(
    ("replies", "codes", "then"),
    [
        ("250 a\n250 b\n250 c\n354 d\n", [250], b"Subject"),
        ("250 a\n250-b\n250 b\n250 c\n354 d\n", [250], b"Subject"),
        ("251 a\n250 b\n251 c\n354 d\n", [251], b"Subject"),
        ("450 a\n250 b\n250 c\n354 d\n", [450], b"Subject"),
        ("250 a\n550 b\n250 c\n354 d\n", [250, 550], b""),
        ("250 a\n250 b\n550 c\n354 d\n", [250, 550], b"."),
        ("250 a\n250 b\n250 c\n554 d\n", [250, 554], b"RSET"),
        ("250 a\n250 b\n250 c\n250 d\n", [250, 250], b"RSET"),
        ("250 a\n250 b\n250 c\n354-d\n", [250], b""),
        ("250 a\n250 b\n250 c\n354 d\n250 e\n", [250, 250], b"Subject"),
    ],
)
async def test_each_reply_is_read_before_a_body_goes(
    tmp_path: Path, is_whole: bool, replies: str, codes: list[int], then: bytes
) -> None:
    said: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250-x\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 a\r\n250 b\r\n354 c\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        await reader.readuntil(b"DATA\r\n")
        raw = replies.encode().replace(b"\n", b"\r\n")
        for piece in [raw] if is_whole else [raw[at : at + 1] for at in range(len(raw))]:
            writer.write(piece)
            await asyncio.sleep(0)
        with contextlib.suppress(ConnectionError):
            if replies.endswith("-d\n"):
                writer.write_eof()  # its last line will not come: nobody has to wait for it
            said.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    sink = Sink(port=server.sockets[0].getsockname()[1])
    feed = Notes(transactions(tmp_path, 1, 1))
    await run(sink, feed)
    server.close()
    await server.wait_closed()
    assert [code for _, code, _ in feed.told] == codes
    assert b"".join(said).startswith(then)
    assert any(said) == bool(then)
