from datetime import UTC, datetime

import pytest

from listserv_py.lists.access import read_access
from listserv_py.lists.header import parse_header
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import Options
from listserv_py.lists.roles import (
    Elsewhere,
    Role,
    heard_owners,
    is_stranger,
    may,
    moderators_of,
    owners_of,
    roles_of,
)
from listserv_py.mail.mailbox import Mailbox, parse_mailbox

ANN, QUIET, ED, MOD, SUB, EVE, POST = (
    parse_mailbox(f"{name}@example.org")
    for name in ("ann", "quiet", "ed", "mod", "sub", "eve", "post")
)
STRANGER = {Role.ANYBODY, Role.SERVED}
HEAD = "* T\n* Owner= Ann@Example.ORG, Quiet:, quiet@example.org\n"


def make(*lines: str) -> MailingList:
    header = parse_header(HEAD + "".join(f"* {line}\n" for line in lines))
    return MailingList(1, "TEST-L", header, False, "lists.example.org")


def subscribed(mailbox: Mailbox, **options: bool) -> Subscription:
    return Subscription(1, 1, mailbox, "", Options(**options), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (ANN, {Role.OWNER}),
        (QUIET, {Role.OWNER}),
        (ED, {Role.EDITOR}),
        (MOD, {Role.MODERATOR}),
        (POST, {Role.POSTMASTER}),
        (EVE, set()),
    ],
)
def test_roles_are_read_off_the_header(who: Mailbox, expected: set[Role]) -> None:
    mailing_list = make("Editor= ed@example.org Moderator= mod@example.org")
    assert roles_of(who, mailing_list, None, (POST,)) == expected | STRANGER


def test_a_subscriber_may_have_the_editor_option() -> None:
    plain = roles_of(SUB, make("Moderator= mod@example.org"), subscribed(SUB))
    editor = roles_of(SUB, make("Moderator= mod@example.org"), subscribed(SUB, editor=True))
    assert plain == {Role.SUBSCRIBER} | STRANGER
    assert editor == plain | {Role.EDITOR}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("Moderator= All,mod@example.org,ed@example.org",), (MOD, ED)),
        (("Editor= ed@example.org,mod@example.org",), (ED,)),
        ((), (ANN,)),
    ],
)
def test_who_approves(lines: tuple[str, ...], expected: tuple[Mailbox, ...]) -> None:
    assert moderators_of(make(*lines)) == expected


def test_owners() -> None:
    assert owners_of(make()) == (ANN, QUIET)
    assert heard_owners(make()) == (ANN,)


HERE = Elsewhere(frozenset({"OTHER-L"}), frozenset({"OWNED-L"}), frozenset({"NEAR-L"}))


@pytest.mark.parametrize(
    ("lines", "host", "expected"),
    [
        ((), "anywhere.example", True),
        (("Service= example.edu",), "example.edu", True),
        (("Service= EXAMPLE.edu, *.example.edu",), "Cs.Example.EDU", True),
        (("Service= example.edu",), "cs.example.edu", False),
        (("Service= *.edu",), "example.edu.evil.example", False),
        (("Service= de",), "example.de", True),
        (("Service= de",), "decoy.example", False),
        (("Service= Germany,BITNET",), "example.de", False),
        (("Service= Local",), "lists.example.org", True),
        (("Service= Local",), "example.org", False),
        (("Service= Local", "Local= example.org,*.example.org"), "mail.example.org", True),
        (("Service= Local", "Local= Local"), "local", True),
    ],
)
def test_the_service_area(lines: tuple[str, ...], host: str, expected: bool) -> None:
    roles = roles_of(Mailbox("joe", host), make(*lines), None)
    assert (Role.SERVED in roles) is expected
    assert is_stranger(roles)


@pytest.mark.parametrize(
    ("level", "roles", "expected"),
    [
        ("Public", {Role.ANYBODY}, True),
        ("Service", {Role.ANYBODY}, False),
        ("Service", {Role.SERVED}, True),
        ("Service", {Role.OWNER}, True),
        ("Service", {Role.SUBSCRIBER}, False),
        ("Service(near-l)", {Role.ANYBODY}, True),
        ("Service(other-l)", {Role.SERVED}, False),
        ("Private", {Role.ANYBODY}, False),
        ("Private", {Role.SUBSCRIBER}, True),
        ("Private", {Role.OWNER}, True),
        ("Private", {Role.EDITOR}, True),
        ("Owner", {Role.SUBSCRIBER, Role.EDITOR}, False),
        ("Owner", {Role.OWNER}, True),
        ("Owner", {Role.POSTMASTER}, True),
        ("Postmaster", {Role.OWNER}, False),
        ("Postmaster", {Role.POSTMASTER}, True),
        ("(OTHER-L)", {Role.ANYBODY}, True),
        ("(third-l)", {Role.SUBSCRIBER, Role.OWNER}, False),
        ("Owner(owned-l)", {Role.ANYBODY}, True),
        ("Owner(OTHER-L)", {Role.ANYBODY}, False),
        ("eve@example.org", {Role.ANYBODY}, True),
        ("ann@example.org", {Role.OWNER}, False),
    ],
)
def test_access(level: str, roles: set[Role], expected: bool) -> None:
    found = read_access(level)
    assert found is not None
    assert may((found,), EVE, roles, HERE) is expected


def test_the_list_as_others_see_it() -> None:
    found = make("Ack= Yes Default-Options= NOHTML,NOPOST")
    assert (found.title, str(found.address)) == ("T", "test-l@lists.example.org")
    assert found.subject_tag == "TEST-L"
    assert make("Subject-Tag= Hi").subject_tag == "Hi"
    assert found.default_options() == Options(ack=True, html=False, post=False)
