"""Our ARC set, from the post as it came in to the sealed copy, judged by dkimpy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dkim
import pytest
from authn_rig import PEM, RECORD, RSA, ProvingStage, mail, zone
from name_server import NameServer
from stage import DOMAIN

from listserv_py.config import Settings
from listserv_py.delivery.arc import Sealer, load_sealer
from listserv_py.delivery.render import render
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import decode
from listserv_py.mail.message import read

LIST = f"test-l@{DOMAIN}"
SEALER = Sealer(DOMAIN, "lists", RSA)
COVERED = (b"from", b"to", b"subject", b"date", b"message-id", b"content-type", b"mime-version")
BODY = (
    "--b\nContent-Type: text/plain\n\nHello,  all of you.\n"
    "--b\nContent-Type: text/html\n\n<p>Hello</p>\n--b--\n"
)
NAMES = ["arc-seal", "arc-message-signature", "arc-authentication-results"]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[ProvingStage]:
    keys = zone("s1._domainkey.example.net", "a1._domainkey.relay.example.com")
    async with NameServer(keys).listening() as names:
        made = ProvingStage(tmp_path, names)
        table = made.stage.settings.model_dump(exclude_unset=True)
        keyed = {"arc": {"seal": True, "key_file": "/k"}}
        made.stage.settings = Settings.model_validate(table | keyed)
        made.stage.create("TEST-L", {"set": ["Send= Public"], "subscribers": ["ann@example.com"]})
        yield made
        made.stage.close()


def post(more: str = "") -> bytes:
    kind = 'multipart/alternative; boundary="b"'
    return mail(BODY, more, To=LIST, mime_version="1.0", content_type=kind)


def signed(raw: bytes) -> bytes:
    return bytes(dkim.sign(raw, b"s1", b"example.net", PEM, include_headers=list(COVERED))) + raw


def relayed(raw: bytes, domain: str = "relay.example.com") -> bytes:
    """As another host has sealed it."""
    told = f"Authentication-Results: {domain}; dkim=pass header.d=example.net; arc=none\r\n"
    lines = dkim.arc_sign(
        told.encode() + raw, b"a1", domain.encode(), PEM, domain.encode(), list(COVERED)
    )
    return b"".join(bytes(line) for line in lines) + raw


async def copy(rig: ProvingStage, raw: bytes, **told: Any) -> bytes:
    await rig.arrive(raw, LIST)
    rows = rig.stage.db.execute("SELECT facts FROM mailing WHERE kind = 'post' ORDER BY id DESC")
    facts = decode(rows.fetchone()[0])
    shape = {"plain": True, "style": HeaderStyle.FULL} | told
    draft = render(raw, facts, **shape)
    sealed = SEALER.sealed(draft, facts)
    assert sealed == SEALER.sealed(draft, facts)
    return sealed.head + b"\r\n" + sealed.body


def verdict(made: bytes) -> bytes | None:
    found = dkim.arc_verify(made, dnsfunc=lambda *_, **__: RECORD.encode())
    return found[0]


def own_set(made: bytes, number: int) -> dict[str, Any]:
    """What dkimpy says of our set, as if it were the only one (RFC 8617 5.1.2)."""
    mark = f"i={number};".encode()
    found = read(made)
    kept = [one.raw for one in found.fields if one.name not in NAMES or mark in one.raw]
    chain = dkim.ARC(b"".join(kept) + b"\r\n" + found.body)
    _, headers = chain.sorted_arc_headers()
    told = chain.verify_instance(headers, number, dnsfunc=lambda *_, **__: RECORD.encode())
    return {name: told[name] for name in ("cv", "ams-valid", "as-valid")}


async def test_a_changed_copy_is_sealed_with_what_we_have_verified(rig: ProvingStage) -> None:
    made = await copy(rig, signed(post()))
    assert [one.name for one in read(made).fields][:3] == NAMES
    assert read(made).text(NAMES[2]) == (
        f"i=1; {DOMAIN}; dkim=pass header.d=example.net header.s=s1;"
        " dmarc=pass header.from=example.net; arc=none"
    )
    assert verdict(made) == dkim.CV_Pass
    assert verdict(made.replace(b"all of you", b"all of us")) == dkim.CV_Fail
    assert verdict(made.replace(b"dmarc=pass", b"dmarc=none")) == dkim.CV_Fail
    assert max(map(len, made.partition(b"\r\nReceived")[0].split(b"\r\n"))) <= 100


async def test_a_copy_in_which_the_authors_signature_holds_is_left_alone(rig: ProvingStage) -> None:
    assert b"ARC-" not in await copy(rig, signed(post()), plain=False)


async def test_an_unsigned_post_is_sealed_as_such(rig: ProvingStage) -> None:
    made = await copy(rig, post())
    assert read(made).text(NAMES[2]) == f"i=1; {DOMAIN}; dkim=none; arc=none"
    assert verdict(made) == dkim.CV_Pass


async def test_a_signature_that_fails_is_told_of(rig: ProvingStage) -> None:
    made = await copy(rig, signed(post()).replace(b"Hello, ", b"Hullo, "))
    assert b"dkim=fail header.d=example.net" in made
    assert b"dmarc=" not in made
    assert verdict(made) == dkim.CV_Pass


async def test_a_chain_that_holds_grows_by_a_link(rig: ProvingStage) -> None:
    made = await copy(rig, relayed(signed(post())))
    assert b"ARC-Seal: i=2; a=rsa-sha256; cv=pass;" in made
    assert verdict(made) == dkim.CV_Pass


async def test_a_chain_that_is_broken_is_marked_as_such_and_that_is_its_end(
    rig: ProvingStage,
) -> None:
    made = await copy(rig, relayed(signed(post())).replace(b"Hello,", b"Hullo,"))
    assert b"ARC-Seal: i=2; a=rsa-sha256; cv=fail;" in made
    assert verdict(made) is None  # as dkimpy calls a chain that has ended
    assert own_set(made, 2) == {"cv": b"fail", "ams-valid": True, "as-valid": True}
    again = (
        made.replace(b"<1@", b"<2@")
        .replace(b"Hullo", b"Hallo")
        .replace(DOMAIN.encode(), b"relay.example.com")
    )
    again = b"\r\n".join(
        line for line in again.split(b"\r\n") if not line.startswith((b"List-", b"Sender", b"X-"))
    )
    assert (await copy(rig, again)).count(b"ARC-Seal") == 2


async def test_nothing_is_added_to_one_that_has_a_link_of_ours(rig: ProvingStage) -> None:
    rig.names.zone |= zone(f"a1._domainkey.{DOMAIN}")
    made = await copy(rig, relayed(signed(post()), DOMAIN))
    assert b"i=2" not in made


async def test_nor_where_the_dns_is_silent(rig: ProvingStage) -> None:
    rig.names.zone["a1._domainkey.relay.example.com", "TXT"] = "SERVFAIL"
    assert (await copy(rig, relayed(signed(post())))).count(b"ARC-Seal") == 1


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ("ARC-Seal: i=1; cv=none; d=x.org; s=a\n", 2),
        ("ARC-Seal: nonsense\nARC-Message-Signature: a\nARC-Authentication-Results: b\n", 1),
        ("".join(f"{name}: i=3; cv=pass; d=x.org; s=a\n" for name in NAMES), 4),
        ("".join(f"{name}: i=1; cv=none; d=x.org; s=a\n" for name in (*NAMES, *NAMES)), 2),
    ],
)
async def test_odd_chains_are_broken_ones(rig: ProvingStage, fields: str, number: int) -> None:
    made = await copy(rig, post(fields))
    assert own_set(made, number) == {"cv": b"fail", "ams-valid": True, "as-valid": True}


@pytest.mark.parametrize(
    "fields",
    [
        "".join(f"{name}: i={n}; d=x.org; s=a\n" for n in range(1, 12) for name in NAMES),
        "".join(f"{name}: i=50; d=x.org; s=a\n" for name in NAMES),
        "".join(f"{name}: i=1; cv=fail; d=x.org; s=a\n" for name in NAMES),
    ],
)
async def test_nor_to_those_that_are_too_long_or_have_ended(rig: ProvingStage, fields: str) -> None:
    made = await copy(rig, post(fields))
    assert DOMAIN.encode() not in made.partition(b"Sender:")[0]


async def test_a_short_header_drops_the_chain_and_is_not_sealed(rig: ProvingStage) -> None:
    made = await copy(rig, relayed(signed(post())), style=HeaderStyle.SHORT)
    assert b"ARC-" not in made
    assert (
        verdict(
            await copy(
                rig, post().replace(b"<1@", b"<2@").replace(b"all", b"you"), style=HeaderStyle.SHORT
            )
        )
        == dkim.CV_Pass
    )


def test_without_the_switch_or_a_key_nothing_is_sealed(tmp_path: Path) -> None:
    site = {"site": {"domain": DOMAIN}}
    assert load_sealer(Settings.model_validate(site)) is None
    absent = site | {"arc": {"seal": True, "key_file": str(tmp_path / "none")}}
    assert load_sealer(Settings.model_validate(absent)) is None
    (tmp_path / "key").write_bytes(PEM)
    for table in (
        {"arc": {"seal": True, "key_file": str(tmp_path / "key"), "selector": "a2"}},
        {"arc": {"seal": True, "selector": "a2"}, "dkim": {"key_file": str(tmp_path / "key")}},
    ):
        sealer = load_sealer(Settings.model_validate(site | table))
        assert sealer
        assert sealer.selector == "a2"
