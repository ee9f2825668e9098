import json
from datetime import UTC, datetime

import pytest
from cli_site import DOMAIN, Site, server

from listserv_py.config import load
from listserv_py.intake import open_letter, work_off
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms

NASTY = "see \x1b[2J https://relay.example"
RAW = (
    b"Received: from mail.example.net by lists.example.org with SMTP id ACC123; now\r\n"
    b"From: Anna <anna@owner.example>\r\nTo: test-l@lists.example.org\r\nSubject: Hello\r\n"
    b"Message-ID: <one@owner.example>\r\n\r\nDear all\r\n"
)


@pytest.fixture
def posted(with_list: Site) -> Site:
    """A post to two readers, decided on, one copy sent and one put off; and a mail that waits."""
    with_list.ok("cmd", "ADD TEST-L joe@example.com Joe")
    with_list.ok("cmd", "ADD TEST-L mia@example.com Mia")
    with_list.ok("cmd", "PUT TEST-L LIST\n* Test\n*\n* Owner= anna@owner.example\n* Send= Public\n")
    settings = load(with_list.config)

    def work(tx: Tx) -> None:
        now = datetime.now(UTC)
        rcpt = parse_mailbox(f"test-l@{DOMAIN}")
        anna = parse_mailbox("anna@owner.example")
        for raw in (RAW, RAW.replace(b"<one@", b"<two@")):
            envelope = Envelope(
                anna, (rcpt,), raw, "192.0.2.9", "mail.example.net", Protocol.SMTP, now
            )
            tx.spool.take(envelope)
        (entry,) = tx.spool.begin([1])
        work_off(Turns(settings, Forms.load()).at(tx), open_letter(entry))
        (mailing,) = tx.sending.running()
        at = int(now.timestamp())
        first, second = (one.subscriber_id for one in tx.sending.page(mailing, 0, 9))
        tx.sending.record_page(
            mailing.id,
            second,
            [
                Settled(mailing.id, first, "joe@example.com", Fate.SENT, 250, "2.0.0", "queued X"),
                Settled(mailing.id, second, "mia@example.com", Fate.LATER, 451, "4.3.0", NASTY,
                        next_at=at + 900),
            ],
            at,
        )  # fmt: skip
        tx.sending.reached_all(mailing.id)

    with_list.store(work)
    return with_list


@pytest.mark.parametrize("name", ["<one@owner.example>", "one@owner.example", "s1", "post"])
def test_a_mail_is_followed_by_any_of_its_names(posted: Site, name: str) -> None:
    if name == "post":
        (row,) = [one for one in json.loads(posted.ok("queue", "--json")) if one["kind"] == "post"]
        name = str(row["id"])
    elif name == "s1":
        name = "1"
    told = posted.ok("trace", name)
    assert "mail 1 to TEST-L, by smtp" in told
    assert "accepted as ACC123" in told
    assert "distributed" in told
    assert "2 readers, 1 sent, 1 waiting, 0 to come, 0 failed" in told
    assert "batch, 1 of 1 sent: 250 2.0.0 queued X" in told
    assert "mia@example.com  deferred, next " in told
    assert "\x1b" not in told
    assert "joe@example.com" not in told
    (mail,) = json.loads(posted.ok("trace", "<one@owner.example>", "--json"))["mails"]
    assert [step["what"] for step in mail["steps"]] == ["distributed"]
    assert mail["posts"][0]["untaken"][0]["reply"].startswith("451 4.3.0 see")


def test_the_name_that_our_250_gave_is_one(posted: Site) -> None:
    found = json.loads(posted.ok("trace", "ACC123", "--json"))
    assert [one["spool_id"] for one in found["mails"]] == [1]


def test_a_mail_that_waits_is_shown_with_its_host(posted: Site) -> None:
    for name in ("2", "<two@owner.example>"):
        assert "mail 2: ready" in posted.ok("trace", name)
        assert "from 192.0.2.9 (mail.example.net)" in posted.ok("trace", name)


def test_what_nobody_knows_is_refused(posted: Site) -> None:
    for name in ("4711", "<never@example.net>", "XYZ"):
        assert name in posted.refused("trace", name)


