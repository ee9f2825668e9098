"""What the torture promises, counted when all is over: lost, alien, mutants, repeats.

The bound on repeats is the promise itself: one transaction past its dot for each connection that
was open when somebody was killed, and those whose reply the sink took away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from torture_sink import Key, TortureSink

ORPHANED = "orphan"
"""Excuses of workers whose server was killed: they finish what is past its dot."""


@dataclass
class Report:
    """What came of it."""

    faults: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def must(self, is_so: bool, what: str) -> None:
        """Note a promise, kept or broken."""
        self.lines.append(f"{'ok ' if is_so else 'BAD'} {what}")
        if not is_so:
            self.faults.append(what)


def copies(
    report: Report, sink: TortureSink, readers: Mapping[str, list[str]], acked: Collection[str]
) -> None:
    """Each post that had its 250 reached all readers, and nobody else; always the same bytes."""
    due = {(one, post) for post in acked for one in readers[post]}
    known = {(one, post) for post, some in readers.items() for one in some}
    got = {key for key in sink.counts if key[0].partition("@")[0].rstrip("0123456789")[-2:] == "-l"}
    lost, alien = due - got, got - known
    report.must(not lost, f"lost {len(lost)} of {len(due)} {sorted(lost)[:3]}")
    report.must(not alien, f"alien {len(alien)} {sorted(alien)[:3]}")
    mutants = [key for key, shapes in sink.shapes.items() if len(shapes) > 1]
    report.must(not mutants, f"mutants {len(mutants)} {mutants[:3]}")


def repeats(report: Report, sink: TortureSink) -> None:
    """No copy, of a post or of our own, came more often than its excuses are good for."""
    again = {key: many - 1 for key, many in sink.counts.items() if many > 1}

    def without(*left_out: str) -> list[Key]:
        """Repeated more often than the other excuses are good for."""
        some = [found for why, found in sink.excuses.items() if why not in left_out]
        return [key for key, many in again.items() if many > sum(one[key] for one in some)]

    over = without()
    excused = sum(many for _, many in sink.events.values())
    report.must(
        not over, f"repeated {sum(again.values())} of {excused} excused, {len(over)} not {over[:3]}"
    )
    killed = sum(sink.events.get(why, (0, 0))[0] for why in ("kill", ORPHANED))
    report.must(
        killed <= sum(sink.cut), f"{killed} transactions in {sum(sink.cut)} connections cut"
    )
    events = ", ".join(
        f"{many} copies in {talks} by {why}" for why, (talks, many) in sorted(sink.events.items())
    )
    report.lines += [
        f"    {len(sink.cut)} deaths cut {max(sink.cut, default=0)} connections at most,"
        f" of {sink.most} open at once; past the dot: {events or 'none'}",
        f"    {len(without(ORPHANED))} repeated only since workers outlived their server,"
        f" {len(without('kill', ORPHANED))} since somebody was killed",
    ]


def joined(report: Report, sink: TortureSink, addresses: list[str], rows: str) -> None:
    """Who confirmed is in the list once, and was asked once."""
    once = [one for one in addresses if rows.count(f"{one},") == 1]
    report.must(len(once) == len(addresses), f"{len(once)} of {len(addresses)} joined once")
    odd = []
    for one in addresses:
        heard = set(sink.subjects[one])
        if sum("confirmation request" in subject for _, subject in heard) != 1:
            odd.append((one, sorted(heard)))
    report.must(not odd, f"asked once each, but for {odd[:2]}")


def database(report: Report, path: Path) -> None:
    """It is sound, and nothing lies about."""
    with closing(sqlite3.connect(path)) as db:
        report.must(
            db.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the database is sound"
        )
        report.must(db.execute("PRAGMA foreign_key_check").fetchone() is None, "its keys are too")
        left = db.execute("SELECT count(*) FROM spool").fetchone()[0]
        report.must(left == 0, f"{left} mails lie in the spool")
