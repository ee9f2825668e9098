"""`archive import` and `archive export`: old mail into a list's archive, and out again."""

import base64
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import click
from click.exceptions import Exit
from rich.console import Console
from rich.progress import Progress

from listserv_py.cli.mailboxes import READERS, Lost, Mail, octets
from listserv_py.cli.mboxes import Show
from listserv_py.cli.operator import Operator, note, operator
from listserv_py.control import operations
from listserv_py.control.archives import Archived, Batch, Old, Wanted
from listserv_py.mail import trace
from listserv_py.mail.archived import mbox_entry

MAILS_AT_ONCE = 100
OCTETS_AT_ONCE = 1_000_000


@click.group()
def archive() -> None:
    """Take old mail into a list's archive, or write an archive out."""


@dataclass
class _Import:
    """What has become of the mails so far."""

    asked: Operator
    listname: str
    batch: list[Old] = field(default_factory=list)
    size: int = 0
    seen: dict[bytes, str] = field(default_factory=dict)
    mails: int = 0
    sent: int = 0
    new: int = 0
    again: int = 0
    lost: int = 0
    archived: bool = True

    def begin(self) -> None:
        """Ask whether there is such a list, before anything is read."""
        self.archived = self.asked.ask(operations.ARCHIVE_TAKE, Batch(self.listname, ())).archived

    def take(self, found: Mail | Lost) -> None:
        """Put a mail into the batch, or say why not."""
        if isinstance(found, Lost):
            note(f"{found.where}: {found.reason}")
            self.mails += found.is_mail
            self.lost += found.is_mail
            return
        self.mails += 1
        digest = trace.digest(found.raw)
        if digest in self.seen:
            note(f"{found.where}: the same mail as {self.seen[digest]}")
            self.again += 1
            return
        self.seen[digest] = found.where
        self.batch.append(Old(base64.b64encode(found.raw).decode("ascii"), found.at))
        self.size += len(found.raw)
        if len(self.batch) >= MAILS_AT_ONCE or self.size >= OCTETS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Have the batch filed."""
        if self.batch:
            filed = self.asked.ask(operations.ARCHIVE_TAKE, Batch(self.listname, tuple(self.batch)))
            self.sent += len(self.batch)
            self.new += filed.new
            self.archived = filed.archived
        self.batch, self.size = [], 0


@archive.command("import")
@click.argument("kind", type=click.Choice(list(READERS)))
@click.argument("listname", metavar="LIST")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@operator
def import_(asked: Operator, kind: str, listname: str, path: Path) -> None:
    """Take the mails of PATH into a list's archive; each that is not taken is named.

    Broken off, it is begun again: what the archive has is not taken twice. Nobody is sent anything.
    The exit status is 1 when a mail could not be taken.
    """
    done = _Import(asked, listname)
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True) if console.is_terminal else None
    with bar or nullcontext():
        task = bar.add_task("importing", total=octets(path)) if bar else None

        def show(read: int) -> None:
            if bar is not None and task is not None:
                bar.update(task, completed=read)

        mails = _read(kind, path, show)
        # A file that only root may read is open before we ask, and become the folder's owner.
        first = [*islice(mails, 1)]
        done.begin()
        for found in chain(first, mails):
            done.take(found)
        done.flush()
    known = done.sent - done.new + done.again
    note(
        f"{listname.upper()}: {done.mails} mails read, {done.new} new in the archive,"
        f" {known} were there already, {done.lost} not taken"
    )
    if not done.archived:
        note(f"{listname.upper()} keeps no archive: nobody can read it until Notebook= says Yes")
    if done.lost:
        raise Exit(1)


def _read(kind: str, path: Path, show: Show) -> Iterator[Mail | Lost]:
    return READERS[kind](path, show)


@archive.command("export")
@click.argument("kind", type=click.Choice(["mbox"]))
@click.argument("listname", metavar="LIST")
@click.argument("file", type=click.File("ab", lazy=False))
@operator
def export(asked: Operator, kind: str, listname: str, file: BinaryIO) -> None:
    """Write a list's archive into FILE (- is stdout) as mbox, each post as it came."""
    posts, many = _posts(asked, listname), 0
    first = [*islice(posts, 1)]  # there is such a list: only now is what stood in the file gone
    if Path(file.name).is_file():
        file.truncate(0)
    for one in chain(first, posts):
        file.write(mbox_entry(base64.b64decode(one.content), one.address, one.at))
        many += 1
    note(f"{listname.upper()}: posts written as {kind}: {many}")


def _posts(asked: Operator, listname: str) -> Iterator[Archived]:
    after = 0
    while found := asked.ask(operations.ARCHIVE_PAGE, Wanted(listname, after)):
        yield from found
        after = found[-1].number
