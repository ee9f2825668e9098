"""Reports, complaints and machines' answers are told apart, and none breaks the reader."""

from __future__ import annotations

from base64 import encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.bounces.cause import TEXT_MAX, Cause, cause_of
from listserv_py.bounces.dsn import RECIPIENTS_MAX
from listserv_py.bounces.prose import RAW_MAX
from listserv_py.bounces.read import read_report
from listserv_py.bounces.report import Kind, Returned
from listserv_py.mail.message import read

ORIGINAL = (
    "--b\nContent-Type: message/rfc822\n\n"
    "Return-Path: <owner-test-l+KEY@lists.example.org>\nMessage-ID: <7@example.org>\n\nHello\n"
)


def report(
    *groups: str, status_type: str = "message/delivery-status", original: str = ORIGINAL
) -> bytes:
    status = "\n".join(f"{group}\n" for group in ("Reporting-MTA: dns; x.example.net", *groups))
    text = (
        "From: MAILER-DAEMON@mail.example.net\nTo: owner-test-l@lists.example.org\n"
        "Subject: Undelivered\nAuto-Submitted: auto-replied\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\n\nIt did not work.\n\n--b\nContent-Type: {status_type}\n\n{status}\n"
        f"{original}--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def told(raw: bytes) -> tuple[Returned, ...]:
    return read_report(read(raw)).found or ()


def mail(fields: str, body: str) -> bytes:
    return f"{fields}\n\n{body}\n".replace("\n", "\r\n").encode()


FAILED = (
    "Final-Recipient: rfc822; joe@example.net\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such\n user here"
)


def test_a_report_names_all_that_is_known() -> None:
    (found,) = told(report(FAILED))
    assert found == Returned(
        Kind.FAILED,
        "joe@example.net",
        "5.1.1",
        "550 5.1.1 no such user here",
        "<7@example.org>",
        Cause.GONE,
        "owner-test-l+KEY@lists.example.org",
    )


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("Action: delayed\nStatus: 4.4.1", (Kind.DELAYED, "4.4.1")),
        ("Action: relayed\nStatus: 2.0.0", (Kind.DELIVERED, "2.0.0")),
        ("Action: FAILED (really)\nStatus: 5.0.0 (x)", (Kind.FAILED, "5.0.0")),
        ("Action: failed", (Kind.FAILED, "")),
        (
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.2.2 over",
            (Kind.FAILED, "5.2.2"),
        ),
    ],
)
def test_what_a_report_calls_it(group: str, expected: tuple[Kind, str]) -> None:
    (found,) = told(report(group))
    assert (found.kind, found.status) == expected


def test_the_original_recipient_is_whom_we_wrote_to() -> None:
    (found,) = told(report(f"Original-Recipient: rfc822;old@example.net\n{FAILED}"))
    assert found.address == "old@example.net"


def test_a_report_names_so_many_and_no_more() -> None:
    assert len(told(report(*("Action: failed",) * 200))) == RECIPIENTS_MAX


def test_a_report_in_another_alphabet() -> None:
    (found,) = told(report(FAILED, status_type="message/global-delivery-status"))
    assert found.status == "5.1.1"


def test_a_letter_is_nothing_of_the_kind() -> None:
    letter = mail("From: x@y.org\nSubject: Hello", "Action: failed\nStatus: 5.1.1")
    assert read_report(read(letter)).found is None


COMPLAINT = (
    "From: fbl@isp.example\nSubject: complaint\n"
    "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
    "--b\n\nAn abuse report.\n\n--b\nContent-Type: message/feedback-report\n\n"
    "Feedback-Type: {what}\nUser-Agent: Some/1\nVersion: 1\n"
    "Original-Mail-From: <owner-test-l+KEY@lists.example.org>\n"
    "Original-Rcpt-To: <joe@isp.example>\n\n" + ORIGINAL + "--b--\n"
)


def test_a_complaint() -> None:
    (found,) = told(COMPLAINT.format(what="abuse").replace("\n", "\r\n").encode())
    assert (found.kind, found.address) == (Kind.COMPLAINT, "joe@isp.example")
    assert found.sender == "owner-test-l+KEY@lists.example.org"
    assert found.message_id == "<7@example.org>"


