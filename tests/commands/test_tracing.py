"""TRACE, WHY and SHOW POST: who hears what, and that strangers hear nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import FORMS, Stage

from listserv_py.posting.verdict import Asked
from listserv_py.store import follow
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.trail import What

LISTSERV = "listserv@lists.example.org"
OWNER, JOE = "olga@example.org", "joe@example.net"
ID = "<post1@example.net>"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create(
        "TEST-L",
        {
            "owners": [OWNER],
            "set": ["Send= Public"],
            "subscribers": [JOE, "ann@example.com", "sue@example.com"],
        },
    )
    made.create("OTHER-L", {"owners": ["otto@example.org"], "subscribers": ["otto@example.org"]})
    yield made
    made.close()


def mail(sender: str, to: str, text: str, message_id: str = ID, subject: str = "Hello") -> bytes:
    lines = (
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Message-ID: {message_id}",
        "",
        text,
        "",
    )
    return "\r\n".join(lines).encode()


def post(stage: Stage, sender: str = JOE, **more: str) -> int:
    stage.take(mail(sender, "test-l@lists.example.org", "Dear all", **more))
    stage.outgoing()
    return max((one.id for one in stage.tx.sending.running()), default=0)


def ask(stage: Stage, sender: str, *lines: str) -> str:
    """What the commands are answered with, after an ok where that is asked for."""
    stage.take(mail(sender, LISTSERV, "\n".join(lines), f"<{stage.tokens}@x>", ""))
    (said,) = stage.outgoing()
    if b"[confirmation]" in said:
        code = f"{stage.codes:012X}"
        subject = f"Re: (C0DE{code})"
        stage.take(mail(sender, LISTSERV, "ok", f"<ok{stage.tokens}@x>", subject))
        (said,) = stage.outgoing()
    return said.decode().replace("\r\n", "\n").partition("\n\n")[2].partition("\n\n")[2]


@pytest.mark.parametrize("command", ["TRACE", "WHY", "SHOW POST"])
@pytest.mark.parametrize("who", ["otto@example.org", "nobody@example.com"])
def test_to_a_stranger_a_message_is_one_that_never_was(
    stage: Stage, command: str, who: str
) -> None:
    number = str(post(stage))
    told = ask(stage, who, f"{command} {ID}").replace(ID, "X")
    never = ask(stage, who, f"{command} <never1@example.net>").replace("<never1@example.net>", "X")
    assert "Nothing is known" in told
    assert told == never
    by_number = ask(stage, who, f"{command} {number}")
    assert by_number.replace(f" {number}", " X") == ask(stage, who, f"{command} 4711").replace(
        " 4711", " X"
    )
    assert "Nothing is known" in ask(stage, who, f"TRACE {ID} FOR {JOE}")


def test_a_reader_hears_of_his_own_copy_only(stage: Stage) -> None:
    number = post(stage)
    settled = [
        Settled(number, 1, JOE, Fate.SENT),
        Settled(number, 2, "ann@example.com", Fate.LATER, 451, "4.2.2", "full", next_at=1),
        Settled(number, 3, "sue@example.com", Fate.REFUSED, 550, "5.1.1", "who"),
    ]
    stage.tx.sending.record_page(number, 3, settled, int(stage.now.timestamp()))
    ann = ask(stage, "ann@example.com", f"TRACE {ID}")
    assert "put off (tries: 1)" in ann
    assert "451 4.2.2 full" in ann
    assert "who" not in ann
    assert JOE not in ann
    sue = ask(stage, "sue@example.com", f"TRACE {ID}")
    assert "refused on" in sue
    assert "550 5.1.1 who" in sue
    assert "Nothing is known" in ask(stage, "ann@example.com", f"TRACE {ID} FOR sue@example.com")
    joe = ask(stage, JOE, f"TRACE {ID}")
    assert "readers 3, handed over 1, waiting 1" in joe
    assert "ann@" not in joe
    olga = ask(stage, OWNER, f"TRACE {ID}", f"TRACE {ID} FOR {JOE}")
    assert "ann@example.com\n  put off (tries: 1)" in olga
    assert "sue@example.com\n  refused on" in olga
    assert f"the copy for {JOE}:\n  handed over on" in olga
    again = Settled(number, 2, "ann@example.com", Fate.HELD, text="nobody knows", next_at=1)
    stage.tx.sending.record_copies([again], int(stage.now.timestamp()))
    assert "set aside until the operator" in ask(stage, "ann@example.com", f"TRACE {ID}")
    assert "ann@example.com\n  set aside until" in ask(stage, OWNER, f"TRACE {ID}")


def test_what_came_back_later_is_told(stage: Stage) -> None:
    """Apart from what our own dialogue found by itself, such as a domain without a host."""
    number = post(stage)
    settled = [
        Settled(number, 1, JOE, Fate.SENT),
        Settled(number, 2, "ann@example.com", Fate.SENT),
        Settled(number, 3, "sue@example.com", Fate.REFUSED, 0, "5.4.4", "no host"),
    ]
    stage.tx.sending.record_page(number, 3, settled, int(stage.now.timestamp()))
    ann = stage.tx.subscribers.by_id(2)
    assert ann is not None
    stage.tx.bounces.note(ann, number, ("5.1.1", "550 5.1.1 no such user", "gone"), stage.now)
    back = "returned on 22 Nov 2026, 12:00 UTC\n    it was told: 550 5.1.1 no such user"
    assert back in ask(stage, "ann@example.com", f"TRACE {ID}")
    assert "refused 1, returned later 1" in ask(stage, JOE, f"TRACE {ID}")
    olga = ask(stage, OWNER, f"TRACE {ID}")
    assert f"ann@example.com\n  {back}" in olga
    assert "sue@example.com\n  refused on" in olga


def test_who_has_digests_hears_of_the_issue(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    people = ["dora@example.com | Dora | DIGEST", "nora@example.com | Nora | NOMAIL"]
    people.append("hans@example.com | Hans | DIGEST AT 13:00")
    stage.create("TEST-L", {"set": ["Send= Public", "Digest= Yes"], "subscribers": [JOE, *people]})
    post(stage)
    assert "kept for a digest" in ask(stage, "dora@example.com", f"TRACE {ID}")
    assert "Nothing is known" in ask(stage, "nora@example.com", f"TRACE {ID}")
    stage.run_timers()
    stage.now += timedelta(days=1)
    stage.run_timers()
    stage.outgoing()
    assert "in a digest or index: waits" in ask(stage, "dora@example.com", f"TRACE {ID}")
    assert "in a digest or index: " in ask(stage, "hans@example.com", f"TRACE {ID}")
    assert "Nothing is known" in ask(stage, "nora@example.com", f"TRACE {ID}")
    stage.take(mail("dora@example.com", LISTSERV, "SET TEST-L NODIGEST", "<dora@x>"))
    stage.outgoing()
    assert "in a digest or index: " in ask(stage, "dora@example.com", f"TRACE {ID}"), "it was then"
    stage.take(mail("nora@example.com", LISTSERV, "SET TEST-L DIGEST", "<nora@x>"))
    stage.outgoing()
    assert "Nothing is known" in ask(stage, "nora@example.com", f"TRACE {ID}"), "she had NOMAIL"
    stage.close()


def test_who_has_digests_of_his_own_hears_of_them(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    people = ["max@example.com | Max | MAX 1/DAY", "hans@example.com | Hans | DIGEST AT 13:00"]
    people += ["tom@example.com | Tom | DIGEST AT 13:00 TOPICS: -NEWS", "leo@example.com || DIGEST"]
    sets = ["Send= Public", "Digest= Yes", "Topics= NEWS", "Validate= No"]
    stage.create("TEST-L", {"set": sets, "subscribers": [JOE, *people]})
    second = "<post2@example.net>"
    stage.run_timers()
    post(stage)
    post(stage, message_id=second, subject="NEWS: More")

    def told(person: str, message_id: str) -> str:
        return " ".join(ask(stage, f"{person}@example.com", f"TRACE {message_id}").split())

    assert "kept for a digest" in told("max", second)
    assert "kept for a digest" in told("hans", second)
    assert "kept for a digest" not in told("max", ID), "the first of the day came by itself"
    assert "Nothing is known" in told("tom", second)
    stage.db.execute("UPDATE mailing SET state = 'done'")
    stage.take(mail("leo@example.com", LISTSERV, "SET TEST-L NODIGEST", "<leo@x>"))
    stage.outgoing()
    assert "in a digest or index: " in told("leo", second), "the unfinished one has it"
    stage.now += timedelta(days=1)
    stage.run_timers()
    stage.outgoing()
    for person, message_id in (("max", second), ("hans", ID), ("hans", second), ("tom", ID)):
        assert "in a digest or index: waits for its turn" in told(person, message_id)
    assert "Nothing is known" in told("tom", second)
    (number, reader) = stage.db.execute(
        "SELECT mailing_id, subscriber_id FROM copy WHERE rcpt = 'max@example.com'"
        " AND subscriber_id IS NOT NULL ORDER BY mailing_id DESC LIMIT 1"
    ).fetchone()
    done = Settled(number, reader, "max@example.com", Fate.SENT)
    stage.tx.sending.record_copies([done], int(stage.now.timestamp()))
    assert "in a digest or index: handed over on" in told("max", second)
    stage.close()


def test_a_forged_owner_is_asked_and_hears_nothing(stage: Stage) -> None:
    post(stage)
    stage.take(mail(OWNER, LISTSERV, f"TRACE {ID}", "<forged@x>", ""))
    (said,) = stage.outgoing()
    assert b"[confirmation]" in said
    assert b"readers" not in said


def test_many_with_one_message_id_hide_no_post(stage: Stage) -> None:
    post(stage)
    for number in range(25):
        stage.take(mail("eve@example.com", LISTSERV, f"HELP {number}", subject=""))
    stage.outgoing()
    assert "readers 3" in ask(stage, JOE, f"TRACE {ID}")


def test_why_of_what_was_dropped_is_for_owners(stage: Stage) -> None:
    post(stage)
    stage.now += timedelta(minutes=1)
    post(stage, subject="Again")
    joe, olga = ask(stage, JOE, f"WHY {ID}"), ask(stage, OWNER, f"WHY {ID}")
    assert "not sent out" in joe
    assert "repeated" not in joe
    assert "rule: repeated" in olga
    assert "its Message-ID was distributed already" in olga


@pytest.mark.parametrize("word", ["<" * 5000, "x" * 999, "4" * 400, "<\u00e9@x>", "*", "(", "<>"])
def test_odd_ids_are_nobodys(stage: Stage, word: str) -> None:
    post(stage)
    assert "Nothing is known" in ask(stage, JOE, f"TRACE {word}")


def test_what_is_old_is_forgotten(stage: Stage) -> None:
    number = post(stage)
    stage.tx.outbox.drop(number)
    stage.now += timedelta(days=31)
    stage.run_timers()
    for table in ("trail", "trail_step", "trail_mail", "progress"):
        rows = stage.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - above
        assert rows == 0, table
    assert follow.parts(stage.tx.db, number) == []
    assert "Nothing is known" in ask(stage, JOE, f"TRACE {ID}")


def test_whatever_happens_has_its_words() -> None:
    of_posts = set(What) - {What.COMMANDS, What.REPORT, What.REQUEST, What.ALIAS}
    wanted = {f"STEP_{one.upper().replace(' ', '_')}" for one in of_posts}
    wanted |= {f"ASKED_{one.upper().replace(' ', '_')}" for one in Asked}
    wanted |= {f"TRACED_{one.name}" for one in Fate if one not in (Fate.LATER, Fate.UNTRIED)}
    states = ("running", "waiting", "held", "done", "refused", "expired", "dropped")
    wanted |= {f"STATE_{one.upper()}" for one in states}
    assert wanted - set(FORMS.by_name) == set()
