"""INDEX, GET, GETPOST and SEARCH: what is sent, to whom, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.archive import link_of
from listserv_py.store.archive_index import prepared

MONTHLY = ["Send= Public", "Validate= No"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    access = {"PRIVATE-L": "Private", "PUBLIC-L": "Public", "OWNER-L": "Owner"}
    for name, level in access.items():
        made.create(
            name,
            {
                "set": [*MONTHLY, f"Notebook= Yes,A,Monthly,{level}"],
                "subscribers": ["joe@example.net | Joe"],
            },
        )
    made.create("NONE-L", {"set": MONTHLY, "subscribers": ["joe@example.net | Joe"]})
    for number in range(1, 4):
        for name in access:
            made.take(post(name, number))
    unread = made.tx.archive_index.unread(1000, 10_000_000)
    made.tx.archive_index.index([prepared(one) for one in unread])
    made.outgoing()
    yield made
    made.close()


def post(name: str, number: int) -> bytes:
    return (
        f"Received: from inside by outside; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
        f"From: Ann <ann@example.net>\r\nTo: {name.lower()}@lists.example.org\r\n"
        f"Subject: Number {number}\r\nMessage-ID: <{name}-{number}@x>\r\nX-Mine: yes\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"Grüße zum {number}. Mal in {name}\r\nFrom here on\r\n"
    ).encode()


def run(stage: Stage, line: str, actor: str = "olga@example.org") -> str:
    return run_job(stage.turn(), parse_mailbox(actor), line)[0]


def send(stage: Stage, line: str, actor: str = "joe@example.net") -> list[EmailMessage]:
    stage.take(
        f"From: {actor}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <{line[:9]!r}{actor}>\r\n"
        f"Subject: x\r\n\r\n{line}\r\n".encode()
    )
    mails = [one.partition(b"\r\n\r\n")[2] for one in stage.outgoing()]
    return [message_from_bytes(one, policy=policy.default) for one in mails]  # type: ignore[misc]


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return body.get_content() if body else ""


def test_index_shows_the_files_of_an_archive(stage: Stage) -> None:
    said = run(stage, "INDEX PRIVATE-L")
    size = sum(len(post("PRIVATE-L", number)) for number in range(1, 4))
    assert f"PRIVATE-L        LOG2611      PRV N/A {size:>9}  2026-11-22      3" in said


def test_index_of_a_list_without_files(stage: Stage) -> None:
    said = run(stage, "INDEX NONE-L")
    assert said == "This server does not have any file by the name 'none-l.filelist'."


def test_getpost_gives_the_text_on_the_command_line(stage: Stage) -> None:
    said = run(stage, "GETPOST PRIVATE-L 1 3")
    assert "Subject: Number 1" in said
    assert "Grüße zum 3. Mal" in said
    assert "Number 2" not in said
    assert "Received" not in said


def test_one_post_comes_whole(stage: Stage) -> None:
    answer, mail = sorted(send(stage, "GETPOST PRIVATE-L 2"), key=lambda one: one.is_multipart())
    assert "1 from the archive of the PRIVATE-L list" in text(answer)
    attached = mail.get_payload()[1].get_payload()[0]
    assert attached["subject"] == "Number 2"
    assert attached.get_content().splitlines() == [
        "Grüße zum 2. Mal in PRIVATE-L",
        "From here on",
    ]
    assert attached["received"] is None
    assert attached["x-mine"] is None


def test_several_posts_come_as_a_digest(stage: Stage) -> None:
    mails = send(stage, "GETPOST PRIVATE-L 1-99")
    mail = next(one for one in mails if one.is_multipart())
    digest = mail.get_payload()[1].get_payload()[0]
    assert digest.get_content_type() == "multipart/digest"
    subjects = [part.get_payload()[0]["subject"] for part in digest.get_payload()]
    assert subjects == ["Number 1", "Number 2", "Number 3"]


def test_with_nomime_they_stand_in_the_answer(stage: Stage) -> None:
    [answer] = send(stage, "GETPOST PRIVATE-L 1-2 (NOMIME")
    assert "Grüße zum 2. Mal" in text(answer)


def test_a_post_is_found_by_its_permanent_link(stage: Stage) -> None:
    link = link_of("PRIVATE-L", "<PRIVATE-L-2@x>", b"")
    assert "Subject: Number 2" in run(stage, f"GETPOST PRIVATE-L {link}")
    assert "has no post" in run(stage, f"GETPOST PUBLIC-L {link}")


def test_the_full_header_where_the_list_says_so(stage: Stage) -> None:
    stage.create(
        "FULL-L",
        {"set": [*MONTHLY, "Notebook= Yes,A,Single,Private", "Notebook-Header= Full"]},
    )
    stage.take(post("FULL-L", 1))
    said = run(stage, "GET FULL-L NOTEBOOK")
    assert "X-Mine: yes" in said
    assert "Received" not in said


def test_a_file_of_the_archive_is_an_mbox(stage: Stage) -> None:
    mails = send(stage, "GET PRIVATE-L LOG2611")
    mail = next(one for one in mails if one.is_multipart())
    part = mail.get_payload()[1]
    assert part.get_content_type() == "application/mbox"
    assert part.get_filename() == "private-l.log2611.mbox"
    content = part.get_payload(decode=True)
    assert content.count(b"\nFrom ann@example.net Sun Nov 22 12:00:00 2026\n") == 2
    assert content.count(b"\n>From here on\n") == 3


@pytest.mark.parametrize("name", ["LOG26", "LOG2611D", "LOG261122", "NOTEBOOK", "26-00002"])
def test_any_name_of_a_file_serves(stage: Stage, name: str) -> None:
    assert "Number 2" in run(stage, f"GET PRIVATE-L {name}")


@pytest.mark.parametrize("name", ["LOG2612", "LOG2713", "LOG2611A", "99-99999", "LOG261131"])
def test_a_file_that_there_is_not(stage: Stage, name: str) -> None:
    assert "has no file" in run(stage, f"GET PRIVATE-L {name}")


def test_search_shows_hits_and_extracts(stage: Stage) -> None:
    said = run(stage, "SEARCH gruesse IN PUBLIC-L WHERE SUBJECT CONTAINS umber")
    assert "Nothing is found" in said
    said = run(stage, "SEARCH grüße AND NOT 2 IN PUBLIC-L SINCE 2026-11-01")
    assert "2 found" in said
    assert "Post 3: *Grüße* zum 3. Mal in PUBLIC-L" in said
    assert "GETPOST PUBLIC-L 1 3" in said


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("SEARCH grusse IN PUBLIC-L", 3),
        ("SEARCH GRÜSSE IN PUBLIC-L", 3),
        ("SEARCH GRÜẞE IN PUBLIC-L", 3),
        ("SEARCH gruss* IN PUBLIC-L", 3),
        ("SEARCH 'zum 2. Mal' IN PUBLIC-L", 1),
        ("SEARCH 'Mal zum' IN PUBLIC-L", 0),
        ("SEARCH \u201ezum 2. Mal\u201c IN PUBLIC-L", 1),
        ("SEARCH Mal IN PUBLIC-L WHERE SUBJECT CONTAINS 'number 2'", 1),
        ("SEARCH IN PUBLIC-L SINCE 2026", 3),
        ("SEARCH * IN PUBLIC-L WHERE FROM CONTAINS ann", 3),
        ("SEARCH * IN PUBLIC-L FROM 2026 WHERE NOT FROM IS ann@example.net", 0),
        ("SEARCH Mal IN PUBLIC-L FROM 2025 TO 2026", 3),
        ("SEARCH Mal IN PUBLIC-L FROM 2023 TO 2025", 0),
        ("SEARCH Mal IN PUBLIC-L FROM Nov-2026 TO November 2026", 3),
        ("SEARCH Mal IN PUBLIC-L TO 2026-10", 0),
        ('SEARCH Mal IN PUBLIC-L SINCE "30 days ago"', 3),
        ("SEARCH Mal IN PUBLIC-L SINCE 2026/11 TO 26/11", 3),
    ],
)
def test_how_a_search_may_be_written(stage: Stage, line: str, found: int) -> None:
    said = run(stage, line)
    assert (f"{found} found in" if found else "Nothing is found") in said


def test_greek_is_found_in_capitals_as_well(stage: Stage) -> None:
    body = "\u03bf\u03b4\u03bf\u03c2".encode()
    stage.take(post("PUBLIC-L", 4).replace(b"From here on", body))
    stage.tx.archive_index.index([prepared(one) for one in stage.tx.archive_index.unread(9, 9**9)])
    for word in ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2"):
        assert "1 found" in run(stage, f"SEARCH {word} IN PUBLIC-L")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("SEARCH a AND IN PUBLIC-L", "a word is missing"),
        ("SEARCH (a IN PUBLIC-L", "not closed"),
        ("SEARCH a) IN PUBLIC-L", "one too many"),
        ('SEARCH "" IN PUBLIC-L', "too few letters"),
        ("SEARCH ab* IN PUBLIC-L", "too few letters"),
        ("SEARCH a IN PUBLIC-L SINCE then", "no date"),
        ("SEARCH a IN PUBLIC-L SINCE 2026-13", "no date"),
        ("SEARCH a IN PUBLIC-L SINCE Foo 2026", "no date"),
        ("SEARCH a IN PUBLIC-L WHERE BODY CONTAINS x", "SENDER or SUBJECT"),
        ("SEARCH a IN PUBLIC-L WHERE FROM", "SENDER or SUBJECT"),
        ("SEARCH a IN PUBLIC-L SINCE yesterday TO", "a date is missing"),
        ("SEARCH a IN PUBLIC-L AND b", "behind the list stand only FROM"),
        ("SEARCH a IN PUBLIC-L WHERE SUBJECT CONTAINS", "behind CONTAINS"),
        (f"SEARCH {'a ' * 21} IN PUBLIC-L", "more than 20"),
        (f"SEARCH {'(' * 99}a IN PUBLIC-L", "nested too deep"),
        (f"SEARCH {'NOT ' * 99}a IN PUBLIC-L", "too many NOT"),
    ],
)
def test_a_search_that_cannot_be_read(stage: Stage, line: str, reason: str) -> None:
    said = run(stage, line)
    assert "cannot be read" in said
    assert reason in " ".join(said.split())


def test_a_search_with_a_part_left_out_is_told_which(stage: Stage) -> None:
    assert '"IN listname" is missing' in run(stage, "SEARCH a")
    assert '"text" is missing' in run(stage, "SEARCH IN PUBLIC-L")


@pytest.mark.parametrize(
    "line", ["GETPOST {} 1", "SEARCH Mal IN {}", "GET {} LOG2611", "GET {} 26-00001"]
)
def test_who_may_not_read_learns_nothing(stage: Stage, line: str) -> None:
    for name, actor in (("PRIVATE-L", "eve@example.com"), ("OWNER-L", "joe@example.net")):
        said = run(stage, line.format(name), actor)
        assert "is not open to the address" in " ".join(said.split())
        missing = run(
            stage,
            line.format(name).replace("26", "27").replace(" 1", " 7").replace("Mal", "nil"),
            actor,
        )
        assert missing == said


def test_a_stranger_confirms_before_he_reads_a_public_archive(stage: Stage) -> None:
    [asked] = send(stage, "GETPOST PUBLIC-L 1", "eve@example.com")
    assert "Command confirmation request" in asked["subject"]
    code = asked["subject"].partition("(")[2][:16]
    sent = send(stage, f"OK {code}", "eve@example.com")
    assert sorted(one.is_multipart() for one in sent) == [False, True]
    [asked] = send(stage, 'SEARCH "Buy at http://x.example" IN PUBLIC-L', "eve@example.com")
    assert "http" not in text(asked)
    assert "Mal in PUBLIC-L" in run(stage, "GETPOST PUBLIC-L 1", "eve@example.com")


def test_index_shows_strangers_nothing_of_a_private_archive(stage: Stage) -> None:
    assert "does not have any file" in run(stage, "INDEX PRIVATE-L", "eve@example.com")
    [told] = send(stage, "INDEX", "eve@example.com")
    assert "PUBLIC-L" in text(told)
    assert "PRIVATE-L" not in text(told)


def test_a_large_file_asks_even_a_subscriber_for_a_code(stage: Stage) -> None:
    body = "".join(f"line {number} of many\r\n" for number in range(9000))
    stage.take(post("PRIVATE-L", 4).replace(b"From here on", body.encode()))
    stage.outgoing()
    [asked] = send(stage, "GET PRIVATE-L LOG2611")
    assert "Command confirmation request" in asked["subject"]


def test_who_is_on_a_sub_list_reads_the_archive_above(stage: Stage) -> None:
    stage.create(
        "TOP-L", {"set": [*MONTHLY, "Notebook= Yes,A,Single,Private", "Sub-lists= PRIVATE-L"]}
    )
    stage.take(post("TOP-L", 1))
    assert "Subject: Number 1" in run(stage, "GETPOST TOP-L 1", "joe@example.net")


def test_a_mail_may_search_a_few_times_only(stage: Stage) -> None:
    lines = [f"SEARCH zum {number} IN PRIVATE-L" for number in range(9)]
    [answer] = send(stage, "\r\n".join(lines))
    assert text(answer).count("> SEARCH") == 5
    assert "not read" in text(answer) or "flushed" in text(answer)


@pytest.mark.parametrize(
    "line",
    [
        "PUT a/b TXT PRIVATE-L",
        "PUT RÜLES TXT PRIVATE-L",
        "PUT PRIVATE-L RÜLES",
        "PUT RULES TXT PRIVATE L",
        "QUIET PUT RULES TXT PRIVATE-L (FOO",
        "PUT RULES TXT NO-L",
    ],
)
def test_a_file_that_is_refused_is_not_read_as_commands(stage: Stage, line: str) -> None:
    said = run(stage, f"{line}\nDELETE PRIVATE-L joe@example.net\n\nTHANKS\n/*\nTHANKS\n")
    assert "welcome" not in said
    assert stage.db.execute("SELECT count(*) FROM subscriber").fetchone() == (4,)


def test_a_sentence_is_no_file(stage: Stage) -> None:
    assert "welcome" in run(stage, "Put me on that list of yours\nTHANKS\n")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "a/b", "%2e%2e", "\uff0e\uff0e", "A" * 99]
)
def test_no_name_is_a_path(stage: Stage, name: str) -> None:
    for line in (f"GET PRIVATE-L {name}", f"GET {name} X PRIVATE-L", f"PUT {name} X PRIVATE-L"):
        assert ("no file of the type" in run(stage, line)) or ("not the name" in run(stage, line))
    assert stage.db.execute("SELECT count(*) FROM list_file").fetchone()[0] == 0


def put(stage: Stage, mail: bytes) -> EmailMessage:
    """The last answer to an owner's mail, confirmed where that is asked."""
    stage.take(mail)
    [asked] = stage.outgoing()
    code = asked.partition(b"request (")[2][:16].decode()
    stage.take(
        f"From: olga@example.org\r\nTo: listserv@lists.example.org\r\n"
        f"Message-ID: <{code}@x>\r\nSubject: x\r\n\r\nOK {code}\r\n".encode()
    )
    mails = [one.partition(b"\r\n\r\n")[2] for one in stage.outgoing()]
    return message_from_bytes(mails[-1], policy=policy.default)  # type: ignore[return-value]


