import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.lists.addresses import (
    Destination,
    Door,
    address_of,
    is_listname,
    reserved,
    route,
)
from listserv_py.mail.mailbox import LOCAL_PART_MAX, Mailbox, parse_mailbox

SITE = {"domain": "lists.example.org", "name": "listserv"}
LISTNAMES = st.from_regex(r"[A-Z0-9]([A-Z0-9_.-]{0,30}[A-Z0-9])?", fullmatch=True).filter(
    lambda name: is_listname(name) and not reserved(name)
)
KEYS = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=25)
LIST_DOORS = [
    *(Door.POST, Door.OWNER, Door.REQUEST),
    *(Door.SUBSCRIBE, Door.SIGNOFF, Door.SEARCH),
]
SITE_DOORS = [Door.COMMAND, Door.POSTMASTER, Door.OWN_BOUNCE, Door.SITE_REQUEST]
DESTINATIONS = st.one_of(
    st.builds(Destination, st.sampled_from(LIST_DOORS), LISTNAMES),
    st.builds(Destination, st.just(Door.OWNER), LISTNAMES, KEYS),
    st.builds(Destination, st.sampled_from(SITE_DOORS)),
    st.builds(Destination, st.just(Door.OWN_BOUNCE), st.none(), KEYS),
    st.builds(
        Destination, st.just(Door.ALIAS), st.none(), st.from_regex("[0-9A-F]{16}", fullmatch=True)
    ),
)


@given(DESTINATIONS)
def test_route_inverts_address_of(destination: Destination) -> None:
    address = address_of(destination, **SITE)
    assert route(address, **SITE) == destination
    assert route(parse_mailbox(str(address).upper()), **SITE) == destination
    assert len(address.local_part) <= LOCAL_PART_MAX


@given(st.text(max_size=70))
def test_route_never_crashes(local_part: str) -> None:
    found = route(Mailbox(local_part, "lists.example.org"), **SITE)
    assert found is None or found.listname is None or not reserved(found.listname)


@pytest.mark.parametrize(
    ("local_part", "expected"),
    [
        ("listserv", Destination(Door.COMMAND)),
        ("LISTSERV", Destination(Door.COMMAND)),
        ("owner-listserv", Destination(Door.OWN_BOUNCE)),
        ("listserv-request", Destination(Door.SITE_REQUEST)),
        ("postmaster", Destination(Door.POSTMASTER)),
        ("abuse", Destination(Door.POSTMASTER)),
        ("Test-L", Destination(Door.POST, "TEST-L")),
        ("test-l-request", Destination(Door.REQUEST, "TEST-L")),
        ("test-l-subscribe-request", Destination(Door.SUBSCRIBE, "TEST-L")),
        ("test-l-unsubscribe-request", Destination(Door.SIGNOFF, "TEST-L")),
        ("test-l-signoff-request", Destination(Door.SIGNOFF, "TEST-L")),
        ("test-l-search-request", Destination(Door.SEARCH, "TEST-L")),
        ("owner-test-l", Destination(Door.OWNER, "TEST-L")),
        ("owner-test-l+abc7", Destination(Door.OWNER, "TEST-L", "ABC7")),
        ("0123456789abcDEF-dmarc-request", Destination(Door.ALIAS, key="0123456789ABCDEF")),
        ("0123456789abcdeg-dmarc-request", Destination(Door.REQUEST, "0123456789ABCDEG-DMARC")),
        ("0123456789abcdef-dmarc", None),
        ("test-l+owner", None),
        ("test-l-request+x", None),
        ("listserv+x", None),
        ("owner-test-l+", None),
        ("owner-test-l+victim=example.net", None),
        ("owner-test-l+" + "a" * 26, None),
        ("owner-test-l+a+b", None),
        ("owner-owner-x", None),
        ("listserv-subscribe-request", None),
        ("owner-postmaster", None),
        ("mailer-daemon", None),
        ("-test", None),
        ("a..b", None),
        ("te st", None),
        ("tést", None),
        ("test\u017f", None),
        ("a" * 33, None),
        ("", None),
    ],
)
def test_doors(local_part: str, expected: Destination | None) -> None:
    assert route(Mailbox(local_part, "lists.example.org"), **SITE) == expected


def test_another_domain_is_not_ours() -> None:
    assert route(parse_mailbox("listserv@example.org"), **SITE) is None


def test_the_command_mailbox_has_the_name_of_the_settings() -> None:
    site = {"domain": "lists.example.org", "name": "lists"}
    assert route(parse_mailbox("lists@lists.example.org"), **site) == Destination(Door.COMMAND)
    assert route(parse_mailbox("listserv@lists.example.org"), **site) is None
    assert address_of(Destination(Door.COMMAND), **site).local_part == "lists"


@pytest.mark.parametrize(
    "listname",
    [
        *("test-l-request", "TEST-SUBSCRIBE", "x-unsubscribe", "x-signoff", "x-search"),
        *("owner-x", "postmaster", "abuse", "listserv", "Mailer-Daemon", "noreply"),
        "0123456789abcdef-dmarc",
    ],
)
def test_no_list_may_be_named_like_a_door(listname: str) -> None:
    assert is_listname(listname)
    assert reserved(listname)


@pytest.mark.parametrize("listname", ["test-l", "owners", "abuse-l", "linux-server", "x-dmarc"])
def test_names_that_are_free(listname: str) -> None:
    assert is_listname(listname)
    assert not reserved(listname)


@pytest.mark.parametrize("listname", ["a", "A1", "a" * 32, "a-b_c.d", "9"])
def test_listnames(listname: str) -> None:
    assert is_listname(listname)


@pytest.mark.parametrize("listname", ["", "-a", "a-", ".a", "a..b", "a" * 33, "a b", "ä", "a\n"])
def test_no_listnames(listname: str) -> None:
    assert not is_listname(listname)
