"""The author's From in the copies of a post: his own while his signature holds, else an alias."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dkim
import pytest
from authn_rig import PEM, RECORD, ProvingStage, mail, zone
from name_server import NameServer
from stage import DOMAIN

from listserv_py.config import Settings
from listserv_py.delivery.render import render
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.mail.message import read

LIST = f"test-l@{DOMAIN}"
REJECT = {("_dmarc.example.net", "TXT"): ['"v=DMARC1; p=reject"']}
COVERED = ("from", "to", "cc", "subject", "date", "message-id", "content-type", "mime-version")
TWO_FORMS = (
    "--b\nContent-Type: text/plain\n\nHello, all of you.\n"
    "--b\nContent-Type: text/html\n\n<p>Hello, <b>all</b> of you.</p>\n--b--\n"
)
ALIAS = re.compile(rb"^From: Joe <([0-9a-f]{16})-dmarc-request@lists\.example\.org>\r$", re.M)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[ProvingStage]:
    async with NameServer(zone() | REJECT).listening() as names:
        made = ProvingStage(tmp_path, names)
        made.stage.create("TEST-L", {"set": ["Send= Public"], "subscribers": ["ann@example.com"]})
        yield made
        made.stage.close()


def post(number: int = 1, body: str = TWO_FORMS, **fields: str | None) -> bytes:
    told = {
        "To": LIST,
        "message_id": f"<{number}@example.net>",
        "Subject": f"post {number}",
        "mime_version": "1.0",
        "content_type": 'multipart/alternative; boundary="b"',
    }
    return mail(body, **(told | fields))


async def frozen(rig: ProvingStage, raw: bytes, **told: Any) -> ListFacts:
    await rig.arrive(raw, LIST, **told)
    rows = rig.stage.db.execute("SELECT facts FROM mailing WHERE kind = 'post' ORDER BY id DESC")
    return decode(rows.fetchone()[0])


def made(raw: bytes, facts: ListFacts, **told: Any) -> bytes:
    shape = {"plain": False, "style": HeaderStyle.FULL} | told
    variant = render(raw, facts, **shape)
    return variant.head + b"\r\n" + variant.body


def verifies(copy: bytes, index: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(copy).verify(index, dnsfunc=lambda *_, **__: RECORD.encode()))
    except dkim.ValidationError:
        return False


def signed(raw: bytes, *more: str, canonical: bytes = b"relaxed", **told: Any) -> bytes:
    """Signed over all that stands in COVERED; `more` need not be there: it may not be added."""
    names = [name.encode() for name in (*told.pop("covered", COVERED), *more)]
    known = {"include_headers": names, "canonicalize": (canonical, canonical)} | told
    return bytes(dkim.sign(raw, b"s1", b"example.net", PEM, **known)) + raw


async def test_only_copies_in_which_the_signature_is_broken_have_the_alias(
    rig: ProvingStage,
) -> None:
    raw = signed(post())
    facts = await frozen(rig, raw)

    html, text = made(raw, facts), made(raw, facts, plain=True)
    assert verifies(html)
    assert b"From: Joe <joe@example.net>\r\n" in html
    assert not verifies(text)
    assert ALIAS.search(text)
    assert b"joe@example.net" not in text


@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
@pytest.mark.parametrize(
    "more",
    [
        (),
        ("from", "subject", "reply-to"),
        ("sender",),
        ("precedence",),
        ("list-id",),
        ("list-unsubscribe-post",),
        ("x-never-heard-of",),
    ],
)
async def test_from_is_the_authors_exactly_where_his_signature_verifies(
    rig: ProvingStage, canonical: bytes, more: tuple[str, ...]
) -> None:
    raw = signed(post(), *more, canonical=canonical)
    facts = await frozen(rig, raw)
    for style in HeaderStyle:
        for plain in (False, True):
            copy = made(raw, facts, plain=plain, style=style)
            kept = b"From: Joe <joe@example.net>" in copy.partition(b"\r\n\r\n")[0]
            assert kept is not bool(ALIAS.search(copy))
            # As it goes out, with a signature of ours on top.
            assert kept is verifies(b"DKIM-Signature: v=1; d=lists.example.org\r\n" + copy, 1)


@pytest.mark.parametrize("name", ["sender", "precedence", "list-id", "list-unsubscribe"])
async def test_what_the_list_adds_breaks_only_who_signed_that_there_is_none(
    rig: ProvingStage, name: str
) -> None:
    facts = await frozen(rig, raw := signed(post()))
    assert not ALIAS.search(made(raw, facts))
    again = signed(post(2, TWO_FORMS.replace("all", "each")), name)
    assert ALIAS.search(made(again, await frozen(rig, again)))


async def test_one_signature_of_several_is_enough(rig: ProvingStage) -> None:
    raw = signed(signed(post()), "sender")
    facts = await frozen(rig, raw)

    assert len(facts.seals.split()) == 2
    assert not ALIAS.search(made(raw, facts))
    assert ALIAS.search(made(raw, facts, plain=True))


async def test_what_is_not_signed_is_protected_by_spf_alone_which_ends_here(
    rig: ProvingStage,
) -> None:
    raw = post()
    facts = await frozen(rig, raw)
    assert ALIAS.search(made(raw, facts))


async def test_a_signature_that_did_not_verify_counts_for_nothing(rig: ProvingStage) -> None:
    raw = signed(post()).replace(b"Hello", b"Hullo")
    facts = await frozen(rig, raw)
    assert facts.seals == ""
    assert ALIAS.search(made(raw, facts))


@pytest.mark.parametrize(
    ("record", "has_alias"),
    [
        ("v=DMARC1; p=none", False),
        ("v=DMARC1; p=none; sp=reject", False),
        ("v=DMARC1; p=quarantine", True),
        ("v=DMARC1; p=reject; t=y", True),
        ("v=DMARC1; p=quarantine; pct=0", True),
        ("unrelated", False),
    ],
)
async def test_policies(rig: ProvingStage, record: str, has_alias: bool) -> None:
    rig.names.zone["_dmarc.example.net", "TXT"] = [f'"{record}"']
    facts = await frozen(rig, raw := post())
    assert bool(ALIAS.search(made(raw, facts))) is has_alias


async def test_a_dns_that_does_not_answer_counts_as_reject(rig: ProvingStage) -> None:
    rig.names.zone["_dmarc.example.net", "TXT"] = "SERVFAIL"
    facts = await frozen(rig, raw := post())
    assert ALIAS.search(made(raw, facts))


async def test_an_author_has_one_alias_and_another_has_another(rig: ProvingStage) -> None:
    found = []
    for number, author in enumerate(
        ("Joe <joe@example.net>", "JOE@EXAMPLE.NET", "Ann <a@example.net>")
    ):
        raw = post(number, TWO_FORMS.replace("all", f"all {number}"), From=author)
        found.append((await frozen(rig, raw)).alias)
    assert found[0] == found[1]
    assert found[0] != found[2]
    key = rig.stage.tx.meta.secret("alias")
    rig.stage.db.execute("DELETE FROM alias")
    assert rig.stage.tx.meta.secret("alias") == key
    raw = post(9, TWO_FORMS.replace("all", "nine"))
    assert (await frozen(rig, raw)).alias == found[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("joe@example.net", "ALIAS"),
        ("<joe@example.net>", "<ALIAS>"),
        ("joe@example.net (Joe Doe)", "ALIAS (Joe Doe)"),
        ('"Doe, Joe <x>" <joe@example.net> (home)', '"Doe, Joe <x>" <ALIAS> (home)'),
        ("=?utf-8?q?Jos=C3=A9?= <joe@example.net>", "=?utf-8?q?Jos=C3=A9?= <ALIAS>"),
        ("Jos\u00e9 <joe@example.net>", "Jos\u00e9 <ALIAS>"),
        ('"joe@example.net" <joe@example.net>', '"joe@example.net" <ALIAS>'),
        ("Joe\n <joe@example.net>", "Joe <ALIAS>"),
    ],
)
async def test_his_name_stays_as_he_wrote_it(
    rig: ProvingStage, written: str, expected: str
) -> None:
    raw = post(From=written)
    facts = await frozen(rig, raw)
    field = read(made(raw, facts)).all("from")[0]
    assert field.value.decode() == expected.replace("ALIAS", facts.alias)
    assert max(map(len, field.raw.split(b"\r\n"))) <= 78
    author = read(made(raw, facts)).author
    assert author
    assert str(author.mailbox) == facts.alias


async def test_the_list_or_the_site_may_except_a_domain(rig: ProvingStage) -> None:
    rig.stage.create(
        "KEEP-L",
        {"set": ["Send= Public", "Misc-Options= DMARC_NO_REWRITE"], "subscribers": ["a@b.org"]},
    )
    await rig.arrive(post(To=f"keep-l@{DOMAIN}"), f"keep-l@{DOMAIN}")
    table = {"no_rewrite": ["EXAMPLE.com", "*.example.org", "example.net"]}
    rig.stage.settings = changed(rig.stage.settings, dmarc=table)
    await rig.arrive(post(2, TWO_FORMS.replace("all", "2")), LIST)
    rows = rig.stage.db.execute("SELECT facts FROM mailing WHERE kind = 'post'").fetchall()
    assert len(rows) == 2
    assert [decode(row[0]).alias for row in rows] == ["", ""]
    assert rig.stage.db.execute("SELECT count(*) FROM alias").fetchone()[0] == 0


async def test_nothing_is_looked_up_where_the_site_wants_none_of_it(rig: ProvingStage) -> None:
    rig.stage.settings = changed(rig.stage.settings, dmarc={"rewrite": False})
    facts = await frozen(rig, post())
    assert facts.alias == ""
    assert rig.names.asked == []


async def test_our_own_signature_serves_for_our_own_organisation(rig: ProvingStage) -> None:
    rig.names.zone["_dmarc.example.org", "TXT"] = ['"v=DMARC1; p=reject"']
    raw = signed_by("example.org", post(From="Joe <joe@example.org>", body="Hi\n"))
    rig.names.zone |= zone("s1._domainkey.example.org")
    assert (await frozen(rig, raw)).alias
    rig.stage.settings = changed(rig.stage.settings, dkim={"key_file": "/k"})
    raw = signed_by("example.org", post(2, From="Joe <joe@example.org>", body="Ho\n"))
    assert (await frozen(rig, raw)).alias == ""
    rig.names.zone["_dmarc.example.org", "TXT"] = ['"v=DMARC1; p=reject; adkim=s"']
    rig.verifier.policies._kept.clear()
    rig.verifier.policies._resolver._resolver.cache.flush()
    raw = signed_by("example.org", post(3, From="Joe <joe@example.org>", body="Hu\n"))
    assert (await frozen(rig, raw)).alias


def signed_by(domain: str, raw: bytes) -> bytes:
    names = [name.encode() for name in COVERED]
    return bytes(dkim.sign(raw, b"s1", domain.encode(), PEM, include_headers=names)) + raw


def changed(settings: Settings, **tables: Any) -> Settings:
    told = settings.model_dump(exclude_unset=True) | tables
    return Settings.model_validate(told)