def test_the_copy_of_one_reader(posted: Site) -> None:
    joe = posted.ok("trace", "<one@owner.example>", "--for", "joe@example.com")
    assert " to TEST-L:  joe@example.com  sent 20" in joe
    assert joe.endswith(": 250 2.0.0 queued X\n")
    assert "deferred" in posted.ok("trace", "1", "--for", "mia@example.com")
    assert posted.ok("trace", "1", "--for", "x@example.com").startswith("no copy of it")
    plain = json.loads(posted.ok("trace", "1", "--for", "joe@example.com", "--json"))
    assert plain["mails"][0]["posts"][0]["own"]["fate"] == "sent"
    assert "is not a mail address" in posted.refused("trace", "1", "--for", "nobody")


def test_progress_is_a_line_a_post(posted: Site) -> None:
    line = posted.ok("queue", "watch", "--once")
    assert line.split("\t")[1] == "TEST-L"
    assert line.split("\t")[3:] == ["1", "1", "0", "0", "0.0", "-\n"]
    plain = json.loads(posted.ok("queue", "watch", "--once", "--json"))
    assert (plain["sent"], plain["waiting"], plain["left"]) == (1, 1, None)


def test_watching_ends_with_the_last_post(posted: Site) -> None:
    """Beside a server that sends into Maildirs."""
    (row,) = [one for one in json.loads(posted.ok("queue", "--json")) if one["kind"] == "post"]
    posted.ok("queue", "retry", str(row["id"]))
    with server(posted):
        posted.ok("queue", "watch", "--every", "0.2")
        told = posted.ok("trace", str(row["id"]))
    assert "2 sent, 0 waiting" in told


def test_erased_with_his_name(posted: Site) -> None:
    told = json.loads(posted.ok("personal-data", "anna@owner.example"))
    assert [one["what"] for one in told["mails_decided"]][:1] == ["distributed"]
    posted.ok("cmd", "PUT TEST-L LIST\n* Test\n*\n* Owner= other@owner.example\n* Send= Public\n")
    posted.ok("erase", "anna@owner.example")
    assert json.loads(posted.ok("personal-data", "anna@owner.example"))["mails_decided"] == []
    assert posted.refused("trace", "<one@owner.example>")


@pytest.mark.parametrize("form", ["{}", "<{}>", "KEY"])
def test_an_envelope_sender_says_whose_copy_it_is(posted: Site, form: str) -> None:
    """What stands in a relay's log."""

    def key_of(tx: Tx) -> str:
        now = datetime.now(UTC)
        joe = tx.db.execute("SELECT id FROM subscriber WHERE address = 'joe@example.com'")
        return tx.verp.key_for(joe.fetchone()[0], "TEST-L", now)

    key = posted.store(key_of)
    sender = f"owner-test-l+{key}@{DOMAIN}"
    name = key if form == "KEY" else form.format(sender)
    month = f"{datetime.now(UTC):%Y-%m}"
    told = posted.ok("trace", name)
    assert told.splitlines()[0] == f"copies to joe@example.com on TEST-L, {month}"
    assert "joe@example.com  sent 20" in told
    assert "mia@" not in told
    posted.ok("cmd", "QUIET DELETE TEST-L joe@example.com")
    found = json.loads(posted.ok("trace", name, "--json"))["keyed"]
    assert (found["listname"], found["address"]) == ("TEST-L", "")
    assert [one["line"]["fate"] for one in found["copies"]] == ["sent"]
    assert "copies to somebody who has left on TEST-L" in posted.ok("trace", name)
    assert "nothing is known" in posted.refused("trace", sender.replace(key[:3], "aaa"))


def test_an_old_envelope_sender_names_its_reader_still(posted: Site) -> None:
    def key_of(tx: Tx) -> str:
        joe = tx.db.execute("SELECT id FROM subscriber WHERE address = 'joe@example.com'")
        return tx.verp.key_for(joe.fetchone()[0], "TEST-L", datetime(2025, 2, 3, tzinfo=UTC))

    told = posted.ok("trace", f"owner-test-l+{posted.store(key_of).upper()}@{DOMAIN}")
    assert told.splitlines() == [
        "copies to joe@example.com on TEST-L, 2025-02",
        "what became of them is no longer kept",
    ]
