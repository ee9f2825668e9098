"""Posts that we would make look genuine: of our own organisation, or found false by our MTA."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dkim
import pytest
from authn_rig import PEM, ProvingStage, letter, mail, zone
from name_server import NameServer
from stage import DOMAIN

from listserv_py.authn.proof import look, settle, settled, unsettled
from listserv_py.mail.dmarc import Dmarc
from listserv_py.mail.envelope import Protocol
from listserv_py.mail.mailbox import parse_mailbox

LIST = f"test-l@{DOMAIN}"
COVERED = (b"from", b"subject", b"date")
OWN = {("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=none"']}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[ProvingStage]:
    async with NameServer(zone("s1._domainkey.example.org") | OWN).listening() as names:
        made = ProvingStage(tmp_path, names, {"authserv_ids": ["mx.example.org"]})
        made.stage.create("TEST-L", {"set": ["Send= Public"], "subscribers": ["ann@example.com"]})
        yield made
        made.stage.close()


def post(author: str, more: str = "", **fields: str) -> bytes:
    return mail("Hello, all of you.\n", more, **({"From": author, "To": LIST} | fields))


def signed(raw: bytes, domain: str = "example.org", **told: Any) -> bytes:
    known = {"include_headers": list(COVERED)} | told
    return bytes(dkim.sign(raw, b"s1", domain.encode(), PEM, **known)) + raw


async def kinds(rig: ProvingStage, raw: bytes, **told: Any) -> list[str]:
    """What comes of a post: its copies, or whom it is held for."""
    sent = await rig.arrive(raw, LIST, **told)
    return [one.partition(b"]")[0].decode()[1:] for one in sent]


@pytest.mark.parametrize("author", ["boss@example.org", "boss@hr.example.org", f"boss@{DOMAIN}x"])
async def test_a_bare_from_of_our_organisation_waits_for_its_author(
    rig: ProvingStage, author: str
) -> None:
    if author.endswith("x"):  # of a name that only looks like ours
        assert await kinds(rig, post(author)) == ["post"]
        return
    assert await kinds(rig, post(author)) == ["confirmation"]
    (sent,) = rig.stage.db.execute("SELECT raw FROM content").fetchall()
    assert b"it would look as if it were" in b" ".join(bytes(sent[0]).split())


async def test_his_ok_sends_it(rig: ProvingStage) -> None:
    await rig.arrive(post("boss@example.org"), LIST)
    answer = mail("ok\n", From="boss@example.org", Subject="Re: confirm (C0DE000000000001)")
    sent = await rig.arrive(answer, f"listserv@{DOMAIN}", reverse_path="boss@example.org")
    assert [one for one in sent if one.startswith(b"[post]")]


async def test_what_his_domain_has_signed_goes_out(rig: ProvingStage) -> None:
    assert await kinds(rig, signed(post("boss@example.org"))) == ["post"]


async def test_a_signature_over_a_part_of_the_text_is_not_enough(rig: ProvingStage) -> None:
    assert await kinds(rig, signed(post("boss@example.org"), length=True)) == ["confirmation"]


async def test_nor_is_one_without_the_subject(rig: ProvingStage) -> None:
    raw = signed(post("boss@example.org"), include_headers=[b"from", b"date"])
    assert await kinds(rig, raw) == ["confirmation"]


async def test_nor_is_our_own_signature(rig: ProvingStage) -> None:
    rig.names.zone |= zone(f"s1._domainkey.{DOMAIN}")
    assert await kinds(rig, signed(post("boss@example.org"), DOMAIN)) == ["confirmation"]


async def test_nor_is_anothers(rig: ProvingStage) -> None:
    rig.names.zone |= zone("s1._domainkey.example.net")
    assert await kinds(rig, signed(post("boss@example.org"), "example.net")) == ["confirmation"]


async def test_a_machine_of_ours_is_held_for_a_moderator(rig: ProvingStage) -> None:
    raw = post("cron@example.org", "Auto-Submitted: auto-generated\n")
    assert await kinds(rig, raw) == ["approval"]


async def test_others_are_not_asked(rig: ProvingStage) -> None:
    assert await kinds(rig, post("joe@example.net")) == ["post"]


async def test_where_the_dns_is_silent_the_names_decide(rig: ProvingStage) -> None:
    for name in ("org", "example.org", "lists.example.org", "hr.example.org"):
        rig.names.zone[f"_dmarc.{name}", "TXT"] = "SERVFAIL"
    assert await kinds(rig, post("boss@example.org")) == ["confirmation"]


@pytest.mark.parametrize(("result", "kind"), [("fail", "confirmation"), ("none", "post")])
async def test_what_our_own_mta_has_found_false_waits(
    rig: ProvingStage, result: str, kind: str
) -> None:
    told = f"Authentication-Results: mx.example.org; dmarc={result} header.from=example.net\n"
    raw = post("joe@example.net", told)
    assert await kinds(rig, raw, protocol=Protocol.LMTP, client="unix") == [kind]


async def test_a_stranger_cannot_say_so(rig: ProvingStage) -> None:
    told = "Authentication-Results: mx.example.org; dmarc=fail header.from=example.net\n"
    assert await kinds(rig, post("joe@example.net", told)) == ["post"]


async def test_what_is_known_already_keeps_no_post_waiting(rig: ProvingStage) -> None:
    told = {"rcpt": LIST, "reverse_path": "joe@example.net"}
    case = look(letter(post("joe@example.net"), **told), rig.stage.settings)
    assert settled(case, rig.verifier) is None
    waited = await settle(case, rig.verifier)
    assert settled(case, rig.verifier) == waited
    assert waited.dmarc == Dmarc()

    rig.names.zone["_dmarc.example.com", "TXT"] = ['"v=DMARC1; p=reject"']
    for raw, waits in ((post("a@example.com"), False), (signed(post("a@example.com")), True)):
        case = look(letter(raw, **told), rig.stage.settings)
        waited = await settle(case, rig.verifier)
        assert waited.dmarc == Dmarc(demands=True)
        assert (settled(case, rig.verifier) is None) is waits


def test_where_we_fail_ourselves_the_domain_counts_as_strict(rig: ProvingStage) -> None:
    case = look(letter(post("boss@example.org"), rcpt=LIST), rig.stage.settings)
    found = unsettled(case).dmarc
    assert found
    assert found.demands
    assert found.is_ours
    command = look(letter(post("boss@example.org")), rig.stage.settings)
    assert unsettled(command).dmarc is None


PEOPLE = f"test-l-request@{DOMAIN}"


async def sent_on(rig: ProvingStage, raw: bytes, to: str = PEOPLE, **told: Any) -> bytes:
    """What an owner, or whom an alias stands for, gets of a mail."""
    sent = await rig.arrive(raw, to, **told)
    (found,) = (one for one in sent if one.startswith((b"[forward]", b"[passed-on]")))
    return found


async def test_mail_to_people_in_our_name_goes_inside_a_mail_of_ours(rig: ProvingStage) -> None:
    for author, to in (
        ("boss@example.org", PEOPLE),
        (f"listserv@{DOMAIN}", PEOPLE),
        ("boss@example.org", f"postmaster@{DOMAIN}"),
    ):
        raw = post(author, To=to)
        found = await sent_on(rig, raw, to)
        head = found.split(b"\r\n\r\n")[1]
        assert f"<listserv@{DOMAIN}>".encode() in head
        assert b"\r\nFrom: boss" not in head
        assert b"MAIL FROM:<>" in found
        assert raw.split(b"\r\n\r\n")[-1] in found
        assert found.count(f"    {author}".encode()) == 1


@pytest.mark.parametrize(
    "author", ["boss@example.org, joe@example.net", "joe@example.net\nFrom: boss@example.org", "x"]
)
async def test_so_does_what_does_not_name_one_author(rig: ProvingStage, author: str) -> None:
    rig.stage.create("OLD-L", {"set": ["Send= Public", "New-List= new-l@example.net"]})
    key = rig.stage.tx.aliases.of(parse_mailbox("ann@example.com"), rig.stage.now)
    for to in (PEOPLE, f"{key}-dmarc-request@{DOMAIN}"):
        found = await sent_on(rig, post(author, To=to), to)
        assert f"<listserv@{DOMAIN}>".encode() in found.split(b"\r\n\r\n")[1]
        assert b"does not say who wrote it" in b" ".join(found.split())
    to = f"old-l@{DOMAIN}"
    assert not [one for one in await rig.arrive(post(author, To=to), to) if b"new-l" in one]


async def test_what_shows_who_wrote_it_is_sent_on_as_it_came(rig: ProvingStage) -> None:
    told = "Authentication-Results: mx.example.org; dmarc=pass header.from=example.org\n"
    vouched = {"protocol": Protocol.LMTP, "client": "unix"}
    stranger, ours = post("joe@example.net"), signed(post("boss@example.org"))
    for raw, known in ((stranger, {}), (ours, {}), (post("boss@example.org", told), vouched)):
        found = await sent_on(rig, raw, **known)
        assert raw.split(b"\r\n\r\n")[0] in found
        assert b"MAIL FROM:<owner-test-l@" in found


async def test_so_is_mail_to_an_alias(rig: ProvingStage) -> None:
    key = rig.stage.tx.aliases.of(parse_mailbox("ann@example.com"), rig.stage.now)
    to = f"{key}-dmarc-request@{DOMAIN}"
    assert (await sent_on(rig, post("joe@example.net"), to)).startswith(b"[passed-on]")
    assert (await sent_on(rig, post("boss@example.org"), to)).startswith(b"[forward]")


async def test_what_we_enclosed_does_not_go_round(rig: ProvingStage) -> None:
    raw = post(f"listserv@{DOMAIN}", "Auto-Submitted: auto-replied\n")
    assert await rig.arrive(raw, PEOPLE) == []


async def test_a_moderator_gets_it_explained(rig: ProvingStage) -> None:
    lines = ["Send= Editor", "Editor= ed@example.net", "Editor-Header= No"]
    rig.stage.create("ED-L", {"set": lines})
    to = f"ed-l@{DOMAIN}"
    assert b"\r\nResent-From:" in await sent_on(rig, post("joe@example.net", To=to), to)
    assert b"\r\nResent-From:" not in await sent_on(rig, post("boss@example.org", To=to), to)


async def test_a_list_that_has_moved_passes_nothing_on_in_our_name(rig: ProvingStage) -> None:
    rig.stage.create("OLD-L", {"set": ["Send= Public", "New-List= new-l@example.net"]})
    to = f"old-l@{DOMAIN}"
    assert await sent_on(rig, post("joe@example.net", To=to), to)
    raw = post("boss@example.org", To=to).replace(b"Hello", b"Good bye").replace(b"<1@", b"<2@")
    (told,) = await rig.arrive(raw, to)
    assert b"has not been passed on" in b" ".join(told.split())
