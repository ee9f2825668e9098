"""How sessions are opened: TLS, login, what the host can take."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from delivery_rig import EXTENSIONS, SINGLE, Clock, Command, House, Sink, numbered, relay, until

PLAIN = tuple(name for name in EXTENSIONS if name != "PIPELINING")
EIGHT = SINGLE.replace(b"Hello\r\n", "Grüße\r\n".encode()).replace(
    b"Subject:",
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\nSubject:",
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(found)
    return found


@pytest.fixture
def trusting(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with authority.cert_pem.tempfile() as file:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        yield


@pytest.mark.parametrize("extensions", [EXTENSIONS, PLAIN], ids=["pipelined", "plain"])
async def test_opportunistic_takes_any_certificate(
    tmp_path: Path, context: ssl.SSLContext, extensions: tuple[str, ...]
) -> None:
    async with Sink(extensions=extensions, context=context).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, tls="opportunistic"))
        async with house.open(), house.running():
            await house.subscribe(*numbered(30))
            await house.post()
            await house.drained()
    assert len(sink.taken) == 30
    assert sink.tls_seen[:2] == [False, True]


async def test_a_broken_handshake_is_followed_by_a_new_connection_in_clear(tmp_path: Path) -> None:
    def answer(command: Command) -> str | None:
        return "220 go\r\nnonsense instead of a handshake" if command.verb == "STARTTLS" else None

    broken = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with Sink(answer, context=broken).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, tls="opportunistic"))
        async with house.open(), house.running():
            await house.send("one@example.test")
            await house.drained()
        assert sink.taken[0].connection == 2
        assert sink.verbs().count("STARTTLS") == 1


@pytest.mark.parametrize("case", ["not offered", "not trusted"])
async def test_required_never_falls_back(
    tmp_path: Path, context: ssl.SSLContext, case: str
) -> None:
    offered = context if case == "not trusted" else None
    async with Sink(context=offered).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, tls="required"))
        async with house.open(), house.running():
            await house.send("one@example.test")

            async def rests() -> bool:
                return len(await house.rows("SELECT name FROM host")) == 1

            await until(rests)
            assert "MAIL" not in sink.verbs()
            ((reason,),) = await house.rows("SELECT reason FROM host")
            assert "TLS" in reason


@pytest.mark.usefixtures("trusting")
async def test_required_with_a_good_certificate(tmp_path: Path, context: ssl.SSLContext) -> None:
    async with Sink(context=context).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, tls="required"))
        async with house.open(), house.running():
            await house.send("one@example.test")
            await house.drained()
        assert len(sink.taken) == 1


def _login(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "password").write_text("s3cret\nmore\n")
    return {"username": "us", "password_file": str(tmp_path / "password")}


async def test_the_relay_is_logged_in_to(tmp_path: Path, context: ssl.SSLContext) -> None:
    def answer(command: Command) -> str | None:
        return "235 2.7.0 welcome" if command.verb == "AUTH" else None

    extensions = (*EXTENSIONS, "AUTH PLAIN")
    async with Sink(answer, extensions, context).listening() as sink:
        delivery = relay(sink, **_login(tmp_path), tls="opportunistic")
        house = House(tmp_path, Clock(), delivery=delivery)
        async with house.open(), house.running():
            await house.send("one@example.test")
            await house.drained()
        (auth,) = [command for command in sink.said if command.verb == "AUTH"]
        assert auth.argument == "PLAIN AHVzAHMzY3JldA=="


async def test_a_refused_login_is_no_fault_of_the_mail(tmp_path: Path) -> None:
    def answer(command: Command) -> str | None:
        return "535 5.7.8 no" if command.verb == "AUTH" else None

    async with Sink(answer, (*EXTENSIONS, "AUTH PLAIN")).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, **_login(tmp_path)))
        async with house.open(), house.running():
            await house.send("one@example.test")

            async def rests() -> bool:
                return len(await house.rows("SELECT name FROM host")) == 1

            await until(rests)
            assert await house.rows("SELECT tries FROM copy") == [(0,)]
            assert "s3cret" not in str(await house.rows("SELECT * FROM host"))


@pytest.mark.parametrize(
    ("extensions", "arguments", "is_ascii"),
    [
        (EXTENSIONS, "BODY=8BITMIME", False),
        (("PIPELINING", "SIZE 10"), "", True),
        (PLAIN, "BODY=8BITMIME", False),
        ((), "", True),
    ],
)
async def test_a_host_without_8bitmime_gets_seven_bits(
    tmp_path: Path, extensions: tuple[str, ...], arguments: str, is_ascii: bool
) -> None:
    async with Sink(extensions=extensions).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open(), house.running():
            await house.subscribe("one@example.test")
            await house.post(EIGHT)
            await house.send("two@example.test", EIGHT)
            await house.drained()
    assert len(sink.taken) == 2
    for mail in sink.taken:
        words = [word for word in mail.arguments.split() if not word.startswith("SIZE=")]
        assert " ".join(words) == arguments
        assert mail.data.isascii() == is_ascii


async def test_a_utf8_header_is_encoded_for_a_host_without_smtputf8(tmp_path: Path) -> None:
    async with Sink(extensions=("PIPELINING", "8BITMIME")).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open(), house.running():
            await house.subscribe("one@example.test")
            await house.post(EIGHT.replace(b"A reply", "Grüße".encode()))
            await house.drained()
    (mail,) = sink.taken
    assert b"Subject: =?utf-8?" in mail.data
    assert mail.data.isascii()


async def test_utf8_addresses_go_only_to_who_offers_it(tmp_path: Path) -> None:
    for extensions in (EXTENSIONS, ("PIPELINING", "8BITMIME")):
        folder = tmp_path / str(len(extensions))
        folder.mkdir()
        async with Sink(extensions=extensions).listening() as sink:
            house = House(folder, Clock(), delivery=relay(sink))
            async with house.open(), house.running():
                await house.send("jürgen@example.test")
                await house.send("plain@example.test")
                await house.drained()
                bounces = await house.rows("SELECT address, status FROM bounce")
        if "SMTPUTF8" in extensions:
            assert sorted(sink.recipients()) == ["jürgen@example.test", "plain@example.test"]
            assert {mail.arguments.split()[-1] for mail in sink.taken if "ü" in mail.rcpts[0]} == {
                "SMTPUTF8"
            }
            assert bounces == []
        else:
            assert sink.recipients() == ["plain@example.test"]
            assert bounces == [("jürgen@example.test", "5.6.7")]


async def test_no_more_connections_than_allowed_and_they_are_used_again(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=3))
        async with house.open(), house.running():
            await house.subscribe(*numbered(300))
            await house.post()
            await house.drained()
        assert sink.verbs().count("CONNECT") <= 3
        assert len(sink.taken) == 300


async def test_a_host_that_takes_fewer_connections_than_we_would_open_is_not_blamed(
    tmp_path: Path,
) -> None:
    def answer(command: Command) -> str | None:
        many = command.verb == "CONNECT" and command.connection > 2
        return "421 4.7.0 too many connections" if many else None

    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=10))
        async with house.open(), house.running():
            await house.subscribe(*numbered(300))
            await house.post()
            await house.drained()
            assert await house.rows("SELECT * FROM host") == []
        assert len(sink.taken) == 300


async def test_a_large_mail_goes_out_whole(tmp_path: Path) -> None:
    large = SINGLE + b"0123456789abcdef" * 4 * 40_000 + b"\r\n"
    large = large.replace(b"f0123", b"f\r\n0123")
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open(), house.running():
            await house.send("one@example.test", large)
            await house.send("two@example.test")
            await house.drained()
    assert large + b".\r\n" in {mail.data.replace(b"\r\n..", b"\r\n.") for mail in sink.taken}
