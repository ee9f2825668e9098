"""Policies found by the tree walk of RFC 9989, with a DNS of our own."""

from __future__ import annotations

import asyncio

import pytest
from authn_rig import resolver
from hypothesis import given
from hypothesis import strategies as st
from name_server import NameServer

from listserv_py.authn.dmarc import (
    GOOD_FOR,
    KEPT,
    STALE_FOR,
    UNKNOWN_FOR,
    Policies,
    Policy,
    Record,
    organisation,
    read_record,
    walked,
)

Zone = dict[tuple[str, str], list[str] | str]


def zone(**records: str) -> Zone:
    """`a_example_net="p=reject"` stands at _dmarc.a.example.net."""
    return {
        (f"_dmarc.{name.replace('_', '.')}", "TXT"): [f'"v=DMARC1; {record}"']
        for name, record in records.items()
    }


HOSTS: Zone = {("sub.example.net", "A"): ["192.0.2.1"], ("old.example.net", "TXT"): ['"x"']}


async def policy(domain: str, records: Zone, limit: float = 3.0) -> Policy | None:
    async with NameServer(records).listening() as names:
        return (await Policies(resolver(names), limit).of(domain)).policy


def test_the_walk_asks_at_most_eight_times() -> None:
    assert walked("com") == ("com",)
    assert walked("mail.example.com") == ("mail.example.com", "example.com", "com")
    eight = walked("a.b.c.d.e.mail.example.com")
    assert eight[1] == "b.c.d.e.mail.example.com"
    assert len(eight) == 8
    long = walked("a.b.c.d.e.f.g.h.i.j.mail.example.com")
    assert long[1] == "g.h.i.j.mail.example.com"
    assert long[-1] == "com"
    assert len(long) == 8


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("v=DMARC1; p=reject", ("reject", "reject", "reject")),
        ("V=DMARC1; p=none; sp=reject", ("none", "reject", "reject")),
        ("v = DMARC1 ;P= Quarantine", ("quarantine", "quarantine", "quarantine")),
        ("v=DMARC1;p=none;sp=reject", ("none", "reject", "reject")),
        ("v=DMARC1;p=none;np=reject", ("none", "none", "reject")),
        ("v=DMARC1; p=reject; t=y", ("reject", "reject", "reject")),
        ("v=DMARC1; p=reject; pct=0; x-new=1;;", ("reject", "reject", "reject")),
        ("v=DMARC1; p=reject; p=none", ("reject", "reject", "reject")),
        ("v=DMARC1; p=rejekt", ("none", "none", "none")),
        ("v=DMARC1; p=reject; sp=quaratine; rua=mailto:a@b.org", ("none", "none", "none")),
        ("v=DMARC1", ("none", "none", "none")),
    ],
)
def test_records(text: str, found: tuple[str, str, str]) -> None:
    record = read_record([b"unrelated", text.encode()])

    assert record is not None
    assert (record.policy, record.subdomains, record.missing) == found


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [b"v=dmarc1; p=reject"],
        [b"p=reject; v=DMARC1"],
        [b"v=DMARC12; p=reject"],
        [b"v=DMARC1; p=reject", b"v=DMARC1; p=none"],
        [b"v=DMARC1; p=reject;" + b" " * 5000],
    ],
)
def test_what_is_no_record(texts: list[bytes]) -> None:
    assert read_record(texts) is None


@given(st.binary(max_size=300))
def test_no_record_crashes_the_reader(text: bytes) -> None:
    read_record([b"v=DMARC1;" + text])


def record(psd: str = "u") -> Record:
    return Record(Policy.REJECT, Policy.REJECT, Policy.REJECT, strict=False, psd=psd)


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ({}, "a.mail.example.com"),
        ({"a.mail.example.com": "u"}, "a.mail.example.com"),
        ({"a.mail.example.com": "u", "example.com": "u"}, "example.com"),
        ({"mail.example.com": "n", "example.com": "u"}, "mail.example.com"),
        ({"com": "y"}, "example.com"),
        ({"example.com": "y", "com": "u"}, "mail.example.com"),
        ({"a.mail.example.com": "y", "com": "u"}, "a.mail.example.com"),
        ({"example.com": "u", "com": "y"}, "example.com"),
    ],
)
def test_the_organisational_domain(records: dict[str, str], found: str) -> None:
    domain = "a.mail.example.com"
    answers = {name: record(records[name]) if name in records else None for name in walked(domain)}

    assert organisation(domain, answers) == found


