"""`archive import` and `archive export`: nothing is lost in silence, nothing comes twice."""

from __future__ import annotations

import bz2
import gzip
import lzma
import mailbox
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_site import Site

from listserv_py.cli.mailboxes import Lost, Mail, read_mbox, read_pipermail
from listserv_py.lists.notebooks import Span

FROM = b"From ann@example.net Mon Jan  3 10:11:12 2005\n"
SHAPES = (
    b"From: ann@example.net\nSubject: Plain %d\nDate: Mon, 03 Jan 2005 10:11:12 +0100\n"
    b"Message-ID: <%d@x>\n\nHello %d\n",
    b"Subject: no From, no Message-ID, no Date %d\n\nHello\n",
    b"From: a@example.net\nMessage-ID: <same@x>\nSubject: same id %d\n\nBody\n",
    b"From: a@example.net\nContent-Type: multipart/mixed; boundary=x\n\n--x\nbroken %d",
    b"From: a@example.net\nSubject: \xff\xfe garbage %d\n\n\x00\x80\xff\xfe\x01 8-bit\n",
    b"this is no header at all %d\n\nbut a mail\n",
    b"From: a@example.net\nDate: Sun, 99 Foo 2099 99:99:99\nSubject: date %d\n\nx\n",
    b"From: a@example.net\nSubject: quoted %d\n\n>From here\n>>From there\nFrom now on\n\nend\n",
    b"From: a@example.net\r\nSubject: CRLF %d\r\n\r\nline\r\n",
    b"From: a@example.net\nContent-Type: text/plain; charset=utf-7\nSubject: =?x?Q?%d?=\n\n+AG\n",
    b"From: a@example.net\nSubject: long line %d\n\n" + b"x" * 3000 + b"\n",
    b"%d",
)


def mails(many: int) -> list[bytes]:
    return [SHAPES[number % len(SHAPES)].replace(b"%d", b"%d" % number) for number in range(many)]


def write(path: Path, found: list[bytes]) -> Path:
    path.write_bytes(b"".join(FROM + one + b"\n\n" for one in found))
    return path


def kept(site: Site, name: str = "TEST-L") -> list[bytes]:
    def read(tx):  # type: ignore[no-untyped-def]
        found = tx.archive.after(tx.lists.get(name).id, 0, 100_000)
        return [tx.archive.raw(one.id) for one in found]

    return site.store(read)


def test_all_shapes_are_taken_in_and_none_twice(with_list: Site, tmp_path: Path) -> None:
    path = write(tmp_path / "old.mbox", mails(300))
    said = with_list.run("archive", "import", "mbox", "TEST-L", str(path)).stderr
    assert "TEST-L: 300 mails read, 300 new in the archive, 0 were there already, 0 not" in said
    assert len(kept(with_list)) == 300
    said = with_list.run("archive", "import", "mbox", "TEST-L", str(path)).stderr
    assert "300 mails read, 0 new in the archive, 300 were there already" in said
    assert len(kept(with_list)) == 300


def test_one_broken_off_goes_on_where_it_was(with_list: Site, tmp_path: Path) -> None:
    found = mails(250)
    half, whole = write(tmp_path / "half", found[:120]), write(tmp_path / "whole", found)
    with_list.ok("archive", "import", "mbox", "TEST-L", str(half))
    said = with_list.run("archive", "import", "mbox", "TEST-L", str(whole)).stderr
    assert "130 new in the archive, 120 were there already" in said


def test_what_is_not_taken_is_named(with_list: Site, tmp_path: Path) -> None:
    path = write(tmp_path / "old.mbox", [b"Subject: a\n\nx\n", b"", b"Subject: a\n\nx\n"])
    said = with_list.run("archive", "import", "mbox", "TEST-L", str(path)).stderr
    assert "old.mbox: mail 2: is empty" in said
    assert "old.mbox: mail 3: the same mail as old.mbox: mail 1" in said
    assert "2 mails read, 1 new in the archive, 1 were there already, 0 not taken" in said


