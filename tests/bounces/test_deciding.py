"""From a copy that came back to a removal, by a probe alone; the way back; posts to blame."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.lists.options import Options
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.people import People
from listserv_py.store.subscribers import Consent
from listserv_py.store.times import stamp

JOE = "joe@example.net"
GONE = "550 5.1.1 no such user"
FULL = "552 5.2.2 mailbox full"
SPAM = "550 5.7.1 looks like spam"


@dataclass
class Case:
    """A list, a clock, and what a test says of bounces in one line."""

    stage: Stage
    posts: int = 0

    def post(self) -> str:
        """Distribute a post; its Message-ID."""
        self.posts += 1
        message_id = f"<{self.posts}@example.org>"
        raw = (
            "From: Olga <olga@example.org>\r\nTo: test-l@lists.example.org\r\n"
            f"Message-ID: {message_id}\r\nSubject: Post {self.posts}\r\n\r\n"
            f"Text number {self.posts}\r\n"
        )
        self.stage.take(raw.encode())
        self.stage.outgoing()
        return message_id

    def key(self, subscription_id: int = 1) -> str:
        return self.stage.tx.verp.key_for(subscription_id, "TEST-L", self.stage.now)

    def report(self, key: str, said: str, message_id: str = "", address: str = JOE) -> None:
        status = said.split(" ")[1]
        original = (
            f"--b\n\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: {message_id}\n\nx\n"
            if message_id
            else ""
        )
        text = (
            "From: MAILER-DAEMON@mail.example.net\nTo: owner-test-l@lists.example.org\n"
            f"Subject: Undelivered\nMessage-ID: <{self.stage.now.timestamp()}.{key}@x>\n"
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
            f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: {status}\n"
            f"Diagnostic-Code: smtp; {said}\n\n{original}--b--\n"
        )
        rcpt = f"owner-test-l{'+' if key else ''}{key}@lists.example.org"
        self.stage.take(text.replace("\n", "\r\n").encode(), {"rcpt": rcpt, "reverse_path": ""})

    def later(self, **wait: float) -> list[bytes]:
        """Time passes, the clock's work is done; the mails that it caused."""
        self.stage.now += timedelta(**wait)
        self.stage.run_timers()
        return self.stage.outgoing()

    def fail(self, days: int, said: str = GONE, subscription_id: int = 1) -> list[bytes]:
        """A post a day, each of which comes back; the mails that follow."""
        mails = []
        for _ in range(days):
            self.report(self.key(subscription_id), said, self.post())
            mails += self.later(days=1)
        return mails

    def arrives(self) -> None:
        """All that waits in the outbox is taken over by the other side."""
        db = self.stage.db
        db.execute("BEGIN IMMEDIATE")
        waiting = db.execute("SELECT mailing_id, rcpt FROM copy").fetchall()
        done = [Settled(row[0], None, row[1], Fate.SENT) for row in waiting]
        self.stage.tx.sending.record_copies(done, stamp(self.stage.now))
        db.execute("COMMIT")

    def probe(self, mails: list[bytes]) -> str:
        """The key of the one probe among the mails."""
        (found,) = [one for one in mails if b"Subscription probe" in one]
        key = re.search(rb"MAIL FROM:<owner-test-l\+([0-9a-z]+)@", found)
        assert key is not None
        return key[1].decode()

    @property
    def is_there(self) -> bool:
        return self.stage.tx.subscribers.find(1, parse_mailbox(JOE)) is not None


def make(folder: Path, *sets: str, subscribers: list[str] | None = None) -> Case:
    stage = Stage(folder)
    told = {"set": ["Send= Public", *sets], "subscribers": subscribers or [f"{JOE} | Joe | NOHTML"]}
    stage.create("TEST-L", told)
    return Case(stage)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = make(tmp_path, "Change-Log= Yes")
    yield made
    made.stage.close()


def subjects(mails: list[bytes]) -> list[str]:
    return [re.findall(rb"^Subject: (.*)\r$", one, re.M)[0].decode() for one in mails]


