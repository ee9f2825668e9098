"""One-click unsubscription over real sockets (RFC 8058): only POST acts, and nothing leaks."""

import asyncio
import base64
import hashlib
import logging
import re
import socket
from pathlib import Path

import pytest
from web_rig import ANNA, House, Reply

from listserv_py.config import load
from listserv_py.daemon.pages import public_pages
from listserv_py.errors import ConfigError
from listserv_py.store.templates import MAILTPL
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms
from listserv_py.web.listener import Bounds, Gate

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = (
    b'--xx\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n--xx--\r\n"
)
FORGED = "a" * 32


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=xx"),
        (b"", ""),
    ],
)
async def test_a_post_ends_the_subscription_once_and_for_all(
    tmp_path: Path, body: bytes, kind: str
) -> None:
    async with House(tmp_path, ["Notify= Yes", "Change-Log= Yes"]) as house:
        first = await house.ask("POST", f"/u/{house.token}", body, kind)
        assert (first.status, await house.is_subscribed()) == (200, False)
        assert "You have left NEWS-L" in first.body
        # As after SIGNOFF: the owner's notice, the list's FAREWELL.
        assert sorted(await house.mails()) == ["anna@example.net", "olga@example.org"]
        assert house.decided == 1
        lines = await house.store.read(
            lambda tx: [row[0] for row in tx.db.execute("SELECT verb FROM change_log")]
        )
        assert lines == ["SIGNOFF"]
        again = await house.ask("POST", f"/u/{house.token}", body, kind)
        assert again.status == 200
        assert len(await house.mails()) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(tmp_path: Path, method: str) -> None:
    async with House(tmp_path) as house:
        for _ in range(3):
            reply = await house.ask(method, f"/u/{house.token}")
            assert reply.status == 200
        assert await house.is_subscribed()
        assert await house.mails() == []
        if method == "HEAD":
            assert reply.body == ""
        else:
            assert reply.body.count('<form method="post"><button type="submit">') == 1
            assert "News &amp; &lt;Views&gt;" in reply.body
            assert str(ANNA) not in reply.body


def shown(reply: Reply) -> tuple[int, str, dict[str, str]]:
    return reply.status, reply.body, {k: v for k, v in reply.headers.items() if k != "date"}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_forged_and_old_tokens_get_the_same_plain_page(tmp_path: Path, method: str) -> None:
    async with House(tmp_path) as house:
        await house.ask("POST", f"/u/{house.token}", ONE_CLICK)
        old = await house.ask(method, f"/u/{house.token}", ONE_CLICK if method == "POST" else b"")
        for token in (FORGED, "x", house.token[:-1], house.token + "a", "%00", "%E2%82%AC"):
            forged = await house.ask(method, f"/u/{token}", ONE_CLICK if method == "POST" else b"")
            assert shown(forged) == shown(old)
        assert old.status == (404 if method == "GET" else 200)
        assert "<form" not in old.body