@pytest.mark.parametrize(
    ("domain", "records", "found"),
    [
        ("example.net", {}, "none"),
        ("example.net", {"example_net": "p=reject"}, "reject"),
        ("sub.example.net", {"example_net": "p=reject"}, "reject"),
        ("sub.example.net", {"example_net": "p=none; sp=quarantine"}, "quarantine"),
        ("sub.example.net", {"example_net": "p=reject; sp=none"}, "none"),
        ("sub.example.net", {"sub_example_net": "p=none", "example_net": "p=reject"}, "none"),
        ("no.example.net", {"example_net": "p=none; np=reject"}, "reject"),
        ("old.example.net", {"example_net": "p=none; np=reject"}, "reject"),
        ("sub.example.net", {"example_net": "p=none; np=reject"}, "none"),
        ("example.net", {"net": "psd=y; p=reject; sp=quarantine"}, "quarantine"),
        ("example.net", {"net": "p=reject"}, "reject"),
        ("sub.example.net", {"net": "psd=y; p=none", "example_net": "p=reject"}, "reject"),
    ],
)
async def test_the_policy_that_holds(domain: str, records: dict[str, str], found: str) -> None:
    assert await policy(domain, HOSTS | zone(**records)) == found


async def test_a_dns_that_does_not_answer_leaves_the_policy_unknown() -> None:
    failing: Zone = {("_dmarc.example.net", "TXT"): "SERVFAIL"}
    assert await policy("example.net", failing) is None
    assert await policy("sub.example.net", failing) is None
    above = zone(sub_example_net="p=none") | failing
    assert await policy("sub.example.net", above) is Policy.NONE
    assert await policy("example.net", {("_dmarc.example.net", "TXT"): "MUTE"}, 0.1) is None


async def test_alignment() -> None:
    records = zone(example_net="p=reject", example_org="p=reject; adkim=s")
    async with NameServer(records).listening() as names:
        policies = Policies(resolver(names), 3.0)
        of = policies.of

        assert (await of("a.example.net")).is_aligned(await of("b.example.net"))
        assert (await of("example.net")).is_aligned(await of("b.example.net"))
        assert not (await of("example.net")).is_aligned(await of("example.org"))
        assert not (await of("a.example.org")).is_aligned(await of("example.org"))
        assert (await of("a.example.org")).is_kin(await of("example.org"))
        assert (await of("a.example.net")).may_align("b.example.net")
        assert not (await of("a.example.net")).may_align("badexample.net")
        assert not (await of("a.example.org")).may_align("example.org")
        # No record: each domain is an organisation of its own.
        assert not (await of("a.example.com")).is_kin(await of("b.example.com"))


async def test_an_answer_serves_for_a_while_and_stands_in_when_the_dns_is_gone() -> None:
    records = zone(example_net="p=none")
    now = 1000.0
    async with NameServer(records).listening() as names:
        policies = Policies(resolver(names), 3.0, lambda: now)
        assert policies.known("example.net") is None
        await policies.of("example.net")
        known = policies.known("example.net")
        asked = len(names.asked)
        assert await policies.of("example.net") is known
        assert len(names.asked) == asked

        names.zone[("_dmarc.example.net", "TXT")] = "SERVFAIL"
        policies._resolver = resolver(names)  # the resolver has a memory of its own
        now += GOOD_FOR + 1
        assert policies.known("example.net") is None
        assert (await policies.of("example.net")).policy is Policy.NONE
        now += STALE_FOR
        assert (await policies.of("example.net")).policy is None
        now += UNKNOWN_FOR + 1
        assert policies.known("example.net") is None


async def test_many_who_ask_at_once_are_one_question() -> None:
    async with NameServer(zone(example_net="p=reject")).listening() as names:
        policies = Policies(resolver(names), 3.0)
        found = await asyncio.gather(*(policies.of("example.net") for _ in range(50)))
        assert {one.policy for one in found} == {Policy.REJECT}
        assert len(names.asked) == 2


async def test_no_more_answers_are_kept_than_there_is_room_for() -> None:
    async with NameServer({}).listening() as names:
        policies = Policies(resolver(names), 3.0)
        standing = await policies.of("example.net")
        for number in range(KEPT):
            policies._kept[f"{number}.example"] = policies._kept["example.net"]
        await policies.of("example.org")

        assert len(policies._kept) == KEPT
        assert standing.domain not in policies._kept