HEAD = b"From: olga@example.org\r\nTo: listserv@lists.example.org\r\nSubject: x\r\n"


def test_a_text_is_put_and_fetched(stage: Stage) -> None:
    said = text(put(stage, HEAD + b"\r\nPUT RULES TXT PRIVATE-L\r\nBe nice.\r\n> QUIT\r\n/*\r\n"))
    assert "RULES TXT of the PRIVATE-L list is stored, 16 octets" in " ".join(said.split())
    assert run(stage, "GET RULES TXT PRIVATE-L", "joe@example.net") == "Be nice.\n> QUIT\n"
    assert "no file" in run(stage, "GET RULES TXT PRIVATE-L", "eve@example.com")
    assert "RULES            TXT          PRV OWN        16" in run(stage, "INDEX PRIVATE-L")
    assert "deleted" in text(put(stage, HEAD + b"\r\nPUT RULES TXT PRIVATE-L\r\n"))
    assert "no file" in run(stage, "GET RULES TXT PRIVATE-L", "joe@example.net")


def test_an_attached_file_is_put_and_fetched(stage: Stage) -> None:
    mail = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nPUT LOGO PNG PUBLIC-L (ALL\r\n--b\r\nContent-Type: image/png\r\n"
        b"Content-Disposition: attachment; filename=logo.png\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--b--\r\n"
    )
    assert "stored, 4 octets" in text(put(stage, HEAD + mail))
    sent = send(stage, "GET LOGO PNG PUBLIC-L")
    part = next(one for one in sent if one.is_multipart()).get_payload()[1]
    assert part.get_content_type() == "image/png"
    assert part.get_payload(decode=True) == b"\x89PNG"
    assert "can only be sent by mail" in run(stage, "GET LOGO PNG PUBLIC-L")


def test_a_file_has_bounds(stage: Stage) -> None:
    line = "x" * 500 + "\r\n"
    stage.take(HEAD + b"\r\nPUT BIG TXT PRIVATE-L\r\n" + line.encode() * 2100)
    [answer] = stage.outgoing()
    assert b"larger than 1 MB" in answer


@pytest.mark.parametrize(
    "line",
    [
        "SEARCH x IN PUBLIC-L SINCE 9999-12-31 TO 9999-12-31",
        f"SEARCH x IN PUBLIC-L SINCE {'9' * 300} days ago",
        "SEARCH NEAR(a b) IN PUBLIC-L",
        "SEARCH a:b ^c d-e + {x} IN PUBLIC-L",
        'SEARCH "a""b" IN PUBLIC-L',
        "SEARCH x IN PUBLIC-L WHERE SUBJECT CONTAINS '%_",
        "GETPOST PUBLIC-L 0-0 999999999",
    ],
)
def test_nothing_that_is_asked_breaks_us(stage: Stage, line: str) -> None:
    said = run(stage, line)
    assert any(one in said for one in ("Nothing is found", "cannot be read", "has no post"))
