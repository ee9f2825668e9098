"""What a proof frees, from the mail that comes in to the mail that goes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from authn_rig import COVERED, ProvingStage, mail, sign, zone
from name_server import NameServer

from listserv_py.mail.envelope import Protocol
from listserv_py.mail.mailbox import parse_mailbox

LISTSERV = "listserv@lists.example.org"
POSTS = "test-l@lists.example.org"
ZONE = zone(
    "s1._domainkey.example.net", "s1._domainkey.example.org", "s1._domainkey.lists.example.org"
)
COUNT = iter(range(1000))


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[..., ProvingStage]]:
    made: list[ProvingStage] = []
    async with NameServer(dict(ZONE)).listening() as names:

        def stage(*header: str, trust: dict[str, Any] | None = None) -> ProvingStage:
            one = ProvingStage(tmp_path, names, trust or {})
            told = {"set": list(header), "subscribers": ["joe@example.net | Joe Doe"]}
            one.stage.create("TEST-L", told)
            made.append(one)
            return one

        yield stage
        for one in made:
            one.stage.close()


def by_joe(stage: ProvingStage, body: str, **fields: str | None) -> bytes:
    told = {"Date": stage.dated(), "message_id": f"<{next(COUNT)}@example.net>"} | fields
    return mail(body, **told)


def by_olga(stage: ProvingStage, body: str, **fields: str | None) -> bytes:
    return by_joe(stage, body, **{"From": "Olga <olga@example.org>"} | fields)


def kinds(sent: list[bytes]) -> list[str]:
    return [one.partition(b"\r\n")[0].decode() for one in sent]


async def test_a_signed_signoff_acts_at_once(make: Callable[..., ProvingStage]) -> None:
    stage = make()
    sent = await stage.arrive(sign(by_joe(stage, "SIGNOFF TEST-L\n")))

    assert stage.subscribers("TEST-L") == []
    assert "[reply]" in kinds(sent)
    assert "[confirmation]" not in kinds(sent)


async def test_an_unsigned_signoff_asks(make: Callable[..., ProvingStage]) -> None:
    stage = make()
    sent = await stage.arrive(by_joe(stage, "SIGNOFF TEST-L\n"))

    assert stage.subscribers("TEST-L") == ["joe@example.net"]
    assert "[confirmation]" in kinds(sent)


async def test_an_empty_mail_to_the_signoff_address_acts_when_signed(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make()
    door = "test-l-unsubscribe-request@lists.example.org"
    await stage.arrive(sign(by_joe(stage, "", To=door)), door)

    assert stage.subscribers("TEST-L") == []


async def test_a_signed_owner_adds_at_once(make: Callable[..., ProvingStage]) -> None:
    stage = make()
    raw = by_olga(stage, "ADD TEST-L ann@example.com Ann Lee\n")
    sent = await stage.arrive(sign(raw, domain="example.org"))

    assert stage.subscribers("TEST-L") == ["joe@example.net", "ann@example.com"]
    assert "[confirmation]" not in kinds(sent)


async def test_an_owner_whose_signature_is_anothers_is_asked(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make()
    raw = by_olga(stage, "ADD TEST-L ann@example.com Ann Lee\n")
    sent = await stage.arrive(sign(raw, domain="example.net"))

    assert stage.subscribers("TEST-L") == ["joe@example.net"]
    assert "[confirmation]" in kinds(sent)


@pytest.mark.parametrize(("people", "asked"), [(10, False), (11, True)])
async def test_a_signed_pattern_that_means_many_asks_all_the_same(
    make: Callable[..., ProvingStage], people: int, asked: bool
) -> None:
    stage = make()
    stage.stage.create("MANY-L", {"subscribers": [f"p{n}@example.com" for n in range(people)]})
    raw = by_olga(stage, "QUIET DELETE MANY-L *@*\n")
    sent = await stage.arrive(sign(raw, domain="example.org"))

    assert ("[confirmation]" in kinds(sent)) is asked
    assert len(stage.subscribers("MANY-L")) == (11 if asked else 0)


async def test_a_signed_stranger_is_no_owner(make: Callable[..., ProvingStage]) -> None:
    stage = make()
    await stage.arrive(sign(by_joe(stage, "ADD TEST-L ann@example.com Ann Lee\n")))

    assert stage.subscribers("TEST-L") == ["joe@example.net"]


async def test_joining_is_confirmed_whoever_signed(make: Callable[..., ProvingStage]) -> None:
    stage = make("Subscription= Open")
    raw = by_joe(stage, "SUBSCRIBE TEST-L Ann Lee\n", From="ann@example.net")
    sent = await stage.arrive(sign(raw))

    assert stage.subscribers("TEST-L") == ["joe@example.net"]
    assert "[confirmation]" in kinds(sent)


async def test_a_mail_of_both_asks_for_the_one_and_does_the_other(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make()
    stage.stage.create("OTHER-L", {})
    sent = await stage.arrive(sign(by_joe(stage, "SIGNOFF TEST-L\nSUBSCRIBE OTHER-L Joe Doe\n")))

    assert stage.subscribers("TEST-L") == []
    asked = next(one for one in sent if one.startswith(b"[confirmation]"))
    assert b"SUBSCRIBE OTHER-L" in asked
    assert b"SIGNOFF" not in asked


@pytest.mark.parametrize("body", ["SIGNOFF TEST-L\n", "SIGNOFF *\n", "SET TEST-L NOMAIL\n"])
async def test_a_list_may_refuse_signatures(make: Callable[..., ProvingStage], body: str) -> None:
    stage = make("Misc-Options= NO_DKIM_PROOF")
    sent = await stage.arrive(sign(by_joe(stage, body)))

    assert stage.subscribers("TEST-L") == ["joe@example.net"]
    assert "[confirmation]" in kinds(sent)


async def test_the_site_may_refuse_signatures(make: Callable[..., ProvingStage]) -> None:
    stage = make(trust={"dkim": False})
    sent = await stage.arrive(sign(by_joe(stage, "SIGNOFF TEST-L\n")))

    assert "[confirmation]" in kinds(sent)


async def test_a_signed_post_of_an_owner_needs_no_code(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make("Send= Owner")
    told = {"To": POSTS, "Subject": "News"}
    signed = await stage.arrive(sign(by_olga(stage, "Hello\n", **told), "example.org"), POSTS)
    unsigned = await stage.arrive(by_olga(stage, "Hello again\n", **told), POSTS)

    assert "[post]" in kinds(signed)
    assert kinds(unsigned) == ["[confirmation]"]


async def test_a_signed_post_on_a_list_that_refuses_signatures_asks(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make("Send= Owner", "Misc-Options= NO_DKIM_PROOF")
    raw = by_olga(stage, "Hello\n", To=POSTS)
    sent = await stage.arrive(sign(raw, "example.org"), POSTS)

    assert kinds(sent) == ["[confirmation]"]


async def test_a_signature_serves_once(make: Callable[..., ProvingStage]) -> None:
    """Sent again by a stranger: with another envelope, so that the door takes it."""
    stage = make()
    raw = sign(by_joe(stage, "SIGNOFF TEST-L\n"))
    await stage.arrive(raw)
    rejoin(stage)
    sent = await stage.arrive(raw, reverse_path="mallory@example.com")

    assert stage.subscribers("TEST-L") == ["joe@example.net"]
    assert "[confirmation]" in kinds(sent)


async def test_a_second_signature_of_the_same_mail_serves_no_more(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make()
    raw = by_joe(stage, "SIGNOFF TEST-L\n")
    await stage.arrive(sign(raw))
    rejoin(stage)
    await stage.arrive(sign(raw, canonicalize=(b"simple", b"simple")))

    assert stage.subscribers("TEST-L") == ["joe@example.net"]


def rejoin(stage: ProvingStage) -> None:
    tx = stage.stage.tx
    found = tx.lists.find("TEST-L")
    assert found
    tx.subscribers.add(
        found.id, parse_mailbox("joe@example.net"), "Joe", found.default_options(), stage.stage.now
    )


async def test_after_its_days_a_mail_proves_nothing_and_is_forgotten(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make()
    raw = sign(by_joe(stage, "SIGNOFF TEST-L\n"))
    await stage.arrive(raw)
    rejoin(stage)
    stage.stage.now = stage.stage.now.replace(day=28)
    stage.stage.run_timers()
    assert stage.stage.db.execute("SELECT count(*) FROM proof").fetchone()[0] == 0
    await stage.arrive(raw, reverse_path="mallory@example.com")

    assert stage.subscribers("TEST-L") == ["joe@example.net"]


async def test_one_mail_to_two_addresses_of_ours_proves_at_both(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make("Send= Owner")
    stage.stage.create("NEWS-L", {"set": ["Send= Owner"], "subscribers": ["joe@example.net"]})
    news = "news-l@lists.example.org"
    raw = by_olga(stage, "Hello\n", To=POSTS, Cc=news)
    sent = await stage.arrive(sign(raw, "example.org"), POSTS, news)

    assert kinds(sent).count("[post]") == 2


async def test_a_post_that_waited_for_its_list_is_still_its_authors(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make("Send= Owner")
    hold = sign(by_olga(stage, "HOLD TEST-L\n"), "example.org")
    await stage.arrive(hold)
    sent = await stage.arrive(sign(by_olga(stage, "Hello\n", To=POSTS), "example.org"), POSTS)
    assert "[post]" not in kinds(sent)
    freed = await stage.arrive(sign(by_olga(stage, "FREE TEST-L\n"), "example.org"))

    assert "[post]" in kinds(freed)
    assert "[confirmation]" not in kinds(freed)


async def test_a_copy_of_a_post_is_no_command(make: Callable[..., ProvingStage]) -> None:
    """An owner's post to a list elsewhere, sent on to us by one of its readers."""
    stage = make()
    raw = by_olga(stage, "ADD TEST-L ann@example.com Ann Lee\n", To="list@example.com")
    await stage.arrive(sign(raw, "example.org"))
    weak = sign(
        by_olga(stage, "ADD TEST-L ann@example.com Ann Lee\n", To="list@example.com"),
        "example.org",
        covered=[one for one in COVERED if one != "to"],
    )
    await stage.arrive(weak.replace(b"To: list@example.com", f"To: {LISTSERV}".encode()))

    assert stage.subscribers("TEST-L") == ["joe@example.net"]


async def test_the_word_of_our_mta_frees_as_well(make: Callable[..., ProvingStage]) -> None:
    stage = make(trust={"dkim": False, "authserv_ids": ["mx.example.org"]})
    told = "Authentication-Results: mx.example.org; dkim=pass header.d=example.net\r\n"
    raw = told.encode() + by_joe(stage, "SIGNOFF TEST-L\n")
    stranger = await stage.arrive(raw)
    assert "[confirmation]" in kinds(stranger)
    raw = told.encode() + by_joe(stage, "SIGNOFF TEST-L\n")
    await stage.arrive(raw, protocol=Protocol.LMTP, client="")

    assert stage.subscribers("TEST-L") == []


async def test_a_robot_that_signs_is_not_answered_for_ever(
    make: Callable[..., ProvingStage],
) -> None:
    stage = make()
    answers = 0
    for number in range(30):
        sent = await stage.arrive(sign(by_joe(stage, f"Ticket {number} has been opened.\n")))
        answers += len(sent)

    assert answers == 20
