"""Old archives as they come: mbox files, Maildirs, pipermail's monthly texts, a mail at a time.

Nothing is left out in silence: what is no mail is told with its reason, and what is lost counts as
a failure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from errno import ENOENT, ENOTDIR
from pathlib import Path

from listserv_py.cli.mboxes import Piece, Show, opened, split

MAIL_MAX = 64_000_000

_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_A_FIELD = re.compile(rb"[!-9;-~]{1,998}[ \t]*:")
_OWN_NOTE = re.compile(
    rb"^Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA", re.MULTILINE
)
_DATE = re.compile(
    rb"([A-Z][a-z]{2}) +([A-Z][a-z]{2}) +(\d{1,2}) +(\d\d?:\d\d(?::\d\d)?)[^\n]*?((?:19|20)\d\d)"
)
_FULL_DATE = re.compile(rb"[A-Z][a-z]{2}, +\d{1,2} +[A-Z][a-z]{2} +\d{4} +\d\d?:\d\d[^\n]{0,30}")
_EMPTY_LINE = re.compile(rb"^\r?\n", re.MULTILINE)
_VEILED = re.compile(rb"^From: *(\S+) at (\S+\.\S+?)(?: +\(([^\r\n]*)\))? *(\r?)$", re.MULTILINE)
_MONTHS = ("Ja", "F", "Mar", "Ap", "May", "Jun", "Jul", "Au", "S", "O", "N", "D")
_PIPERMAIL = re.compile(r"(\d{4})-?(\w*)")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, CRLF line ends; `at` is when it was filed, None where nothing says so."""

    where: str
    raw: bytes
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """What cannot be taken in, and why; `is_mail` False: nothing that anybody wrote."""

    where: str
    reason: str
    is_mail: bool = True


def read_mbox(path: Path, show: Show) -> Iterator[Mail | Lost]:
    """The mails of an mbox file; `show` hears how many octets have been read."""
    with opened(path) as box:
        last: Mail | Lost | None = None
        for piece in split(box.file, show, MAIL_MAX):
            if last is not None:
                yield last
            last = _of_piece(path.name, piece)
        if box.fault is not None:  # the last one is cut off as well
            yield Lost(path.name, f"cannot be read on: {box.fault}")
        elif last is not None:
            yield last


def read_maildir(path: Path, show: Show) -> Iterator[Mail | Lost]:
    """The mails of a Maildir, by their names, which begin with their times."""
    if not any((path / sub).is_dir() for sub in ("cur", "new")):
        raise NotADirectoryError(ENOTDIR, "no Maildir: no folders cur and new in it", str(path))
    found = [
        file for sub in ("cur", "new") for file in (path / sub).glob("[!.]*") if file.is_file()
    ]
    done = 0
    for file in sorted(found, key=lambda one: (_seconds(one.name), one.name)):
        try:
            if file.stat().st_size > MAIL_MAX:
                yield Lost(file.name, _too_large())
                continue
            raw = file.read_bytes()
        except OSError as exc:
            yield Lost(file.name, exc.strerror or str(exc))
            continue
        done += len(raw)
        show(done)
        at = datetime.fromtimestamp(_seconds(file.name) or file.stat().st_mtime, UTC)
        yield _mail(file.name, raw, at)


def read_pipermail(path: Path, show: Show) -> Iterator[Mail | Lost]:
    """The mails of pipermail's `.txt` and `.txt.gz` files: one of them, or a folder's, by month."""
    files = [path] if path.is_file() else [*path.glob("*.txt"), *path.glob("*.txt.gz")]
    if not files:
        raise FileNotFoundError(ENOENT, "no archive of pipermail: no *.txt in it", str(path))
    plain = {file.name for file in files}
    done = 0
    for file in sorted(files, key=_month):
        if file.name.endswith(".gz") and file.name.removesuffix(".gz") in plain:
            continue  # the same month twice
        try:
            yield from read_mbox(file, lambda _: None)
        except OSError as exc:
            yield Lost(file.name, f"cannot be read: {exc.strerror or exc}")
        done += file.stat().st_size
        show(done)


def octets(path: Path) -> int:
    """How much there is to read, for a bar."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


READERS: dict[str, Callable[[Path, Show], Iterator[Mail | Lost]]] = {
    "mbox": read_mbox,
    "maildir": read_maildir,
    "pipermail": read_pipermail,
}


def _of_piece(name: str, piece: Piece) -> Mail | Lost:
    where, lines = f"{name}: mail {piece.number}", list(piece.lines)
    if piece.is_too_large:
        return Lost(where, _too_large())
    if piece.postmark is None and not _A_FIELD.match(next(filter(bytes.strip, lines), b"")):
        return Lost(
            name, "begins with something that is no mail: it has neither postmark nor header"
        )
    if lines and lines[-1] in (b"\n", b"\r\n"):
        del lines[-1]  # the empty line in front of the next
    while lines and lines[0].startswith(b">From "):
        del lines[0]  # the postmark of another host
    raw = _QUOTED.sub(b"", b"".join(lines))
    return _mail(where, _unveiled(raw), _date(piece.postmark or b""))


def _mail(where: str, raw: bytes, at: datetime | None) -> Mail | Lost:
    if not raw.strip():
        return Lost(where, "is empty", is_mail=False)
    if _OWN_NOTE.search(raw, 0, 4000):
        return Lost(where, "is a mail program's own note, no mail", is_mail=False)
    end = b"" if raw.endswith(b"\n") else b"\n"
    return Mail(where, (raw + end).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), at)


def _too_large() -> str:
    return f"is larger than {MAIL_MAX // 1_000_000} MB"


def _date(line: bytes) -> datetime | None:
    """The time in a line that begins a mail of an mbox file."""
    found, full = _DATE.search(line), _FULL_DATE.search(line)
    if found is not None:
        _, month, day, clock, year = (one.decode("ascii") for one in found.groups())
        said = f"{day} {month} {year} {clock} +0000"
    else:
        said = full[0].decode("ascii", "replace") if full else ""
    try:
        when = parsedate_to_datetime(said)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unveiled(raw: bytes) -> bytes:
    """`joe at example.org (Joe Doe)` in From as the address that it was: so pipermail writes it."""
    end = _EMPTY_LINE.search(raw)
    head = raw[: end.start()] if end else raw

    def address(match: re.Match[bytes]) -> bytes:
        name = (match[3] or b"").replace(b'"', b"")
        known = match[1] + b"@" + match[2]
        coded = name if name.startswith(b"=?") else b'"' + name + b'"'
        return b"From: " + (coded + b" <" + known + b">" if name else known) + match[4]

    return _VEILED.sub(address, head, count=1) + raw[len(head) :]


def _seconds(name: str) -> int:
    head = re.match(r"(\d{9,10})\b", name)
    return int(head[1]) if head else 0


def _month(file: Path) -> tuple[int, int, str]:
    """Where `2005-January.txt.gz` stands among its like."""
    found = _PIPERMAIL.match(file.name)
    if found is None:
        return 0, 0, file.name
    word = found[2].title()
    month = next((at for at, begins in enumerate(_MONTHS) if word and word.startswith(begins)), 0)
    return int(found[1]), month, file.name
