"""Reports are read, counted by our key alone, and never answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.bounces.policy import PASSED_ON_A_DAY
from listserv_py.mail.mailbox import parse_mailbox

JOE = parse_mailbox("joe@example.net")
DAEMON = "MAILER-DAEMON@mail.example.net"


def report(*groups: str, status_type: str = "message/delivery-status") -> bytes:
    status = "\n".join(f"{group}\n" for group in ("Reporting-MTA: dns; x.example.net", *groups))
    text = (
        f"From: {DAEMON}\nTo: owner-test-l@lists.example.org\nSubject: Undelivered\n"
        "Auto-Submitted: auto-replied\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\n\nIt did not work.\n\n--b\nContent-Type: {status_type}\n\n{status}\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


FAILED = (
    "Final-Recipient: rfc822; joe@example.net\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such\n user here"
)
DELAYED = "Final-Recipient: rfc822; joe@example.net\nAction: delayed\nStatus: 4.4.1"
RELAYED = "Final-Recipient: rfc822; joe@example.net\nAction: relayed\nStatus: 2.0.0"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"subscribers": [str(JOE)]})
    made.create("OTHER-L", {"subscribers": []})
    yield made
    made.close()


def key_of(stage: Stage, listname: str = "TEST-L", subscription_id: int = 1) -> str:
    return stage.tx.verp.key_for(subscription_id, listname, stage.now)


def bounces(stage: Stage) -> list[tuple[int, str, str]]:
    rows = stage.db.execute("SELECT subscriber_id, address, status FROM bounce")
    return [(row[0], row[1], row[2]) for row in rows]


def arrive(stage: Stage, raw: bytes, local_part: str, reverse_path: str = "") -> None:
    stage.take(raw, {"rcpt": f"{local_part}@lists.example.org", "reverse_path": reverse_path})


def test_a_report_counts_for_the_subscription_that_its_key_names(stage: Stage) -> None:
    arrive(stage, report(FAILED), f"owner-test-l+{key_of(stage)}")
    assert bounces(stage) == [(1, str(JOE), "5.1.1")]
    assert stage.outgoing() == []


def test_a_hundred_reports_take_nobody_off(stage: Stage) -> None:
    for number in range(100):
        raw = report(FAILED).replace(
            b"Subject: U", b"Message-ID: <%d@x.org>\r\nSubject: U" % number
        )
        arrive(stage, raw, f"owner-test-l+{key_of(stage)}")
    assert len(bounces(stage)) == 1, "they name no post of ours: they are one"
    assert stage.tx.subscribers.count(1) == 1


@pytest.mark.parametrize(
    "local_part",
    [
        "owner-test-l",
        "owner-test-l+aaaaaaaaaaaaaaaaaaaaaaaa",
        "owner-listserv",
    ],
)
def test_a_report_without_a_key_counts_for_nobody(stage: Stage, local_part: str) -> None:
    arrive(stage, report(FAILED), local_part)
    shown = [] if local_part == "owner-listserv" else [(None, str(JOE), "5.1.1")]
    assert (bounces(stage), stage.outgoing()) == (shown, [])


def test_a_key_serves_at_its_own_list_only(stage: Stage) -> None:
    arrive(stage, report(FAILED), f"owner-other-l+{key_of(stage)}")
    arrive(stage, report(FAILED), f"owner-other-l+{key_of(stage, 'OTHER-L')}")
    assert [one[0] for one in bounces(stage)] == [None, None]


def test_good_news_and_departed_subscribers(stage: Stage) -> None:
    arrive(stage, report(RELAYED), f"owner-test-l+{key_of(stage)}")
    arrive(stage, report(FAILED), f"owner-test-l+{key_of(stage, subscription_id=77)}")
    assert [one[0] for one in bounces(stage)] == [None]


LETTER = (
    "From: Eve <eve@example.com>\r\nTo: owner-test-l@lists.example.org\r\n"
    "Message-ID: <1@example.com>\r\nSubject: Question\r\n{}\r\nWho are you?\r\n"
)


def test_a_persons_mail_goes_to_the_owners(stage: Stage) -> None:
    arrive(stage, LETTER.format("").encode(), "owner-test-l", "eve@example.com")
    (mail,) = stage.outgoing()
    assert b"[forward]\r\nMAIL FROM:<>\r\nRCPT TO:<olga@example.org>" in mail
    assert b"Who are you?" in mail


@pytest.mark.parametrize(
    "said",
    [
        "Why was my post rejected?\r\n\r\nI wrote to the list.",
        "Fwd: Undelivered Mail Returned to Sender\r\n\r\n> <joe@example.net>: user unknown",
        "On leave\r\n\r\nI am on vacation in May. Please set me to NOMAIL.",
        "Away from home\r\n\r\nIs there an archive?",
        "Whitelist\r\n\r\nDo I have to click on the link below to confirm that you are my list?",
    ],
)
@pytest.mark.parametrize("sender", ["eve@example.com", "postmaster@example.com"])
def test_a_letter_that_speaks_of_bounces_is_a_letter(stage: Stage, said: str, sender: str) -> None:
    raw = f"From: Eve <{sender}>\r\nMessage-ID: <1@example.com>\r\nSubject: {said}\r\n"
    arrive(stage, raw.encode(), "owner-test-l", sender)
    if "user unknown" in said and sender.startswith("postmaster"):
        assert bounces(stage), "a mailer that names an address"
    else:
        (mail,) = stage.outgoing()
        assert b"RCPT TO:<olga@example.org>" in mail
        assert bounces(stage) == []


def test_a_note_of_absence_to_a_copys_address_is_no_letter(stage: Stage) -> None:
    raw = LETTER.format("").replace("Question", "Out of office: Hello").encode()
    arrive(stage, raw, f"owner-test-l+{key_of(stage)}", "eve@example.com")
    assert stage.outgoing() == []


@pytest.mark.parametrize(
    ("more", "reverse_path", "sender"),
    [
        ("Auto-Submitted: auto-replied\r\n", "eve@example.com", "eve@example.com"),
        ("X-LSV-ListID: TEST-L\r\n", "eve@example.com", "eve@example.com"),
        ("", "eve@example.com", "listserv@lists.example.org"),
        ("", "eve@example.com", "test-l@lists.example.org"),
        ("", "eve@example.com", "eve@example.com, max@example.org"),
    ],
)
def test_what_no_person_wrote_is_dropped(
    stage: Stage, more: str, reverse_path: str, sender: str
) -> None:
    raw = LETTER.format(more).replace("Eve <eve@example.com>", sender)
    arrive(stage, raw.encode(), "owner-test-l", reverse_path)
    assert stage.outgoing() == []


def test_what_nobody_can_read_is_shown_to_the_owners(stage: Stage) -> None:
    """From the null sender come bounces: one in words that we do not know, perhaps."""
    for number in range(30):
        raw = LETTER.format("").replace("<1@", f"<{number}@")
        arrive(stage, raw.encode(), "owner-test-l", "")
    mails = stage.outgoing()
    assert len(mails) == PASSED_ON_A_DAY
    assert b"MAIL FROM:<>\r\nRCPT TO:<olga@example.org>" in mails[0]


@pytest.mark.parametrize(
    ("rule", "many"),
    [("No", 1), ("Yes", 1), ("Yes,Semi-Auto", 1), ("Yes,Full-Auto", 0), ("Yes,Manual", 0)],
)
def test_who_is_shown_what_nobody_can_read(stage: Stage, rule: str, many: int) -> None:
    stage.create("RULE-L", {"set": [f"Auto-Delete= {rule}"], "subscribers": []})
    arrive(stage, LETTER.format("").encode(), "owner-rule-l", "")
    assert len(stage.outgoing()) == many
    listed = [] if many else [(None, "eve@example.com", "")]
    assert bounces(stage) == listed, "where it is not shown it is in the daily report"


def test_whose_copy_an_unreadable_mail_is_about_is_in_the_report(stage: Stage) -> None:
    joe = [str(JOE)]
    stage.create("RULE-L", {"set": ["Auto-Delete= Yes,Full-Auto"], "subscribers": joe})
    number = stage.db.execute("SELECT max(id) FROM subscriber").fetchone()[0]
    key = key_of(stage, "RULE-L", number)
    arrive(stage, LETTER.format("").encode(), f"owner-rule-l+{key}", "")
    stage.now += timedelta(days=1)
    stage.run_timers()
    (mail,) = stage.outgoing()
    assert f"{JOE}\r\n     Question\r\n".encode() in mail


def test_a_returned_approval_request_never_confirms(stage: Stage) -> None:
    raw = report(FAILED).replace(b"It did not work.", b"OK C0DE000000000001")
    for local_part in ("owner-test-l", "listserv"):
        arrive(stage, raw, local_part)
    assert stage.outgoing() == []