def test_a_dead_address_goes_after_a_probe(case: Case) -> None:
    mails = case.fail(6)
    key = case.probe(mails)
    assert case.is_there, "nobody is taken off by what came back of posts"
    case.report(key, GONE)
    told = case.later(hours=1)
    assert not case.is_there
    to_joe, to_owner = (one.decode() for one in told)
    assert "RCPT TO:<joe@example.net>" in to_joe
    assert "  550 5.1.1 no such user (the probe)" in to_joe
    assert "RCPT TO:<olga@example.org>" in to_owner
    verbs = [row[0] for row in case.stage.db.execute("SELECT verb FROM change_log")]
    assert verbs[-1] == "AUTODEL"
    assert verbs.count("BOUNCE") == 6


def test_one_reply_brings_the_person_back(case: Case) -> None:
    case.report(case.probe(case.fail(6)), GONE)
    notice = case.later(hours=1)[0].decode()
    code = re.search(r"\(([0-9A-F]{16})\)", notice)
    assert code is not None
    for sender, there in (("eve@example.com", False), (JOE, True)):
        ok = (
            f"From: {sender}\r\nTo: listserv@lists.example.org\r\n"
            f"Message-ID: <ok.{sender}>\r\nSubject: Re: removed ({code[1]})\r\n\r\nok\r\n"
        )
        case.stage.now += timedelta(days=9)
        case.stage.take(ok.encode())
        assert case.is_there is there
    found = case.stage.tx.subscribers.find(1, parse_mailbox(JOE))
    assert found is not None
    assert (found.name, found.options.html) == ("Joe", False)


def test_who_comes_back_has_his_hours_and_limits_again(tmp_path: Path) -> None:
    """And while the list is full, his code waits with him."""
    options = "DIGEST AT 07:00 Europe/Vienna MAX 5"
    case = make(tmp_path, "Limits= Sub(1)", subscribers=[f"{JOE} | Joe | {options}"])
    before = case.stage.tx.subscribers.find(1, parse_mailbox(JOE))
    assert before is not None
    case.report(case.probe(case.fail(6)), GONE)
    notice = case.later(hours=1)[0].decode()
    code = re.search(r"\(([0-9A-F]{16})\)", notice)
    assert code is not None
    subscribers, other = case.stage.tx.subscribers, parse_mailbox("max@example.org")
    there = subscribers.add(1, other, "", before.options, case.stage.now)
    for is_full in (True, False):
        ok = (
            f"From: {JOE}\r\nTo: listserv@lists.example.org\r\n"
            f"Message-ID: <{is_full}>\r\nSubject: Re: removed ({code[1]})\r\n\r\nok\r\n"
        )
        case.stage.take(ok.encode())
        assert case.is_there is not is_full
        if is_full:
            subscribers.remove(there)
    found = subscribers.find(1, parse_mailbox(JOE))
    assert found is not None
    assert found.options == before.options
    case.stage.close()


def test_who_comes_back_has_his_date_his_topics_and_his_consent_again(tmp_path: Path) -> None:
    """Though the list has other topics by then; and nothing is left of what was kept for it."""
    case = make(tmp_path, "Topics= News,Jobs,Talk", subscribers=["max@example.org"])
    subscribers, joe = case.stage.tx.subscribers, parse_mailbox(JOE)
    joined = case.stage.now - timedelta(days=1000)
    consent = Consent(joined, "<asked@x>", "mail.x", "SUBSCRIBE TEST-L", joined, "<ok@x>")
    options = Options(html=False, no_topics=0b1010)  # neither News nor Talk
    subscribers.add(1, joe, "Joe", options, joined, consent)
    code = take_off(case, 2)
    there = case.stage.tx.lists.get("TEST-L")
    text = str(there.header).replace("News,Jobs,Talk", "Jobs,Talk")
    case.stage.tx.lists.update(there, text, case.stage.now)
    case.later(days=20)
    answer(case, code)
    found = subscribers.find(1, joe)
    assert found is not None
    assert (found.name, found.subscribed_at) == ("Joe", joined)
    assert (found.options.html, found.options.no_topics) == (False, 0b100)
    assert subscribers.consent_of(found) == consent
    assert case.stage.db.execute("SELECT payload FROM cookie").fetchall() == [("",)]


