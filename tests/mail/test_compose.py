from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.errors import Broken
from listserv_py.mail.compose import Draft, address, compose, header_line

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def draft(**changes: object) -> Draft:
    fields: dict[str, object] = {
        "sender": "List server <listserv@example.org>",
        "to": "joe@example.net",
        "subject": "Hello",
        "body": "Text.\n",
        "date": NOW,
        "message_id": "<1@example.org>",
    }
    return Draft(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@y.org", "a\nb", "a\rb", "a\0b", "a\x1bb", "a\x85b"])
def test_a_value_with_controls_is_refused(bad: str) -> None:
    with pytest.raises(Broken):
        header_line("Subject", bad)


@pytest.mark.parametrize("name", ["", "A B", "A:", "Sübject", "A\r\nB"])
def test_a_bad_field_name_is_refused(name: str) -> None:
    with pytest.raises(Broken):
        header_line(name, "x")


@given(st.text(max_size=300))
def test_no_subject_adds_a_line(subject: str) -> None:
    parsed = message_from_bytes(compose(draft(subject=subject)))
    assert len(parsed.items()) == len(message_from_bytes(compose(draft())).items())
    assert parsed["To"] == "joe@example.net"
    assert all(len(line) <= 998 for line in compose(draft(subject=subject)).split(b"\r\n"))


@given(st.text(max_size=200))
def test_no_name_adds_an_address(name: str) -> None:
    parsed = message_from_bytes(compose(draft(sender=address(name, "joe@example.org"))))
    assert str(parsed["From"]).replace("\r\n", "").endswith("joe@example.org" if not name else "")
    assert len(parsed.get_all("From", [])) == 1


def test_a_long_foreign_subject_comes_back() -> None:
    subject = "Grüße aus Überlingen am Bodensee " * 6
    parsed = message_from_bytes(compose(draft(subject=subject)))
    assert str(make_header(decode_header(parsed["Subject"]))).split() == subject.split()
    assert max(map(len, header_line("Subject", subject).split(b"\r\n"))) <= 78


def test_an_attached_mail_is_whole() -> None:
    held = b"From: a@b.org\r\nSubject: =?utf-8?q?x?=\r\n\r\n--part-1exampleorg0\r\nB\xf6dy\r\n"
    parsed = message_from_bytes(compose(draft(attached=held)))
    assert held in compose(draft(attached=held))
    attached = parsed.get_payload()[1].get_payload()[0]
    assert attached["Subject"] == "=?utf-8?q?x?="


def test_a_long_line_of_ours_is_encoded() -> None:
    raw = compose(draft(body="ü" * 900))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    decoded = message_from_bytes(raw).get_payload(decode=True)
    assert isinstance(decoded, bytes)
    assert decoded.decode().strip() == "ü" * 900
