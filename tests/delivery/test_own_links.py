"""A post whose copies have links of their own, all the way out: by the server, and by a worker."""

import base64
import re
import time
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from delivery_rig import Act, Command, House, Sink, numbered, relay, until
from rsa_key import KEY as RSA

from listserv_py.cli.keyfile import public_key
from listserv_py.lists.options import HeaderStyle, Options

ED = ed25519.Ed25519PrivateKey.generate()
LINK = re.compile(rb"List-Unsubscribe: <https://lists.test/u/([a-z2-7]{32})>,")


def keys(folder: Path) -> dict[str, str]:
    """The [dkim] table, with both kinds of key."""
    found = {}
    for name, key in (("key_file", RSA), ("ed25519_key_file", ED)):
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        raw = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        (folder / name).write_bytes(raw)
        found[name] = str(folder / name)
    return found


def verifies(mail: bytes, folder: Path) -> bool:
    """Whether both signatures of a copy hold."""

    def record(name: bytes, **_: object) -> bytes:
        second = name.startswith(b"lists-ed25519.")
        key = public_key(folder / ("ed25519_key_file" if second else "key_file"))
        return f"v=DKIM1; k={key.kind}; p=".encode() + base64.b64encode(key.data)

    return all(dkim.DKIM(mail).verify(idx=at, dnsfunc=record) for at in range(2))


@pytest.mark.parametrize("has_workers", [False, True])
async def test_each_copy_is_signed_for_itself_also_when_it_is_tried_again(
    tmp_path: Path, has_workers: bool
) -> None:
    broken: list[str] = []

    def answer(command: Command) -> str | Act | None:
        # The first copy's outcome stays unknown: it goes out again.
        if command.verb == "DOT" and not broken:
            broken.append(command.verb)
            return Act.DROP
        return None

    async with Sink(answer).listening() as sink:
        tables = {"delivery": relay(sink, workers=1), "dkim": keys(tmp_path)}
        house = House(tmp_path, time.time, **tables)  # type: ignore[arg-type]
        house.has_workers = has_workers
        async with house.open():
            await house.subscribe(*numbered(6))
            await house.subscribe(
                "personal@example.test", options=Options(header=HeaderStyle.FULL822)
            )
            async with house.running():
                await house.post(stamp=int(time.time()), one_click="https://lists.test/u/")
                await sink.has_taken(6)

                async def one_waits() -> bool:
                    rows = await house.rows("SELECT tries FROM copy")
                    return rows == [(1,)]

                await until(one_waits)
                await house.store.run(lambda tx: tx.outbox.retry(None))
                house.engine.wake()
                await until(lambda: len(set(sink.recipients())) == 7)
            ids = dict(await house.rows("SELECT address, id FROM subscriber"))
            tokens = await house.store.read(lambda tx: tx.tokens)
        for mail in sink.taken:
            found = LINK.search(mail.data)
            assert found
            assert tokens.open(found[1].decode()) == ids[mail.rcpts[0]]
            assert verifies(re.sub(rb"(?m)^\.", b"", mail.data), tmp_path)
            named = b"\r\nTo: personal@example.test\r\n" in mail.data
            assert named == (mail.rcpts[0] == "personal@example.test")