def test_a_mail_that_is_lost_fails_the_import(with_list: Site, tmp_path: Path) -> None:
    path = tmp_path / "old.mbox.gz"
    whole = gzip.compress(b"".join(FROM + one + b"\n\n" for one in mails(24)), mtime=0)
    path.write_bytes(whole[:-20])
    done = with_list.run("archive", "import", "mbox", "TEST-L", str(path))
    assert done.exit_code == 1
    assert "cannot be read on" in done.stderr
    assert "0 were there already, 1 not taken" in done.stderr
    assert 0 < len(kept(with_list)) < 24
    path.write_bytes(whole)
    with_list.ok("archive", "import", "mbox", "TEST-L", str(path))
    assert len(kept(with_list)) == 24
    path.write_bytes(b"%PDF-1.4\n\x00\xff\n")
    done = with_list.run("archive", "import", "mbox", "TEST-L", str(path))
    assert (done.exit_code, "neither postmark nor header" in done.stderr) == (1, True)


def test_a_list_without_an_archive_is_told_of(with_list: Site, tmp_path: Path) -> None:
    path = write(tmp_path / "old.mbox", mails(1))
    said = with_list.run("archive", "import", "mbox", "TEST-L", str(path)).stderr
    assert "Notebook= says Yes" in said
    with_list.refused("archive", "import", "mbox", "NO-L", str(path))
    path.write_bytes(b"")
    with_list.refused("archive", "import", "mbox", "NO-L", str(path))
    with_list.refused("archive", "import", "tar", "TEST-L", str(path), status=2)


def test_out_and_in_again_is_the_same(with_list: Site, tmp_path: Path) -> None:
    with_list.ok("create", "COPY-L", "--owner", "a@b.example")
    path, out = write(tmp_path / "old.mbox", mails(100)), tmp_path / "out.mbox"
    with_list.ok("archive", "import", "mbox", "TEST-L", str(path))
    with_list.ok("archive", "export", "mbox", "TEST-L", str(out))
    with_list.ok("archive", "import", "mbox", "COPY-L", str(out))
    assert kept(with_list) == kept(with_list, "COPY-L")
    size = out.stat().st_size
    with_list.ok("archive", "export", "mbox", "COPY-L", str(out))
    with_list.refused("archive", "export", "mbox", "NO-L", str(out))
    assert out.stat().st_size == size
    said = with_list.run("archive", "import", "mbox", "TEST-L", str(out)).stderr
    assert "0 new in the archive, 100 were there already" in said
    box = mailbox.mbox(out)
    assert len(box) == 100
    box.close()


def test_a_date_is_the_authors_or_the_files_or_that_before(with_list: Site, tmp_path: Path) -> None:
    path = tmp_path / "old.mbox"
    path.write_bytes(
        b"From a@x Mon Jan  3 10:11:12 2005\nDate: Tue, 4 Jan 2005 00:00:00 +0000\n\n1\n\n"
        b"From a@x Wed Jan  5 10:11:12 2005\nSubject: no date\n\n2\n\n"
        b"From a@x Wed Jan 99 10:11:12 2005\nSubject: no date at all\n\n3\n"
    )
    with_list.ok("archive", "import", "mbox", "TEST-L", str(path))
    found = with_list.store(
        lambda tx: tx.archive.in_file(tx.lists.get("TEST-L").id, Span("NOTEBOOK"))
    )
    assert [f"{one.at:%d %H}" for one in found] == ["04 00", "05 10", "05 10"]