def test_nothing_is_kept_of_who_does_not_come_back_or_leaves_by_himself(case: Case) -> None:
    take_off(case)
    case.later(days=31)
    kept = "SELECT count(*) FROM cookie"
    assert case.stage.db.execute(kept).fetchone() == (0,)
    subscribers, joe = case.stage.tx.subscribers, parse_mailbox(JOE)
    for remove in (subscribers.remove, lambda one: subscribers.remove_many(1, [one.mailbox.key])):
        subscribers.add(1, joe, "Joe", Options(), case.stage.now)
        (case_id,) = case.stage.db.execute("SELECT id FROM subscriber").fetchone()
        code = take_off(case, case_id)
        again = subscribers.add(1, joe, "Joe", Options(), case.stage.now)
        remove(again)
        assert case.stage.db.execute(kept).fetchone() == (0,)
        answer(case, code)
        assert not case.is_there


def take_off(case: Case, subscription_id: int = 1) -> str:
    """Have his probe come back; the code in the notice."""
    mails = case.fail(6, subscription_id=subscription_id)
    case.report(case.probe(mails), GONE)
    code = re.search(r"\(([0-9A-F]{16})\)", case.later(hours=1)[0].decode())
    assert code is not None
    return code[1]


def answer(case: Case, code: str) -> None:
    ok = (
        f"From: {JOE}\r\nTo: listserv@lists.example.org\r\n"
        f"Message-ID: <{code}>\r\nSubject: Re: removed ({code})\r\n\r\nok\r\n"
    )
    case.stage.take(ok.encode())


def test_a_probe_that_arrives_forgives_all(case: Case) -> None:
    case.probe(case.fail(6))
    case.later(days=8)
    assert case.stage.tx.bounces.against(1) != [], "it has not left us yet"
    case.arrives()
    case.later(hours=1)
    assert case.is_there
    assert case.stage.tx.bounces.against(1) == []
    assert set(subjects(case.fail(3))) == {"TEST-L: daily error report"}


def test_a_hundred_forged_reports_without_a_key(case: Case) -> None:
    posts = [case.post() for _ in range(5)]
    for number in range(100):
        case.report("" if number % 2 else "a" * 24, GONE, posts[number % 5])
    assert all("probe" not in one for one in subjects(case.later(days=30)))
    assert case.is_there


def test_a_hundred_forged_reports_with_the_key_of_a_copy(case: Case) -> None:
    """The most that they bring about is a probe, which arrives."""
    stolen = case.key()
    for _ in range(10):
        message_id = case.post()
        for _ in range(10):
            case.report(stolen, GONE, message_id)
        case.later(days=1)
    for _ in range(100):
        case.report(stolen, GONE)
    case.later(days=8)
    assert case.is_there


def test_a_key_of_somebody_else_and_an_old_one_count_nothing(case: Case) -> None:
    options = case.stage.tx.lists.get("TEST-L").default_options()
    case.stage.tx.subscribers.add(1, parse_mailbox("max@example.org"), "", options, case.stage.now)
    old = case.key()
    case.report(case.key(2), GONE, case.post())
    case.later(hours=2)
    assert len(case.stage.tx.bounces.against(2)) == 1
    case.stage.now += timedelta(days=120)
    case.report(old, GONE, case.post())
    case.later(hours=2)
    assert case.stage.tx.bounces.against(1) == []


def test_a_probes_key_serves_once_and_at_its_list(case: Case) -> None:
    key = case.probe(case.fail(6))
    case.report(key, FULL)
    case.report(key, GONE)
    case.later(hours=1)
    assert case.is_there, "the first report counts"


def test_each_post_counts_once(case: Case) -> None:
    message_id = case.post()
    for _ in range(5):
        case.report(case.key(), GONE, message_id)
        case.later(hours=30)
    assert len(case.stage.tx.bounces.against(1)) == 1


def test_a_message_id_of_ours_names_the_post(tmp_path: Path) -> None:
    case = make(tmp_path, "Misc-Options= NEW_MESSAGE_ID")
    case.post()
    case.post()
    rows = case.stage.db.execute("SELECT own_id FROM mailing WHERE kind = 'post' ORDER BY id")
    for (own_id,) in rows.fetchall():
        for _ in range(2):
            case.report(case.key(), GONE, f"<{own_id}@lists.example.org>")
    found = case.stage.db.execute("SELECT mailing_id FROM bounce").fetchall()
    assert len({row[0] for row in found} - {0}) == 2 == len(found)
    case.stage.close()