async def test_a_forged_token_takes_no_turn_of_the_store(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await house.ask("POST", f"/u/{FORGED}", ONE_CLICK)
        assert house.decided == 0


async def test_nothing_of_a_page_comes_from_elsewhere_or_stays(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        for path, method in ((house.token, "GET"), (FORGED, "GET"), (house.token, "POST")):
            reply = await house.ask(method, f"/u/{path}")
            policy = reply.headers["content-security-policy"]
            style = re.search(r"<style>(.*)</style>", reply.body, re.DOTALL)
            assert style
            digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
            assert f"style-src 'sha256-{digest}'" in policy
            assert policy.startswith("default-src 'none';")
            assert "form-action 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert reply.headers["cache-control"] == "no-store"
            assert reply.headers["referrer-policy"] == "no-referrer"
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert "set-cookie" not in reply.headers
            assert "server" not in reply.headers
            assert not re.search(r"(?i)src=|href=|url\(|<script|@import|http", reply.body)
            assert '<html lang="en">' in reply.body
            assert reply.body.count("<h1>") == 1


async def test_a_list_speaks_its_own_language(tmp_path: Path) -> None:
    async with House(tmp_path, ["Language= German"]) as house:
        asked = await house.ask("GET", f"/u/{house.token}")
        assert '<html lang="de">' in asked.body
        assert "Liste verlassen" in asked.body
        left = await house.ask("POST", f"/u/{house.token}")
        assert "Sie haben NEWS-L verlassen" in left.body


async def test_behind_a_proxy_with_a_prefix(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        for prefix in ("", "/lists", "/some/where"):
            assert (await house.ask("GET", f"{prefix}/u/{house.token}")).status == 200
        assert (await house.ask("POST", f"/lists/u/{house.token}", ONE_CLICK)).status == 200
        assert not await house.is_subscribed()


async def test_owners_word_the_page_but_cannot_take_the_button_away(tmp_path: Path) -> None:
    own = ">>> PAGE_BUTTON\n\n>>> PAGE_LEAVE <b>Going?</b>\n&LISTNAME <script>alert(1)</script>\n"
    async with House(tmp_path) as house:
        await house.store.run(
            lambda tx: tx.templates.put(tx.lists.get("NEWS-L").id, MAILTPL, own, house.now)
        )
        reply = await house.ask("GET", f"/u/{house.token}")
        assert "<h1>&lt;b&gt;Going?&lt;/b&gt;</h1>" in reply.body
        assert "<script" not in reply.body
        assert ">Leave the list</button>" in reply.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/u/", 404),
        ("GET", f"/u/{FORGED}/", 404),
        ("GET", "/u/../etc/passwd", 404),
        ("POST", "/", 404),
        ("PUT", f"/u/{FORGED}", 405),
        ("DELETE", f"/u/{FORGED}", 405),
        ("OPTIONS", "/u/x", 405),
    ],
)
async def test_other_requests_get_a_plain_page(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with House(tmp_path) as house:
        reply = await house.ask(method, path)
        assert (reply.status, await house.is_subscribed()) == (status, True)
        assert reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET /u/x HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40_000,
        b"POST /u/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /u/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_refused(tmp_path: Path, raw: bytes) -> None:
    async with House(tmp_path) as house:
        reply = await house.say(raw)
        assert reply.status in {400, 505}
        assert await house.is_subscribed()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_form_is_refused(tmp_path: Path, chunked: bool) -> None:
    async with House(tmp_path) as house:
        head = f"POST /u/{house.token} HTTP/1.1\r\nHost: a\r\n".encode()
        if chunked:
            raw = (
                head + b"Transfer-Encoding: chunked\r\n\r\n" + b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
            )
            raw += b"8000\r\n" + b"x" * 0x8000 + b"\r\n1\r\nx\r\n0\r\n\r\n"
        else:
            raw = head + b"Content-Length: 65537\r\n\r\n" + b"x" * 65_537
        assert (await house.say(raw)).status == 413
        assert await house.is_subscribed()


@pytest.mark.parametrize(
    "begun", [b"", b"GET /u/", b"POST /u/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"]
)
async def test_who_is_slow_is_cut(tmp_path: Path, begun: bytes) -> None:
    async with House(tmp_path, bounds=Bounds(seconds=0.05)) as house:
        reader, writer = await house.dial()
        writer.write(begun)
        # No reply: the connection is gone as soon as its time is up.
        assert await asyncio.wait_for(_to_the_end(reader), 20) == b""
        writer.close()


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_there_are_only_so_many_connections(tmp_path: Path) -> None:
    async with House(tmp_path, bounds=Bounds(connections=2)) as house:
        held = [await house.dial() for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET /u/")
            await writer.drain()
        reader, writer = await house.dial()
        assert await asyncio.wait_for(_to_the_end(reader), 20) == b""
        for _, one in held:
            one.write(b"x HTTP/1.1\r\nHost: a\r\n\r\n")
        for answered, _ in held:
            assert b" 404 " in await asyncio.wait_for(answered.readuntil(b"\r\n"), 20)
        for _, one in [*held, (reader, writer)]:
            one.close()


async def test_one_host_has_only_so_many_of_them(tmp_path: Path) -> None:
    async with House(tmp_path, bounds=Bounds(per_host=2), key=str) as house:
        held = [await house.dial() for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET /u/")
            await writer.drain()
        assert (await house.say(b"")).status == 429
        for _, writer in held:
            writer.close()
        while house.door.live:  # noqa: ASYNC110 - of uvicorn's set
            await asyncio.sleep(0)
        assert (await house.ask("GET", f"/u/{house.token}")).status == 200


async def test_and_comes_only_so_often_in_a_minute() -> None:
    gate = Gate(Bounds(per_minute=3), lambda client: client or None)
    came = []
    for _ in range(5):
        came.append(gate.enter("192.0.2.1", 59.0))
        if came[-1]:
            gate.leave("192.0.2.1")
    assert came == [True, True, True, False, False]
    assert gate.enter("192.0.2.2", 59.0)
    assert gate.enter("192.0.2.1", 60.0)
    assert all(gate.enter("", 60.0) for _ in range(50))


async def test_a_connection_carries_one_request(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        one = f"POST /u/{FORGED} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
        reader, writer = await house.dial()
        writer.write(one + one)
        answer = await asyncio.wait_for(reader.read(), 20)
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"connection: close" in answer.lower()
        writer.close()


async def test_closing_answers_what_was_asked(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        reader, writer = await house.dial()
        head = f"POST /u/{house.token} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        writer.write(head.encode() + b"Content-Length: 2\r\n\r\n")
        assert b" 100 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        idle, its_writer = await house.dial()
        closing = asyncio.create_task(house.door.close(20))
        assert await asyncio.wait_for(_to_the_end(idle), 20) == b""
        writer.write(b"xy")
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 200")
        await closing
        assert not await house.is_subscribed()
        writer.close()
        its_writer.close()


async def test_two_at_once_end_it_once(tmp_path: Path) -> None:
    async with House(tmp_path, ["Notify= Yes"]) as house:
        path = f"/u/{house.token}"
        both = await asyncio.gather(*(house.ask("POST", path, ONE_CLICK) for _ in range(8)))
        assert {one.status for one in both} == {200}
        assert len(await house.mails()) == 2


async def test_the_token_is_in_no_log_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with House(tmp_path) as house:
        for method in ("GET", "POST", "PUT"):
            await house.ask(method, f"/u/{house.token}")
        await house.say(f"GET /u/{house.token} HTTP/1.1\r\n\x00: x\r\n\r\n".encode())
        await house.store.close()
        broken = await house.ask("GET", f"/u/{house.token}")
        assert broken.status in {500, 503}
        assert house.token not in caplog.text


async def test_an_address_in_use_is_told_as_any_fault(tmp_path: Path) -> None:
    path = tmp_path / "listserv.toml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        path.write_text(f'[site]\ndomain = "x.example"\n[web]\nlisten = "{listen}"\n')
        (tmp_path / "data").mkdir()
        async with House(tmp_path / "data") as house:
            turns = Turns(load(path), Forms.load())
            with pytest.raises(ConfigError, match=r"web\.listen") as caught:
                async with public_pages(house.counter, turns, path):
                    pass
            assert caught.value.line == 4
