"""What is kept of a post: whole, once, by a number and a link that stay; and how it is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import NOW, Stage

from listserv_py.lists.notebooks import Span, read_name
from listserv_py.lists.search import Search, read
from listserv_py.store.archive import link_of
from listserv_py.store.archive_index import prepared

ARCHIVED = ["Send= Public", "Notebook= Yes,A,Monthly,Private", "Subject-Tag= T"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    for name in ("TEST-L", "ELSE-L"):
        made.create(name, {"set": ARCHIVED, "subscribers": ["joe@example.net | Joe"]})
    made.create("NONE-L", {"set": ["Send= Public"], "subscribers": ["joe@example.net | Joe"]})
    yield made
    made.close()


def post(
    number: int, *, to: str = "test-l", subject: str = "Hello", body: str = "Good day\n"
) -> bytes:
    return (
        (
            f"Received: from x by y; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
            f"From: Jörg Übel <joe@example.net>\r\nTo: {to}@lists.example.org\r\n"
            f"Subject: {subject}\r\nDate: Sun, 22 Nov 2026 11:00:00 +0000\r\n"
            f"Message-ID: <{number}@mail.example>\r\n\r\n{body}".replace("\n", "\r\n")
        )
        .encode()
        .replace(b"\r\r\n", b"\r\n")
    )


def index(stage: Stage) -> None:
    unread = stage.tx.archive_index.unread(1000, 10_000_000)
    stage.tx.archive_index.index([prepared(one) for one in unread])


def found(stage: Stage, text: str, clauses: str = "", name: str = "TEST-L") -> list[int]:
    search = read(text, clauses, stage.now)
    list_id = stage.tx.lists.get(name).id
    return [one.post.number for one in stage.tx.archive_index.search(list_id, search, 100)]


def contents(stage: Stage) -> int:
    return int(stage.db.execute("SELECT count(*) FROM archive_content").fetchone()[0])


def test_a_post_is_kept_as_it_came(stage: Stage) -> None:
    raw = post(1)
    stage.take(raw)
    list_id = stage.tx.lists.get("TEST-L").id
    [kept] = stage.tx.archive.in_file(list_id, Span("NOTEBOOK"))
    assert stage.tx.archive.raw(kept.id) == raw
    assert (kept.number, kept.subject, kept.address) == (1, "Hello", "joe@example.net")
    assert kept.link == link_of("test-l", "<1@mail.example>", raw)
    assert stage.tx.archive.by_link(list_id, kept.link) == kept


def test_its_copies_say_where_it_is(stage: Stage) -> None:
    stage.take(post(1))
    facts = stage.db.execute("SELECT facts FROM mailing WHERE kind = 'post'").fetchone()[0]
    link = link_of("TEST-L", "<1@mail.example>", b"")
    assert f"mailto:listserv@lists.example.org?body=GETPOST%20TEST-L%20{link}" in facts
    assert "mailto:listserv@lists.example.org?body=INDEX%20TEST-L" in facts


def test_a_list_without_an_archive_keeps_nothing(stage: Stage) -> None:
    stage.take(post(1, to="none-l"))
    assert contents(stage) == 0


def test_a_post_to_two_lists_is_stored_once(stage: Stage) -> None:
    stage.take(post(1), {"rcpt": "test-l@lists.example.org"})
    stage.take(post(1), {"rcpt": "else-l@lists.example.org", "host": "192.0.2.9"})
    assert contents(stage) == 1
    for name in ("TEST-L", "ELSE-L"):
        assert len(stage.tx.archive.days(stage.tx.lists.get(name).id)) == 1
    stage.tx.archive.forget(stage.tx.lists.get("TEST-L").id, [1])
    assert contents(stage) == 1
    stage.tx.archive.forget(stage.tx.lists.get("ELSE-L").id, [1])
    assert contents(stage) == 0


def test_a_large_post_is_compressed_when_it_is_indexed(stage: Stage) -> None:
    raw = post(1, body="the same words again and again\n" * 2000)
    stage.take(raw)
    size = "SELECT length(raw) FROM archive_content"
    assert stage.db.execute(size).fetchone()[0] == len(raw)
    index(stage)
    assert stage.db.execute(size).fetchone()[0] < len(raw) // 10
    [kept] = stage.tx.archive.in_file(stage.tx.lists.get("TEST-L").id, Span("NOTEBOOK"))
    assert stage.tx.archive.raw(kept.id) == raw


@pytest.mark.parametrize(
    ("text", "clauses", "numbers"),
    [
        ("apples", "", [2, 1]),
        ("apples pears", "", [1]),
        ("apples AND NOT pears", "", [2]),
        ("NOT apples", "", [3]),
        ("NOT (apples OR plums)", "", []),
        ("pears OR plums", "", [3, 1]),
        ('"ripe apples"', "", [2]),
        ('"apples ripe"', "", []),
        ("appl*", "", [2, 1]),
        ("JORG", "", [3, 2, 1]),
        ("übel", "", [3, 2, 1]),
        ("*", "", [3, 2, 1]),
        ("*", "WHERE SUBJECT CONTAINS econd", [2]),
        ("*", "WHERE SUBJECT IS third AND SENDER CONTAINS ubel", [3]),
        ("*", "WHERE SENDER IS joe@example.net", [3, 2, 1]),
        ("*", 'WHERE SENDER IS "jorg ubel"', [3, 2, 1]),
        ("*", "WHERE NOT (SUBJECT CONTAINS first OR SUBJECT CONTAINS second)", [3]),
        ("*", "SINCE 2026-11-23", [3, 2]),
        ("*", "TO 22-Nov-2026", [1]),
        ("*", "FROM yesterday TO today", [3, 2]),
        ("apples", "SINCE 26/11/23 WHERE SUBJECT CONTAINS SECOND", [2]),
        ("*", "SINCE 30 days ago UNTIL 2 days ago", [1]),
        ("pears' OR 1=1", "", [1]),
        ("x%' WHERE", "", []),
    ],
)
def test_a_search_finds(stage: Stage, text: str, clauses: str, numbers: list[int]) -> None:
    bodies = (("first", "Apples and pears"), ("second", "Ripe apples"), ("third", "Plums"))
    for number, (subject, body) in enumerate(bodies, 1):
        stage.take(post(number, subject=subject, body=f"{body}\n"))
        stage.take(post(number, to="else-l", subject=subject, body=f"{body}\n"))
        stage.now += timedelta(days=1)
    stage.now -= timedelta(days=1)
    index(stage)
    assert found(stage, text, clauses) == numbers


def test_what_waits_for_the_index_is_found_without_words(stage: Stage) -> None:
    stage.take(post(1))
    assert found(stage, "Hello") == []
    assert found(stage, "*") == [1]


def test_html_and_charsets_and_codings_are_read(stage: Stage) -> None:
    html = "<p>Gr\xfc&szlig;e aus K&ouml;ln</p><script>hidden</script>".encode("latin-1")
    head = b"From: a@example.net\r\nTo: test-l@lists.example.org\r\nMIME-Version: 1.0\r\n"
    stage.take(
        head + b"Message-ID: <1@x>\r\nSubject: =?iso-8859-1?Q?=DCber?=\r\nContent-Type: text/html;"
        b" charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + html + b"\r\n"
    )
    index(stage)
    assert found(stage, "gruße koln uber") == [1]
    assert found(stage, "hidden") == []


def test_words_without_blanks_between_them_are_found(stage: Stage) -> None:
    text = "昨日、東京の庭でりんごがABC123実った。".encode("iso-2022-jp")
    head = b"From: a@example.net\r\nTo: test-l@lists.example.org\r\nMIME-Version: 1.0\r\n"
    head += b"Content-Type: text/plain; charset=iso-2022-jp\r\n"
    for number, body in enumerate((text, "京都の東".encode("iso-2022-jp")), 1):
        stage.take(head + b"Message-ID: <%d@x>\r\n\r\n" % number + body + b"\r\n")
    index(stage)
    assert found(stage, "東京") == [1]
    assert found(stage, '"の庭で" AND りんご') == [1]
    assert found(stage, "abc123 実") == [1]
    assert found(stage, "東") == [2, 1]
    assert found(stage, "京東") == []
    list_id = stage.tx.lists.get("TEST-L").id
    [hit] = stage.tx.archive_index.search(list_id, read("東京", "", NOW), 10)
    assert hit.extract == "昨日、*東*京の庭でりんごがABC123実った。"


def test_a_dropped_lists_archive_goes_in_slices(stage: Stage) -> None:
    for number in range(5):
        stage.take(post(number, body=f"day {number}\n"))
        stage.take(post(number, to="else-l", body=f"day {number}\n"))
    index(stage)
    stage.tx.lists.remove(stage.tx.lists.get("TEST-L"))
    slices = 0
    while stage.tx.archive.sweep(2):
        slices += 1
    assert slices == 3
    assert stage.db.execute("SELECT count(*) FROM archive").fetchone()[0] == 5
    assert stage.db.execute("SELECT count(*) FROM archive_text").fetchone()[0] == 5
    assert found(stage, "day", name="ELSE-L") == [5, 4, 3, 2, 1]


def test_old_posts_go_in_slices(stage: Stage) -> None:
    for number in range(3):
        stage.take(post(number, body=f"day {number}\n"))
        stage.now += timedelta(days=1)
    archive, list_id = stage.tx.archive, stage.tx.lists.get("TEST-L").id
    while archive.forget_older(NOW + timedelta(days=2), 1):
        pass
    assert [one.number for one in archive.in_file(list_id, Span("NOTEBOOK"))] == [3]
    assert [day.posts for day in archive.days(list_id)] == [1]


def test_a_files_size_is_told(stage: Stage) -> None:
    stage.take(post(1))
    archive, list_id = stage.tx.archive, stage.tx.lists.get("TEST-L").id
    for name, size in (("LOG2611", len(post(1))), ("LOG2612", 0), ("26-00001", len(post(1)))):
        span = read_name(name)
        assert span is not None
        assert archive.octets(list_id, span) == size


def test_an_empty_search_is_everything(stage: Stage) -> None:
    assert read("", "", NOW) == Search()
