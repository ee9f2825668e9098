"""New settings while it runs, and stopping in whatever state."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from delivery_rig import Clock, House, Sink, numbered, relay, until
from name_server import NameServer
from rsa_key import KEY


def _key(file: Path) -> str:
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(KEY.private_bytes(*pem, serialization.NoEncryption()))
    return str(file)


async def test_another_smarthost_and_a_key_take_effect_at_once(tmp_path: Path) -> None:
    async with Sink().listening() as old, Sink().listening() as new:
        house = House(tmp_path, Clock(), delivery=relay(old))
        async with house.open(), house.running():
            await house.send("one@example.test")
            await house.drained()
            dkim = {"key_file": _key(tmp_path / "dkim.pem")}
            changed = House(tmp_path, Clock(), delivery=relay(new), dkim=dkim)
            house.engine.apply(changed.settings)
            await house.send("two@example.test")
            await house.subscribe("three@example.test")
            await house.post()
            await house.drained()
        assert old.recipients() == ["one@example.test"]
        assert sorted(new.recipients()) == ["three@example.test", "two@example.test"]
        assert not old.taken[0].data.startswith(b"DKIM-Signature: ")
        assert all(mail.data.startswith(b"DKIM-Signature: ") for mail in new.taken)


async def test_a_key_that_cannot_be_read_leaves_all_as_it_was(tmp_path: Path) -> None:
    async with Sink().listening() as old, Sink().listening() as new:
        house = House(tmp_path, Clock(), delivery=relay(old))
        async with house.open(), house.running():
            (tmp_path / "dkim.pem").write_text("no key")
            dkim = {"key_file": str(tmp_path / "dkim.pem")}
            house.engine.apply(House(tmp_path, Clock(), delivery=relay(new), dkim=dkim).settings)
            await house.send("one@example.test")
            await house.drained()
        assert old.recipients() == ["one@example.test"]
        assert new.taken == []


async def test_stopping_at_once_loses_nothing(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(1100))
            await house.post()
            await house.send("one@example.test")
            for _ in range(6):
                async with house.running():
                    pass
            async with house.running():
                await house.drained()
        assert sorted(sink.recipients()) == sorted(["one@example.test", *numbered(1100)])


async def test_stopping_while_names_are_looked_up_loses_nothing(tmp_path: Path) -> None:
    zone = {(f"d{n}.test", "A"): ["127.0.0.1"] for n in range(40)}
    async with Sink().listening() as sink, NameServer(zone).listening() as names:
        delivery = {"port": sink.port, "tls": "never", "connections": 4}
        house = House(tmp_path, Clock(), delivery=delivery, dns=names.table)
        readers = [f"reader@d{n}.test" for n in range(40)]
        async with house.open():
            await house.subscribe(*readers)
            await house.post()
            async with house.running():
                await until(lambda: len(names.asked) > 10)
            async with house.running():
                await house.drained()
        assert sorted(sink.recipients()) == sorted(readers)