def test_a_message_id_of_ours_names_the_issue(tmp_path: Path) -> None:
    case = make(tmp_path, "Digest= Yes,Same,Daily", subscribers=[f"{JOE} | Joe | DIGEST"])
    case.post()
    case.later(days=1)
    (own_id,) = case.stage.db.execute("SELECT own_id FROM mailing WHERE kind = 'digest'").fetchone()
    for _ in range(2):
        case.report(case.key(), GONE, f"<{own_id}.mime-html@lists.example.org>")
    found = case.stage.db.execute(
        "SELECT m.kind FROM bounce b JOIN mailing m ON m.id = b.mailing_id"
    )
    assert found.fetchall() == [("digest",)]
    case.stage.close()


def test_a_full_mailbox_needs_many_probes_over_weeks(tmp_path: Path) -> None:
    case = make(tmp_path, "Auto-Delete= Yes,Semi-Auto,Delay(2)")
    probes = 0
    for _ in range(40):
        mails = case.fail(1, FULL)
        if any(b"Subscription probe" in one for one in mails):
            probes += 1
            case.report(case.probe(mails), FULL)
        if not case.is_there:
            break
    assert not case.is_there
    assert probes >= 3
    case.stage.close()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Yes,Manual,Delay(0)", 0),
        ("Yes,Full-Auto,Delay(0)", 1),
        ("Yes,Delay(30),Max(2)", 1),
        ("Yes,Delay(30)", 0),
    ],
)
def test_the_forms_of_auto_delete(tmp_path: Path, rule: str, expected: int) -> None:
    case = make(tmp_path, f"Auto-Delete= {rule}")
    mails = case.fail(2)
    assert len([one for one in mails if b"Subscription probe" in one]) == expected
    case.stage.close()


def test_auto_delete_no_leaves_it_to_people(tmp_path: Path) -> None:
    case = make(tmp_path, "Auto-Delete= No", "Errors-To= Postmaster,eva@example.org")
    case.report(case.key(), GONE, case.post())
    mails = case.stage.outgoing()
    assert [re.findall(rb"RCPT TO:<(.*)>", one)[0] for one in mails] == [
        b"eva@example.org",
        b"admin@example.org",
    ]
    assert case.later(days=2) == []
    case.stage.close()


def refuse(case: Case, said: str, *people: str) -> None:
    """Our own dialogue: the copies of the newest post are refused to these people."""
    code, status, text = said.split(" ", 2)
    db = case.stage.db
    mailing_id, upto = db.execute("SELECT max(id), max(upto) FROM mailing").fetchone()
    settled = [
        Settled(
            mailing_id, row[0], row[1], Fate.REFUSED if row[1] in people else Fate.SENT,
            int(code), status, text, blames=True,
        )
        for row in db.execute("SELECT id, address FROM subscriber ORDER BY id")
    ]  # fmt: skip
    db.execute("BEGIN IMMEDIATE")
    case.stage.tx.sending.record_page(mailing_id, upto, settled, stamp(case.stage.now))
    case.stage.tx.sending.reached_all(mailing_id)
    db.execute("COMMIT")


def test_refusals_in_our_own_dialogue_count_alike(case: Case) -> None:
    mails = []
    for _ in range(6):
        case.post()
        refuse(case, GONE, JOE)
        mails += case.later(days=1)
    key = case.probe(mails)
    assert key
    mailing_id = case.stage.db.execute("SELECT mailing_id FROM probe").fetchone()[0]
    case.stage.db.execute("BEGIN")
    refused = Settled(mailing_id, None, JOE, Fate.REFUSED, 550, "5.1.1", "no such user")
    case.stage.tx.sending.record_copies([refused], stamp(case.stage.now))
    case.stage.db.execute("COMMIT")
    case.later(hours=1)
    assert not case.is_there


def test_what_comes_back_of_a_digest_counts_as_well(tmp_path: Path) -> None:
    case = make(tmp_path, "Digest= Yes,Same,Daily", subscribers=[f"{JOE} | Joe | DIGEST"])
    for _ in range(2):
        case.post()
        case.stage.now += timedelta(days=1)
        case.stage.run_timers()
        refuse(case, GONE, JOE)
        case.later(hours=1)
    charged = case.stage.db.execute("SELECT charge, cause FROM bounce").fetchall()
    assert charged == [("person", "gone")] * 2
    case.stage.close()


