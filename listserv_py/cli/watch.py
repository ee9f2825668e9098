"""`queue watch`: how far each post has come, live on a terminal, a line a change elsewhere.

On a terminal it stays until it is interrupted. Elsewhere it ends with the last post, so that a
script can wait for it.
"""

import contextlib
import json
import time
from dataclasses import asdict

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from listserv_py.cli.operator import Operator, note, operator
from listserv_py.cli.shown import as_json, iso, one_line
from listserv_py.control import tracing
from listserv_py.store.progress import Progress

_BETWEEN = 2 * 9
_COLUMNS = ("post", "list", "since", "sent", "waiting", "to come", "failed", "per s", "left")


@click.command
@as_json
@click.option(
    "--every",
    default=1.0,
    type=click.FloatRange(0.2, 3600),
    metavar="SECONDS",
    help="How long between looks, 0.2 to 3600; 1 if left out.",
)
@click.option("--once", is_flag=True, help="Look once.")
@operator
def watch(asked: Operator, as_json: bool, every: float, once: bool) -> None:
    """Show how far each post has come: sent, waiting, failed, rate and time left."""
    console = Console()
    if console.is_terminal and not as_json and not once:
        _live(asked, console, every)
    else:
        _lines(asked, every, once=once, as_json=as_json)


def _live(asked: Operator, console: Console, every: float) -> None:
    # Ctrl-C is how one leaves it, so it is no failure.
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(console=console, auto_refresh=False) as live,
    ):
        while True:
            found = asked.ask(tracing.PROGRESS, None)
            live.update(_table(found, console.width), refresh=True)
            time.sleep(every)


def _lines(asked: Operator, every: float, *, once: bool, as_json: bool) -> None:
    """Tell each post when it has moved on; end when none is on its way."""
    before: dict[int, Progress] = {}
    while True:
        found = asked.ask(tracing.PROGRESS, None)
        if not (found or before):
            note("no post is on its way")
        for one in found:
            if _counts(before.get(one.id)) != _counts(one):
                click.echo(_json(one) if as_json else "\t".join(_cells(one)))
        before = {one.id: one for one in found}
        if once or not found:
            return
        time.sleep(every)


def _counts(one: Progress | None) -> tuple[int, ...]:
    return () if one is None else (one.sent, one.failed, one.waiting, one.to_come, one.held)


def _table(found: list[Progress], width: int) -> Table:
    """On a narrow terminal the list's name gives way, and no number."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    rows = [_short(one) for one in found]
    widest = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    widest[1] = max(len(_COLUMNS[1]), min(widest[1], width - sum(widest) + widest[1] - _BETWEEN))
    for name, wide in zip(_COLUMNS, widest, strict=True):
        side: JustifyMethod = "left" if name == "list" else "right"
        table.add_column(name, no_wrap=True, width=wide, justify=side)
    for cells in rows:
        table.add_row(*map(Text, cells))
    return table


def _short(one: Progress) -> tuple[str, ...]:
    """The cells, with month, day, hour and minute for a time."""
    number, listname, since, *counts = _cells(one)
    return (number, listname, since[len("2026-") : -len(":00Z")].replace("T", " "), *counts)


def _cells(one: Progress) -> tuple[str, ...]:
    return (
        str(one.id),
        one_line(one.listname),
        iso(one.created_at),
        str(one.sent),
        str(one.waiting),
        str(one.to_come),
        str(one.failed),
        "held" if one.held else f"{one.rate:.1f}",
        _span(one.left),
    )


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _json(one: Progress) -> str:
    plain = asdict(one)
    return json.dumps(plain | {"created_at": iso(one.created_at), "last_at": iso(one.last_at)})
