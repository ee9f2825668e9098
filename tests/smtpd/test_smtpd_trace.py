from datetime import UTC, datetime

import pytest

from listserv_py.mail.envelope import Protocol
from listserv_py.mail.mailbox import Mailbox
from listserv_py.smtpd.paths import Transaction
from listserv_py.smtpd.trace import Visit, hops, received_field

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ONE = Mailbox("test-l", "lists.example.org")
TWO = Mailbox("listserv", "lists.example.org")


def field(visit: Visit, *rcpt_to: Mailbox, smtputf8: bool = False) -> str:
    transaction = Transaction(None, smtputf8=smtputf8, rcpt_to=list(rcpt_to))
    return received_field(visit, transaction, "lists.example.org", "c0ffee", NOW).decode()


def test_the_field_names_its_only_recipient() -> None:
    assert field(Visit("192.0.2.1", "client.example.org", Protocol.SMTP), ONE) == (
        "Received: from client.example.org ([192.0.2.1])\r\n"
        "\tby lists.example.org with ESMTP id c0ffee\r\n"
        "\tfor <test-l@lists.example.org>; Sat, 31 Jan 2026 12:00:00 +0000\r\n"
    )


def test_of_several_recipients_it_names_none() -> None:
    assert "test-l" not in field(Visit("2001:db8::1", "x", Protocol.SMTP), ONE, TWO)


def test_an_ipv6_client_is_marked_as_one() -> None:
    assert "([IPv6:2001:db8::1])" in field(Visit("2001:db8::1", "x", Protocol.SMTP), ONE)


def test_nobody_is_known_behind_a_unix_socket() -> None:
    assert field(Visit("", "mta", Protocol.LMTP), ONE).startswith("Received: from mta\r\n\tby ")


@pytest.mark.parametrize("helo", ["(evil)", "a;b", "<a@b>", "a,b", '"', "[1.2.3.4"])
def test_a_helo_that_is_no_name_is_not_repeated(helo: str) -> None:
    assert "from unknown (" in field(Visit("192.0.2.1", helo, Protocol.SMTP), ONE)


@pytest.mark.parametrize(
    ("visit", "smtputf8", "word"),
    [
        (Visit("", "x", Protocol.SMTP, is_extended=False), False, "SMTP"),
        (Visit("", "x", Protocol.SMTP, is_encrypted=True), False, "ESMTPS"),
        (Visit("", "x", Protocol.SMTP, is_encrypted=True), True, "UTF8SMTPS"),
        (Visit("", "x", Protocol.LMTP), False, "LMTP"),
        (Visit("", "x", Protocol.LMTP, is_encrypted=True), True, "UTF8LMTPS"),
    ],
)
def test_protocols_have_their_registered_names(visit: Visit, smtputf8: bool, word: str) -> None:
    assert f" with {word} id " in field(visit, ONE, smtputf8=smtputf8)


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b"", 0),
        (b"Received: a\r\n", 1),
        (b"received : a\r\nRECEIVED:\r\nX-Received: a\r\n\r\nReceived: body\r\n", 2),
        (b"\r\nReceived: body\r\n", 0),
    ],
)
def test_hops_are_the_received_fields_of_the_header(content: bytes, count: int) -> None:
    assert hops(content) == count