def test_what_speaks_of_policy_is_the_posts(case: Case) -> None:
    mails = case.fail(8, SPAM)
    assert case.stage.tx.bounces.against(1) == []
    assert set(subjects(mails)) == {"TEST-L: daily error report"}
    assert b"looks like spam" in mails[-1]


def test_what_hits_many_is_the_posts(tmp_path: Path) -> None:
    people = [f"p{number}@big.example" for number in range(8)]
    others = [f"p{number}@small{number}.example" for number in range(20)]
    case = make(tmp_path, subscribers=people + others)
    mails = []
    for _ in range(8):
        case.post()
        refuse(case, GONE, *people[:6], others[0])
        mails += case.later(days=1)
    told = [one for one in mails if b"many copies" in one]
    assert len(told) == 8, "once a post"
    assert b"Where:                  big.example" in told[0]
    rows = case.stage.db.execute("SELECT DISTINCT address FROM bounce WHERE charge = 'person'")
    assert [row[0] for row in rows] == [others[0]]
    case.stage.close()


def test_what_shows_late_to_hit_many_is_taken_back(tmp_path: Path) -> None:
    people = [f"p{number}@big.example" for number in range(6)]
    case = make(tmp_path, subscribers=people)
    message_id = case.post()
    for number in range(6):
        case.report(case.key(number + 1), GONE, message_id, people[number])
        case.later(hours=2)
    rows = case.stage.db.execute("SELECT count(*) FROM bounce WHERE charge = 'person'")
    assert rows.fetchone()[0] == 0
    case.stage.close()


def test_the_daily_report(case: Case) -> None:
    case.report(case.key(), GONE, case.post())
    case.report("", GONE, "", "who@example.com")
    assert case.later(hours=2) == []
    (mail,) = case.later(hours=22)
    text = mail.decode()
    assert "RCPT TO:<olga@example.org>" in text
    assert "  1  22 Nov  22 Nov  joe@example.net" in text
    assert "who@example.com" in text
    assert case.later(days=2) == []


def test_the_report_comes_each_day_as_long_as_mail_comes_back(case: Case) -> None:
    for _ in range(4):
        case.report(case.key(), GONE, case.post())
        told = case.later(days=1)
        assert [b"daily error report" in one for one in told] == [True]


def complaint(case: Case, sender: str, message_id: str, key: str = "") -> None:
    text = (
        "From: fbl@isp.example\nTo: owner-test-l@lists.example.org\nSubject: complaint\n"
        f"Message-ID: <{sender}.fbl>\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n"
        f"User-Agent: Isp/1\nOriginal-Mail-From: <{sender}>\n\n"
        f"--b\nContent-Type: message/rfc822\n\nMessage-ID: {message_id}\n\nx\n--b--\n"
    )
    rcpt = f"owner-test-l{key}@lists.example.org"
    case.stage.take(text.replace("\n", "\r\n").encode(), {"rcpt": rcpt, "reverse_path": ""})


@pytest.mark.parametrize(
    ("sets", "by_key", "known", "stays"),
    [
        (["Misc-Options= PROCESS_SPAM_FEEDBACK"], True, True, False),
        (["Misc-Options= PROCESS_SPAM_FEEDBACK"], False, True, True),
        (["Misc-Options= PROCESS_SPAM_FEEDBACK"], True, False, True),
        ([], True, True, True),
    ],
)
def test_complaints(
    tmp_path: Path, sets: list[str], *, by_key: bool, known: bool, stays: bool
) -> None:
    case = make(tmp_path, *sets)
    message_id = case.post() if known else "<never@seen>"
    key = f"+{case.key() if by_key else 'a' * 24}"
    complaint(case, f"owner-test-l{key}@lists.example.org", message_id)
    assert case.is_there is stays
    told = [one for one in case.stage.outgoing() if b"joe@example.net" in one]
    assert bool(told) is not stays
    case.stage.close()


