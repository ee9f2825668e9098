"""Straight to each domain's MX: who is dialled, who is not, and what that means for the mail."""

from pathlib import Path

import pytest
from delivery_rig import Clock, House, Sink, until
from name_server import NameServer

from listserv_py.config import Dns
from listserv_py.delivery.route import Router, is_public
from listserv_py.errors import Permanent, Transient
from listserv_py.resolver import Resolver

ZONE = {
    ("two.test", "MX"): ["20 mx2.two.test.", "10 mx1.two.test."],
    ("mx1.two.test", "A"): ["127.0.0.1"],
    ("mx2.two.test", "A"): ["127.0.0.1"],
    ("bare.test", "A"): ["127.0.0.1"],
    ("null.test", "MX"): ["0 ."],
    ("broken.test", "MX"): "SERVFAIL",
    ("nowhere.test", "MX"): ["10 absent.test."],
    ("half.test", "MX"): ["10 absent.test.", "20 mx1.two.test."],
    ("loop.test", "CNAME"): ["loop.test."],
    ("many.test", "MX"): [f"{n} mx1.two.test." for n in range(30)],
    ("public.test", "MX"): ["10 inner.public.test.", "20 outer.public.test."],
    ("inner.public.test", "A"): ["10.0.0.1", "127.0.0.1", "169.254.169.254"],
    ("inner.public.test", "AAAA"): ["::1", "fd00::1"],
    ("outer.public.test", "A"): ["192.0.43.8"],
}


async def test_exchanges_come_by_preference_ten_at_most() -> None:
    async with NameServer(dict(ZONE)).listening() as names:
        resolver = Resolver(Dns.model_validate(names.table))
        found = await resolver.exchanges("two.test")
        assert [one.name for one in found] == ["mx1.two.test", "mx2.two.test"]
        assert [one.name for one in await resolver.exchanges("bare.test")] == ["bare.test"]
        assert len(await resolver.exchanges("many.test")) == 10
        await resolver.exchanges("two.test")
        assert names.asked.count(("two.test", "MX")) == 1


@pytest.mark.parametrize(
    ("domain", "error", "words"),
    [
        ("absent.test", Permanent, "5.1.2 absent.test does not exist"),
        ("null.test", Permanent, "5.1.10 null.test takes no mail"),
        ("nowhere.test", Permanent, "5.4.4 nowhere.test names no host that can be dialled"),
        ("broken.test", Transient, "4.4.3 no answer from the DNS about broken.test"),
        ("mute.test", Transient, "4.4.3 no answer from the DNS about mute.test"),
        ("loop.test", Permanent, "5.1.2 loop.test has no address"),
        (f"{'x' * 64}.test", Permanent, f"5.1.2 {'x' * 64}.test is no domain"),
    ],
)
async def test_what_has_no_host(domain: str, error: type[Exception], words: str) -> None:
    zone = {("mute.test", "MX"): "MUTE"} if domain == "mute.test" else dict(ZONE)
    async with NameServer(zone).listening() as names:
        router = Router(Resolver(Dns.model_validate(names.table)), None, 25)
        with pytest.raises((Permanent, Transient)) as caught:
            await router.hosts(domain)
    if domain == "loop.test":
        return
    assert (type(caught.value), str(caught.value)) == (error, words)


async def test_a_host_without_address_is_passed_over() -> None:
    async with NameServer(dict(ZONE)).listening() as names:
        router = Router(Resolver(Dns.model_validate(names.table)), None, 25)
        assert [host.name for host in await router.hosts("half.test")] == ["mx1.two.test"]


async def test_private_addresses_from_an_mx_are_dialled_only_with_resolvers_of_ones_own() -> None:
    async with NameServer(dict(ZONE)).listening() as names:
        resolver = Resolver(Dns.model_validate(names.table))
        inner, outer = await Router(resolver, None, 25).hosts("public.test")
        assert {address for _, address in inner.addresses} == {
            "10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1"
        }  # fmt: skip
        resolver.is_configured = False
        (only,) = await Router(resolver, None, 25).hosts("public.test")
        assert only.name == outer.name
        with pytest.raises(Permanent, match=r"5\.4\.4"):
            await Router(resolver, None, 25).hosts("[127.0.0.1]")


@pytest.mark.parametrize(
    ("address", "is_dialled"),
    [
        ("192.0.43.8", True),
        ("2600::1", True),
        ("64:ff9b::c000:2b08", True),
        ("64:ff9b::a00:1", False),
        ("2002:c000:2b08::1", True),
        ("2002:7f00:1::1", False),
        ("::ffff:10.0.0.1", False),
        ("fec0::1", False),
        ("224.0.0.1", False),
        ("ff0e::1", False),
    ],
)
def test_an_address_that_only_leads_to_a_private_one_is_private(
    address: str, is_dialled: bool
) -> None:
    assert is_public(address) is is_dialled


async def test_mail_goes_to_the_mx_and_what_has_none_bounces(tmp_path: Path) -> None:
    async with Sink().listening() as sink, NameServer(dict(ZONE)).listening() as names:
        house = House(
            tmp_path, Clock(), delivery={"port": sink.port, "tls": "never"}, dns=names.table
        )
        async with house.open():
            await house.subscribe(
                "a@two.test", "b@bare.test", "c@null.test", "d@absent.test", "e@broken.test"
            )
            async with house.running():
                await house.post()

                async def one_waits() -> bool:
                    found = await house.waiting()
                    return [(one.waiting, one.to_come) for one in found] == [(1, 0)]

                await until(one_waits)
                await until(lambda: len(sink.taken) == 2)
            assert sorted(sink.recipients()) == ["a@two.test", "b@bare.test"]
            assert await house.rows(
                "SELECT address, status, subscriber_id IS NOT NULL FROM bounce ORDER BY address"
            ) == [("c@null.test", "5.1.10", 1), ("d@absent.test", "5.1.2", 1)]
            ((host, reason),) = await house.rows("SELECT name, reason FROM host")
            assert host == "broken.test"
            assert "4.4.3" in reason


async def test_the_next_mx_takes_over_when_the_first_does_not_answer(tmp_path: Path) -> None:
    zone = {**ZONE, ("mx1.two.test", "A"): ["127.0.0.9"]}
    async with Sink().listening() as sink, NameServer(zone).listening() as names:
        house = House(
            tmp_path, Clock(), delivery={"port": sink.port, "tls": "never"}, dns=names.table
        )
        async with house.open(), house.running():
            await house.send("a@two.test")
            await house.drained()
            assert sink.recipients() == ["a@two.test"]