def test_praise_is_no_complaint() -> None:
    (found,) = told(COMPLAINT.format(what="not-spam").replace("\n", "\r\n").encode())
    assert found.kind is Kind.DELIVERED


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            mail("From: joe@example.net\nSubject: Out of office: Hello", "I am away."),
            (Kind.VACATION, ""),
        ),
        (
            mail("From: j@example.net\nSubject: x\nAuto-Submitted: auto-replied (vacation)", "x"),
            (Kind.VACATION, ""),
        ),
        (
            mail("From: j@example.net\nSubject: Please confirm your message", "Click here"),
            (Kind.CHALLENGE, ""),
        ),
        (
            mail(
                "From: MAILER-DAEMON@example.net\nSubject: Warning: message delayed 4 hours",
                "It has not yet been delivered to joe@example.net. It will be retried.",
            ),
            (Kind.DELAYED, "joe@example.net"),
        ),
        (
            mail(
                "From: MAILER-DAEMON@example.net\nSubject: failure notice",
                "Hi. This is the qmail-send program at example.net.\nI'm afraid I wasn't able to"
                " deliver your message to the following addresses.\n\n<joe@example.net>:\n"
                "Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of"
                " the message.\n\nReturn-Path: <x@y.org>\nMessage-ID: <7@example.org>\n\nHello",
            ),
            (Kind.FAILED, "joe@example.net"),
        ),
        (
            mail(
                "From: postmaster@example.net\nTo: olga@example.org\nSubject: Undeliverable Mail",
                "Your message:\n   From:    olga@example.org\n   Subject: Hello\n\nCould not be"
                " delivered because of\n\n550 5.1.1 User unknown\n\nThe following recipients were"
                " affected:\n    joe@example.net",
            ),
            (Kind.FAILED, "joe@example.net"),
        ),
        (
            mail(
                "From: postmaster@example.net\nSubject: Undeliverable: Hello",
                "There is nobody called joe@example.net at this place: user unknown.",
            ),
            (Kind.FAILED, "joe@example.net"),
        ),
    ],
)
def test_mail_in_words(raw: bytes, expected: tuple[Kind, str]) -> None:
    (found,) = told(raw)
    assert (found.kind, found.address) == expected


def test_a_status_that_says_nothing_is_read_by_the_reply_in_the_words() -> None:
    group = "Final-Recipient: rfc822; joe@example.net\nAction: failed\nStatus: 5.0.0"
    words = b"host x.example.net says:\r\n550 5.1.1 User unknown"
    (found,) = told(report(group).replace(b"It did not work.", words))
    assert (found.status, found.cause, found.text) == (
        "5.1.1",
        Cause.GONE,
        "550 5.1.1 User unknown",
    )
    (found,) = told(report(group))
    assert (found.status, found.cause, found.text) == ("5.0.0", Cause.PASSING, "")
    (found,) = told(report(f"{group}\nDiagnostic-Code: smtp; 552 full").replace(b"It did", words))
    assert found.cause is Cause.PASSING


def test_the_end_of_a_long_line_is_read() -> None:
    body = f"Delivery to joe@example.net failed. {'We are sorry. ' * 20}They said: 550 unknown user"
    (found,) = told(mail("From: MAILER-DAEMON@example.net\nSubject: failure notice", body))
    assert found.cause is Cause.GONE


def test_whoever_gets_the_report_is_not_whom_it_is_about() -> None:
    fields = "From: MAILER-DAEMON@x.example\nTo: owner@y.example\nSubject: Undelivered Mail"
    body = (
        "A message that you sent could not be delivered. The following address failed:\n\n"
        "joe@example.net no such mailbox\n\nReceived:from y.example\nFrom:O <owner@y.example>"
    )
    (found,) = told(mail(fields, body))
    assert found.address == "joe@example.net"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("550 - no such user here\n\nRCPT TO: joe@example.net", Kind.FAILED),
        ("550 5.1.1 <joe@example.net> unknown user", Kind.FAILED),
        ("500 people came.\njoe@example.net was there", None),
        ("We are 550 by now", None),
    ],
)
def test_a_line_of_a_dialogue_makes_a_report_whoever_signs(words: str, kind: Kind | None) -> None:
    found = told(mail("From: post@example.net\nTo: x@y.example\nSubject: Re: Test", words))
    assert [(one.kind, one.address) for one in found] == (
        [(kind, "joe@example.net")] if kind else []
    )


