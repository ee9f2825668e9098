"""LISTS, REVIEW, SCAN, STATS, SHOW, and the commands that there are not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands import interpreter, review
from listserv_py.commands.interpreter import run_job
from listserv_py.commands.nothere import NOT_HERE
from listserv_py.mail.mailbox import parse_mailbox

OLGA, JOE, EVE = "olga@example.org", "joe@example.net", "eve@example.com"
PEOPLE = [
    "joe@example.net | Joe Zeta",
    "ann@example.de | Ann Mid | CONCEAL",
    "b_b@example.de | Bob Alpha",
    "cid@example.at | Cid Omega",
]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"subscribers": PEOPLE, "set": ["Review= Private"]})
    made.create("DARK-L", {"set": ["Confidential= Yes"], "owners": ["other@example.org"]})
    made.create("ROCK-L", {"title": "On stones", "owners": [EVE]})
    yield made
    made.close()


def say(stage: Stage, text: str, who: str = OLGA) -> str:
    return run_job(stage.turn(), parse_mailbox(who), text)[0]


@pytest.mark.parametrize(
    ("line", "shown", "hidden"),
    [
        ("LISTS", ["ROCK-L  On stones", "TEST-L"], ["DARK-L"]),
        ("L (SHORT", ["ROCK-L  On stones"], ["DARK-L"]),
        ("LISTS PUBLIC", ["ROCK-L", "TEST-L"], ["DARK-L"]),
        ("LISTS DETAILED", ["rock-l-request@", "test-l-request@"], ["dark-l"]),
        ("LISTS GLOBAL /stone", ["(search string: STONE)", "ROCK-L"], ["TEST-L", "DARK-L"]),
        ("LISTS SUMMARY", ["lists.example.org: 2"], []),
        ("LISTS NONSENSE", ['"NONSENSE" is not an option'], []),
    ],
)
def test_lists(stage: Stage, line: str, shown: list[str], hidden: list[str]) -> None:
    said = say(stage, line)
    assert all(word in said for word in shown)
    assert not any(word in said for word in hidden)


def test_own_lists_are_one_name_a_line(stage: Stage) -> None:
    assert say(stage, "LISTS OWNED") == "TEST-L"
    assert say(stage, "LISTS OWNED", EVE) == "ROCK-L"
    assert say(stage, "LISTS MOD", EVE) == "ROCK-L"
    assert say(stage, "LISTS OWN", JOE) == "There are none."


def people(said: str) -> list[str]:
    return [line.partition("@")[0] for line in said.split("\n") if "@example" in line]


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ("", ["joe", "ann", "b_b", "cid"]),
        ("BY NAME", ["b_b", "ann", "cid", "joe"]),
        ("BY USERID", ["ann", "b_b", "cid", "joe"]),
        ("BY NODEID", ["cid", "ann", "b_b", "joe"]),
        ("BY (NODE NAME)", ["cid", "b_b", "ann", "joe"]),
        ("BY DATE", ["joe", "ann", "b_b", "cid"]),
        ("SHORT", []),
    ],
)
def test_review_in_order(stage: Stage, options: str, order: list[str]) -> None:
    assert people(say(stage, f"REVIEW TEST-L (NOHEADER {options}")) == order


@pytest.mark.parametrize("options", ["COUNTRIES", "BY COUNTRY"])
def test_review_counts_countries(stage: Stage, options: str) -> None:
    said = say(stage, f"REVIEW TEST-L (NOH {options}")
    assert [line.split() for line in said.split("\n")[:3]] == [
        ["DE", "2"],
        ["AT", "1"],
        ["NET", "1"],
    ]
    theirs = say(stage, f"REVIEW TEST-L (NOH {options}", JOE)
    assert ["DE", "1"] in [line.split() for line in theirs.split("\n")]


@pytest.mark.parametrize("options", ["BY NAME NOH", "noheader by (name", "NOH BY ( NAME )"])
def test_review_takes_options_without_a_parenthesis(stage: Stage, options: str) -> None:
    assert people(say(stage, f"REVIEW TEST-L {options}")) == ["b_b", "ann", "cid", "joe"]
    assert "too much on this line" in say(stage, "REVIEW TEST-L please")


def test_review_by_what(stage: Stage) -> None:
    assert "is not an option" in say(stage, "REVIEW TEST-L (BY")
    assert "is not an option" in say(stage, "REVIEW TEST-L (BY SIZE")


@pytest.mark.parametrize(
    ("text", "who", "found"),
    [
        ("EXAMPLE.DE", OLGA, ["ann", "b_b"]),
        ("example.de", JOE, ["b_b"]),
        ("alpha", JOE, ["b_b"]),
        ("b_b", JOE, ["b_b"]),
        ("_", JOE, ["b_b"]),
        ("%", JOE, []),
        ("joe*net", JOE, ["joe"]),
        ("' OR 1=1--", JOE, []),
        ("*********", JOE, []),
    ],
)
def test_scan(stage: Stage, text: str, who: str, found: list[str]) -> None:
    assert people(say(stage, f"SCAN TEST-L {text}", who)) == found


@pytest.mark.parametrize("line", ["SCAN TEST-L joe", "REVIEW TEST-L", "STATS TEST-L"])
def test_strangers_are_refused(stage: Stage, line: str) -> None:
    assert run_job(stage.turn(), parse_mailbox(EVE), line)[1]


def test_stats(stage: Stage) -> None:
    said = " ".join(say(stage, "ST TEST-L", JOE).split())
    assert said.startswith("The TEST-L list has 4 subscribers; 4 of them")
    assert said.endswith("since 22 Nov 2026: 0 Last post: -")


def test_stats_are_kept_until_an_owner_begins_anew(stage: Stage) -> None:
    stage.create("OPEN-L", {"set": ["Send= Public"], "subscribers": PEOPLE})
    for number in range(3):
        post = (
            f"From: {JOE}\r\nTo: open-l@lists.example.org\r\nSubject: {number}\r\n\r\n{number}\r\n"
        )
        stage.take(post.encode())
    stage.now += timedelta(days=3)
    assert "since 22 Nov 2026: 3\n  Last post: 22 Nov 2026" in say(stage, "STATS OPEN-L", JOE)
    assert run_job(stage.turn(), parse_mailbox(JOE), "STATS OPEN-L (RESET")[1]
    said = say(stage, "STATS OPEN-L (RESET")
    assert "since 22 Nov 2026: 3" in said
    assert "counted anew" in said
    assert "since 25 Nov 2026: 0\n  Last post: -" in say(stage, "STATS OPEN-L", JOE)


@pytest.mark.parametrize(
    ("switches", "table"),
    [
        ("DOMAINS", "  example.de         2   50.0 %\n  example.at         1   25.0 %"),
        ("MONTHS", "  2026-11        4  100.0 %"),
        ("OPTIONS", "  CONCEAL"),
        ("CSV DOMAINS", "domain,subscribers\nexample.de,2\nexample.at,1\nexample.net,1"),
        ("CSV MONTHS", "month,subscribers\n2026-11,4"),
        ("CSV DOM MON", "domain,subscribers\n"),
    ],
)
def test_owners_count_subscribers_by_kind(stage: Stage, switches: str, table: str) -> None:
    said = say(stage, f"STATS TEST-L ({switches}")
    assert table in said
    assert said.startswith("The TEST-L list") != switches.startswith("CSV")
    assert run_job(stage.turn(), parse_mailbox(JOE), f"STATS TEST-L ({switches}")[1]


def test_stats_for_a_spreadsheet(stage: Stage) -> None:
    said = say(stage, "STATS TEST-L (CSV", JOE).splitlines()
    assert said[:3] == ["figure,value", "count,4", "mailed,4"]
    assert run_job(stage.turn(), parse_mailbox(EVE), "STATS TEST-L (CSV")[1]


def test_subscriptions_for_a_spreadsheet(stage: Stage) -> None:
    stage.create(
        "CALC-L", {"subscribers": ['eve@example.com | =HYPERLINK("x"), "y"', "a@b.example"]}
    )
    said = say(stage, "QUERY CALC-L FOR *@* (CSV").splitlines()
    assert said[0] == "address,name,list,options,subscribed"
    assert said[1].startswith("eve@example.com,\"'=HYPERLINK(")
    assert said[2].startswith("a@b.example,,CALC-L,")
    stage.create("SEMI-L", {"subscribers": ["a@b.example | Joe; =1+1", "c@b.example | \uff1d1"]})
    said = say(stage, "QUERY SEMI-L FOR *@* (CSV").splitlines()
    assert said[1].startswith("a@b.example,Joe; '=1+1,")
    assert said[2].startswith("c@b.example,'\uff1d1,")
    assert len(say(stage, "QUERY TEST-L WITH CONCEAL FOR *@* (CSV").splitlines()) == 2
    assert len(say(stage, "QUERY TEST-L (CSV", JOE).splitlines()) == 2
    assert run_job(stage.turn(), parse_mailbox(JOE), "QUERY TEST-L FOR *@* (CSV")[1]


def test_a_spreadsheet_has_the_hours_and_the_topics(stage: Stage) -> None:
    rows = ["a@b.example || DIGEST AT 07:00 Europe/Vienna TOPICS: NEWS", "c@b.example"]
    stage.create("TOPIC-L", {"set": ["Topics= News,Jobs"], "subscribers": rows})
    stage.create("AWAY-L", {"subscribers": ["a@b.example || NOMAIL UNTIL 2027-01-07 MAX 5"]})
    first, second = say(stage, "QUERY TOPIC-L FOR *@* (CSV").splitlines()[1:]
    assert " DIGESTS AT 07:00 Europe/Vienna NOINDEX " in first
    assert " FULLHDR TOPICS: News," in first
    assert " FULLHDR TOPICS: ALL," in second
    (away,) = say(stage, "QUERY AWAY-L FOR *@* (CSV").splitlines()[1:]
    assert ",NOMAIL UNTIL 2027-01-07 " in away
    assert " MAX 5/DAY," in away


def test_query_finds_by_what_it_shows(stage: Stage) -> None:
    """Who never chose HTML or NOHTML gets HTML, and is shown so."""
    rows = ["a@b.example", "b@b.example || HTML", "c@b.example || NOHTML"]
    stage.create("HTML-L", {"subscribers": rows})
    assert len(say(stage, "QUERY HTML-L WITH HTML FOR *@* (CSV").splitlines()) == 3
    assert len(say(stage, "QUERY HTML-L WITH NOHTML FOR *@* (CSV").splitlines()) == 2
    assert len(say(stage, "QUERY HTML-L WITH HTML REPRO FOR *@* (CSV").splitlines()) == 3


def test_an_empty_list_has_tables_too(stage: Stage) -> None:
    assert "  -" in say(stage, "STATS ROCK-L (MONTHS", EVE)


def test_review_counts_topics(stage: Stage) -> None:
    rows = ["a@example.net", "b@example.net | Bob | TOPICS:NEWS", "c@example.net || CONCEAL"]
    stage.create("TOPIC-L", {"set": ["Topics= News,Jobs"], "subscribers": rows})
    said = say(stage, "REVIEW TOPIC-L (NOH TOPICS").split("\n")
    assert [line.split() for line in said[:3]] == [["News", "3"], ["Jobs", "2"], ["Other", "2"]]


def test_review_of_who_gets_posts(stage: Stage) -> None:
    rows = [*PEOPLE[:2], "dig@example.net || DIGEST", "off@example.net || NOMAIL"]
    stage.create("READ-L", {"set": ["Review= Private"], "subscribers": rows})
    said = say(stage, "REVIEW READ-L (NOH RCPT")
    assert people(said) == ["joe", "ann"]
    assert said.endswith("as a mail of its own: 2")
    assert run_job(stage.turn(), parse_mailbox(JOE), "REVIEW READ-L (RCPT")[1]


def test_review_holds_no_more_than_it_can_show(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "ROWS_MAX", 2)
    said = say(stage, "REVIEW TEST-L (NOH BY USERID")
    assert people(said) == ["ann", "b_b"]
    assert "subscribed to the list: 4" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("SHOW", "listserv_py"),
        ("SHOW VERSION", "listserv_py"),
        ("SHOW STATS", "lists.example.org: 2"),
        ("SHOW LICENSE", "means nothing on this server"),
        ("SHOW ../../etc/passwd", "There is nothing about"),
    ],
)
def test_show(stage: Stage, line: str, said: str) -> None:
    assert said in say(stage, line)


@pytest.mark.parametrize("name", NOT_HERE)
def test_what_there_is_not(stage: Stage, name: str) -> None:
    said, failed = run_job(stage.turn(), parse_mailbox(JOE), f"{name} TEST-L something")
    assert failed
    assert said.startswith(f"{name.upper()} is not done here: ")


def test_a_search_is_no_advert(stage: Stage) -> None:
    """The request goes to a subscriber whose address anybody may have written."""
    head = f"From: {JOE}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <1@x>\r\n\r\n"
    stage.take(f"{head}SCAN TEST-L joe http://spam.example buy.example\r\n".encode())
    (asked,) = stage.outgoing()
    assert asked.startswith(b"[confirmation]")
    assert b"SCAN TEST-L joe buy. example" in asked
    assert b"spam" not in asked


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("TOPICS: NEWS", ["a", "b"]),
        ("TOPICS:NEWS", ["a", "b"]),
        ("TOPICS: JOBS", ["a"]),
        ("TOPICS: NEWS -JOBS", ["b"]),
        ("TOPICS: ALL", ["a"]),
        ("TOPICS: OTHER NOMAIL", []),
    ],
)
def test_query_asks_who_wants_a_topic(stage: Stage, words: str, found: list[str]) -> None:
    rows = ["a@example.net", "b@example.net | Bob | TOPICS:NEWS", "c@example.net || TOPICS: -ALL"]
    stage.create("TOPIC-L", {"set": ["Topics= News,Jobs"], "subscribers": rows})
    said = say(stage, f"QUERY TOPIC-L WITH {words} FOR *@*")
    whom = [line for line in said.split("\n") if "Subscription options for" in line]
    assert [one.partition("@")[0][-1] for one in whom] == found


def test_a_full_answer_ends_the_reading(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "OUTPUT_MAX", 150)
    lines = "\r\n".join(["REVIEW TEST-L (NOHEADER"] * 9)
    head = f"From: {JOE}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <1@x>\r\n\r\n"
    stage.create("FREE-L", {"set": ["Validate= No", "Review= Private"], "subscribers": PEOPLE})
    seen: list[str] = []
    stage.db.conn.set_trace_callback(seen.append)
    stage.take((head + lines.replace("TEST-L", "FREE-L")).encode())
    stage.db.conn.set_trace_callback(None)
    assert 0 < sum("SELECT address, name" in one for one in seen) < 6