def test_a_maildir(with_list: Site, tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    for number in range(5):
        box.add(b"From: a@example.net\nSubject: %d\n\nx\n" % number)
    (tmp_path / "box" / "cur" / ".nfs0001").write_bytes(b"no mail")
    (tmp_path / "box" / "tmp" / "1.half").write_bytes(b"Subject: half a mail\n\n")
    said = with_list.run("archive", "import", "maildir", "TEST-L", str(tmp_path / "box")).stderr
    assert "5 mails read, 5 new" in said


def test_pipermail_by_month_with_its_veiled_addresses(tmp_path: Path) -> None:
    text = (
        b"From joe at example.org  Tue Feb  1 10:11:12 2005\n"
        b"From: joe at example.org (Joe Doe)\nDate: Tue, 1 Feb 2005 10:11:12 +0000\n"
        b"Subject: [T] One\nMessage-ID: <1@x>\n\nmail joe at example.org\n\n"
        b"From ann at example.org  Tue Feb  1 11:11:12 2005\n"
        b"From: ann at example.org (=?utf-8?q?J=C3=B6?=)\nSubject: Two\n\nx\n\n"
    )
    (tmp_path / "2005-February.txt.gz").write_bytes(gzip.compress(text))
    (tmp_path / "2005-January.txt").write_bytes(text.replace(b"One", b"Zero"))
    (tmp_path / "2005-March.txt.gz").write_bytes(gzip.compress(text.replace(b"1 ", b"2 "))[:-30])
    found = list(read_pipermail(tmp_path, lambda _: None))
    raws = [one.raw for one in found if isinstance(one, Mail)]
    assert raws[0] == next(read_mbox(tmp_path / "2005-January.txt", lambda _: None)).raw
    assert b'From: "Joe Doe" <joe@example.org>\r\n' in raws[0]
    assert b"Zero" in raws[0]
    assert b"From: =?utf-8?q?J=C3=B6?= <ann@example.org>\r\n" in raws[1]
    assert b"mail joe at example.org" in raws[2]
    assert [one.where for one in found if isinstance(one, Lost)] == ["2005-March.txt.gz"]


@pytest.mark.parametrize(
    ("text", "many"),
    [
        (b"", 0),
        (b"\n\n", 0),
        (b"no mbox at all\n", 0),
        (b"\n\nSubject: no mbox\n\nbut a mail\n", 1),
        (b"\xef\xbb\xbf" + FROM + b"Subject: x\n\n", 1),
        (FROM + b"Subject: x\n\nFrom me to you\n\nFrom Monday to Friday we work.\n", 1),
        (
            FROM
            + b"Subject: x\n\ntext\nFrom a@b Mon Jan  3 10:11:12 2005\nwithout an empty line\n",
            1,
        ),
        (FROM + FROM + b"Subject: x\n\n\n", 1),
        (b"x" * 3_000_000, 0),
    ],
)
def test_where_a_mail_begins(tmp_path: Path, text: bytes, many: int) -> None:
    (tmp_path / "box").write_bytes(text)
    found = [one for one in read_mbox(tmp_path / "box", lambda _: None) if isinstance(one, Mail)]
    assert len(found) == many


@pytest.mark.parametrize(
    ("content", "subjects"),
    [
        (FROM + b"Subject: a\n\nx\n" + FROM + b"Subject: b\n\ny\n", [b"a", b"b"]),
        (FROM + b"Subject: a\n\nx\n\nFrom DAEMON\nSubject: b\n\ny\n", [b"a", b"b"]),
        (FROM + b"Subject: a\n\nx\nFrom now on it is 10:30, or 2005\n\nFrom Bob\ny\n", [b"a"]),
        (FROM + b"Subject: a\n\nFrom Bob I have:\nSubject: none\n", [b"a"]),
        (FROM + b"Subject: a\n\nx\nFrom Bob\nSubject: none\n", [b"a"]),
    ],
)
def test_a_mail_begins_behind_an_empty_line_or_above_a_header(
    tmp_path: Path, content: bytes, subjects: list[bytes]
) -> None:
    path = tmp_path / "old.mbox"
    path.write_bytes(content)
    found = [one for one in read_mbox(path, lambda _: None) if isinstance(one, Mail)]
    assert [one.raw.split(b"\r\n")[0] for one in found] == [b"Subject: " + one for one in subjects]


POSTMARK = b"From ann@example.net Wed, 05 Jan 2005 10:11:12 +0100\n"


def counted(subject: bytes, body: bytes, length: int) -> bytes:
    head = b"Subject: %b\nContent-Length: %d\n\n" % (subject, length)
    return FROM + head + body + b"\n"


def subjects(path: Path) -> list[bytes]:
    found = [one for one in read_mbox(path, lambda _: None) if isinstance(one, Mail)]
    return [one.raw.partition(b"\r\n")[0].removeprefix(b"Subject: ") for one in found]


def test_a_mailbox_within_a_mail_stays_there_when_every_length_is_right(tmp_path: Path) -> None:
    inner = b"a mailbox:\n\n" + FROM + b"Subject: inner\n\nx\n"
    path, after = tmp_path / "old.mbox", counted(b"b", b"y\n", 2)
    path.write_bytes(counted(b"a", inner, len(inner)) + after)
    assert subjects(path) == [b"a", b"b"]
    for wrong in (len(inner) + len(after) - 3, len(inner) + 1, 10**9, 0):
        path.write_bytes(counted(b"a", inner, wrong) + after)
        assert subjects(path)[-1] == b"b", "a length that lies swallows nothing"
    others = FROM + b"Subject: c\n\nz\n\n" + FROM + b"Subject: b\n\ny\n"
    path.write_bytes(counted(b"a", b"x\n", len(others) + 3) + others)
    assert subjects(path) == [b"a", b"c", b"b"], "an author may not hide the mails behind his"
    path.write_bytes(FROM + b"Subject: none\n\n\n" + counted(b"a", inner, len(inner)) + after)
    assert subjects(path) == [b"none", b"a", b"inner", b"b"]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_line_ends_and_packed_files(
    tmp_path: Path, ends: bytes, pack: Callable[[bytes], bytes]
) -> None:
    content = POSTMARK + b"Subject: a\n\nx\n\n" + POSTMARK + b">From x y\nSubject: b\n\ny"
    (tmp_path / "box").write_bytes(pack(content.replace(b"\n", ends)))
    found = [one for one in read_mbox(tmp_path / "box", lambda _: None) if isinstance(one, Mail)]
    assert [one.raw for one in found] == [
        b"Subject: a\r\n\r\nx\r\n",
        b"Subject: b\r\n\r\ny\r\n",
    ]
    assert {one.at and one.at.isoformat() for one in found} == {"2005-01-05T09:11:12+00:00"}


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    content = FROM + b"Subject: a\n\nx\n\n" + FROM + b"Subject: b\n\ny\n"
    for sent in (content, gzip.compress(content)):
        reading, writing = os.pipe()
        os.write(writing, sent)
        os.close(writing)
        assert subjects(Path(f"/proc/self/fd/{reading}")) == [b"a", b"b"]
        os.close(reading)


def test_what_mail_programs_note_for_themselves_is_no_mail(tmp_path: Path) -> None:
    note = b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n\nThis text\n\n"
    (tmp_path / "box").write_bytes(FROM + note + FROM + b"Subject: a\n\nx\n")
    found = list(read_mbox(tmp_path / "box", lambda _: None))
    assert [isinstance(one, Lost) and not one.is_mail for one in found] == [True, False]


def test_no_mail_is_of_the_future_or_before_mail(with_list: Site, tmp_path: Path) -> None:
    path = tmp_path / "old.mbox"
    path.write_bytes(
        b"From a@x Mon Jan  3 10:11:12 2005\nSubject: 1\n\n1\n\n"
        b"From a@x Wed Jan  5 10:11:12 2095\nDate: Wed, 5 Jan 2095 10:11:12 +0000\n\n2\n\n"
        b"From a@x Wed Jan  5 10:11:12 1905\nSubject: 3\n\n3\n"
    )
    with_list.ok("archive", "import", "mbox", "TEST-L", str(path))
    found = with_list.store(
        lambda tx: tx.archive.in_file(tx.lists.get("TEST-L").id, Span("NOTEBOOK"))
    )
    assert [f"{one.at:%Y-%m-%d}" for one in found] == ["2005-01-03"] * 3


@pytest.mark.parametrize(
    ("kind", "said"), [("maildir", "no Maildir"), ("pipermail", "no archive of pipermail")]
)
def test_a_folder_of_another_kind_is_an_error(
    with_list: Site, tmp_path: Path, kind: str, said: str
) -> None:
    (tmp_path / "other").mkdir()
    done = with_list.run("archive", "import", kind, "TEST-L", str(tmp_path / "other"))
    assert done.exit_code == 1
    assert said in done.stderr