def looped(case: Case, sender: str, message_id: str, rcpt: str, noted: str) -> None:
    """What Outlook's feedback loop sends: a mail that encloses the post, and no more."""
    text = (
        f"From: staff@loop.example\nTo: {rcpt}@lists.example.org\n"
        f"Subject: complaint about message from 192.0.2.7\nMessage-ID: <{rcpt}.{noted}.loop>\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
        f"X-HmXmrOriginalRecipient: {JOE}\n{noted.format(sender)}\n"
        f"Message-ID: {message_id}\nSubject: Post\n\nx\n--b--\n"
    )
    known = {"rcpt": f"{rcpt}@lists.example.org", "reverse_path": "staff@loop.example"}
    case.stage.take(text.replace("\n", "\r\n").encode(), known)


@pytest.mark.parametrize("rcpt", ["owner-test-l", "owner-listserv"])
@pytest.mark.parametrize(
    "noted",
    [
        "Return-Path: <{}>",
        "Authentication-Results: hotmail.example; spf=pass smtp.mailfrom={}; dkim=none",
        "Received-SPF: pass (x: domain of {0}) envelope-from=<{0}>; helo=x",
    ],
)
def test_a_feedback_loop_that_encloses_only_the_mail(tmp_path: Path, noted: str, rcpt: str) -> None:
    case = make(tmp_path, "Misc-Options= PROCESS_SPAM_FEEDBACK")
    message_id = case.post()
    looped(case, f"owner-test-l+{'a' * 24}@lists.example.org", message_id, rcpt, noted)
    assert case.is_there, "a key that is not ours"
    letters = case.stage.outgoing()
    assert len(letters) == (1 if rcpt == "owner-test-l" else 0), "the owners read it themselves"
    noted += "\nX-Loop: 1"
    looped(case, f"owner-test-l+{case.key()}@lists.example.org", message_id, rcpt, noted)
    assert not case.is_there
    assert "removed from the TEST-L list" in subjects(case.stage.outgoing())[0]
    case.stage.close()


def test_a_complaint_of_another_lists_copy_is_not_this_lists(tmp_path: Path) -> None:
    case = make(tmp_path, "Misc-Options= PROCESS_SPAM_FEEDBACK")
    case.stage.create("OTHER-L", {"set": ["Misc-Options= PROCESS_SPAM_FEEDBACK"]})
    sender = f"owner-test-l+{case.key()}@lists.example.org"
    looped(case, sender, case.post(), "owner-other-l", "Return-Path: <{}>")
    assert case.is_there
    case.stage.close()


def test_an_exempt_subscriber_is_only_reported(tmp_path: Path) -> None:
    case = make(tmp_path, subscribers=[f"{JOE} | Joe | NORENEW"])
    mails = case.fail(8)
    assert set(subjects(mails)) == {"TEST-L: daily error report"}
    case.stage.close()


def test_a_bounce_of_a_removals_notice_changes_nothing(case: Case) -> None:
    key = case.probe(case.fail(6))
    case.report(key, GONE)
    case.later(hours=1)
    case.report("", GONE)
    case.report(key, GONE)
    assert case.stage.outgoing() == []


def test_who_leaves_or_is_erased_leaves_nothing(case: Case) -> None:
    case.fail(6)
    found = People(case.stage.tx).stored_about(parse_mailbox(JOE))
    assert found["bounces"]
    assert found["probes"]
    assert JOE in json.dumps(found)
    People(case.stage.tx).erase(parse_mailbox(JOE))
    assert [case.stage.db[table].count for table in ("bounce", "probe")] == [0, 0]


def test_time_forgets(case: Case) -> None:
    case.fail(3)
    case.later(days=100)
    case.later(hours=1)
    left = [case.stage.db[name].count for name in ("bounce", "bounce_told", "bounce_report")]
    assert left == [0, 0, 0]


def test_many_domains_that_refuse_are_one_notice(tmp_path: Path) -> None:
    people = [f"p{number}@d{number % 30}.example" for number in range(180)]
    living = [f"p{number}@home.example" for number in range(200)]
    case = make(tmp_path, subscribers=people + living)
    case.post()
    refuse(case, GONE, *people)
    told = [one for one in case.later(hours=1) if b"many copies" in one]
    assert len(told) == 1
    assert b"Copies that came back:  180 of 380" in told[0]
    assert b", ...\r\n" in told[0]
    rows = case.stage.db.execute("SELECT count(*) FROM bounce WHERE charge = 'person'")
    assert rows.fetchone()[0] == 0
    case.stage.close()