def test_the_message_id_of_what_a_mailer_quotes_is_found() -> None:
    body = "<joe@example.net>: user unknown\n\n> Message-ID: <7@example.org>\n> Hello"
    (found,) = told(mail("From: MAILER-DAEMON@example.net\nSubject: failure notice", body))
    assert found.message_id == "<7@example.org>"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        ("5.1.1", "no such user", Cause.GONE),
        ("5.1.1", "mailbox is full", Cause.PASSING),
        ("5.2.2", "", Cause.PASSING),
        ("4.1.1", "user unknown", Cause.PASSING),
        ("5.7.1", "user unknown", Cause.POST),
        ("5.7.26", "unauthenticated mail", Cause.POST),
        ("5.0.0", "550 Mail rejected: your IP has a poor reputation", Cause.POST),
        ("", "552 message size exceeds fixed maximum message size", Cause.POST),
        ("", "550 Requested action not taken: mailbox unavailable", Cause.GONE),
        ("5.0.0", "something happened", Cause.PASSING),
        ("", "", Cause.PASSING),
        ("5.4.4", "host not found", Cause.GONE),
        ("5.4.7", "", Cause.PASSING),
        ("5.6.0", "", Cause.POST),
        ("", "550 5.1.1 user unknown", Cause.GONE),
        ("", "550 Sender verify failed: no such user owner-test-l", Cause.POST),
        ("", "550 5.1.1 sender address does not exist", Cause.POST),
        ("", "553 Domain of sender address does not exist", Cause.POST),
        ("", "550 Host not found: fix your HELO", Cause.POST),
        ("", "451 user unknown", Cause.PASSING),
        ("5.2.1", "450 4.2.1 mailbox disabled", Cause.PASSING),
        ("", "550 mailbox temporarily disabled", Cause.PASSING),
        ("", "552 mailbox storage exceeded, user not active", Cause.PASSING),
        ("5.1.1", "550 5.1.1 recipient rejected due to greylisting", Cause.PASSING),
        ("5.2.1", "550 5.2.1 blocked due to inactivity", Cause.GONE),
        ("", "550 <marble.spam@policy.example>: user michelotti unknown user", Cause.GONE),
        ("", "550 Empfänger unbekannt", Cause.GONE),
        ("5.1.1", "550 5.1.1 undeliverable address: x: Connection refused", Cause.PASSING),
        ("", "550 Das Postfach des Nutzers ist voll", Cause.PASSING),
        ("5.0.0", "550 joe@example.net...User unknown", Cause.GONE),
        ("", "550 Postfach voll", Cause.PASSING),
    ],
)
def test_why_a_copy_came_back(status: str, text: str, expected: Cause) -> None:
    assert cause_of(status, text) is expected


def test_a_long_text_is_read_in_part() -> None:
    assert cause_of("", "x " * TEXT_MAX + "user unknown") is Cause.PASSING


@given(st.binary(max_size=300))
def test_no_report_breaks_the_reader(status: bytes) -> None:
    head, _, _ = report().partition(b"Reporting-MTA")
    assert all(one.text.isprintable() for one in told(head + status + b"\r\n--b--\r\n"))


@given(st.text(max_size=300))
def test_no_words_break_the_reader(text: str) -> None:
    raw = mail("From: MAILER-DAEMON@example.net\nSubject: failure notice", text)
    assert all(one.text.isprintable() for one in told(raw))


@pytest.mark.parametrize(
    "line",
    [
        "a" * 190,
        "a@" * 95,
        " " * 190,
        "<" * 190,
        "a@ " * 100_000,
        "a" * 999,
        "a@" * 499,
        "<a@a." * 199,
    ],
)
def test_hostile_words_are_cut(line: str) -> None:
    """What the patterns of a library see of it stays small, whatever is sent."""
    starts = "Delivery to the following recipients failed\nFailed addresses follow:\n"
    body = starts + f"{line}\n" * (5 * RAW_MAX // len(line) + 1)
    raw = mail("From: MAILER-DAEMON@example.net\nSubject: failure notice", body)
    assert len(told(raw)) <= 1


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_mail_that_came_back_encoded_names_itself(encoding: str) -> None:
    original = b"From: olga@example.org\r\nMessage-ID: <7@example.org>\r\n\r\nHello\r\n"
    coded = encodebytes(original) if encoding == "base64" else original.replace(b"@", b"=40")
    raw = (
        b"From: MAILER-DAEMON@example.net\r\nContent-Type: multipart/report; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: "
        + encoding.encode()
        + b"\r\n\r\n"
        + coded
        + b"\r\n--b--\r\n"
    )
    (found,) = told(raw)
    assert found.message_id == "<7@example.org>"
