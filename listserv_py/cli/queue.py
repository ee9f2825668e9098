"""`queue`: what waits to go out, why, and when it is tried next; and how to steer it."""

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from listserv_py.cli.operator import Operator, note, operator
from listserv_py.cli.shown import as_json, iso, one_line
from listserv_py.cli.watch import watch
from listserv_py.control import operations
from listserv_py.store.queue_view import Detail, Waiting

SHOWN_MAX = 1000
_CODE = re.compile(r"\([0-9A-F]{16}\)", re.ASCII)
_COLUMNS = ("number", "kind", "list", "to", "waits since", "copies", "next", "why")


class _Actions(click.Group):
    """`queue` alone is `queue list`, its options included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] == ["--json"]:
            args = [*args[1:], "--json"]
        wants_help = args[:1] and args[0] in ctx.help_option_names
        if not wants_help and (not args or args[0].startswith("-")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Actions)
def queue() -> None:
    """Show and steer what waits to go out."""


queue.add_command(watch)


@queue.command("list")
@as_json
@operator
def list_(asked: Operator, as_json: bool) -> None:
    """Show what waits, oldest first."""
    found = asked.ask(operations.QUEUE, SHOWN_MAX)
    waiting = found.waiting
    if found.aside:
        note(f"{found.aside} mails that came in are set aside: `queue retry` takes them up again")
    if as_json:
        click.echo(json.dumps([_plain(one) for one in waiting], indent=2))
    elif not waiting:
        note("nothing waits")
    else:
        _table(waiting)


@queue.command
@click.argument("number", metavar="ID", type=int)
@as_json
@operator
def show(asked: Operator, number: int, as_json: bool) -> None:
    """Show one mailing, its header, and its copies."""
    detail = asked.ask(operations.SHOW, number)
    if as_json:
        plain = {
            **_plain(detail.summary),
            "reverse_path": detail.reverse_path,
            "header": without_codes(detail.head),
            "copies_waiting": [
                {**asdict(copy), "next_at": iso(copy.next_at)} for copy in detail.copies
            ],
        }
        click.echo(json.dumps(plain, indent=2))
    else:
        _describe(detail)


@queue.command
@click.argument("number", metavar="[ID]", type=int, required=False)
@as_json
@operator
def retry(asked: Operator, number: int | None, as_json: bool) -> None:
    """Try one mailing or all at once, whatever pause was set or hold was laid on them."""
    done = asked.ask(operations.RETRY, operations.Retry(number))
    many, after = done.mailings, done.after
    while after:
        after = asked.ask(operations.RETRY, operations.Retry(number, after)).after
    if as_json:
        click.echo(json.dumps({"retried": many}))
    else:
        note(f"{many} to be tried now")


@queue.command
@click.argument("number", metavar="ID", type=int)
@as_json
@operator
def drop(asked: Operator, number: int, as_json: bool) -> None:
    """Give up what of a mailing has not gone out yet."""
    asked.ask(operations.DROP, number)
    if as_json:
        click.echo(json.dumps({"dropped": number}))
    else:
        note(f"{number} is dropped")


def _plain(one: Waiting) -> dict[str, str | int | bool | None]:
    return {
        "id": one.id,
        "kind": one.kind,
        "list": one.listname,
        "to": one.to,
        "created": iso(one.created_at),
        "sent": one.sent,
        "failed": one.failed,
        "waiting": one.waiting,
        "to_come": one.to_come,
        "held": one.held,
        "next_attempt": None if _is_now(one) else iso(one.next_at or 0),
        "reason": one.reason,
    }


def _is_now(one: Waiting) -> bool:
    """Whether it is on its way, or held and so without a time."""
    return one.next_at is None or one.next_at <= datetime.now(UTC).timestamp()


def _cells(one: Waiting) -> tuple[str, ...]:
    return (
        str(one.id),
        one.kind,
        one.listname,
        one.to,
        iso(one.created_at),
        str(one.waiting + one.to_come),
        "held" if one.held else "now" if _is_now(one) else iso(one.next_at or 0),
        "" if one.held else one.reason,
    )


def _table(waiting: list[Waiting]) -> None:
    """A table on a terminal; elsewhere a line each, the cells between tabs."""
    console = Console()
    if not console.is_terminal:
        for one in waiting:
            click.echo("\t".join(map(one_line, _cells(one))))
        return
    table = Table(*_COLUMNS)
    for one in waiting:
        # As Text: what came by mail is no markup.
        table.add_row(*(Text(one_line(cell)) for cell in _cells(one)))
    console.print(table)
    if len(waiting) == SHOWN_MAX:
        note(f"only the oldest {SHOWN_MAX} are shown")


def _describe(detail: Detail) -> None:
    for name, cell in zip(_COLUMNS, _cells(detail.summary), strict=True):
        click.echo(f"{name + ':':<13}{one_line(cell)}")
    click.echo(f"{'sent:':<13}{detail.summary.sent}, refused {detail.summary.failed}")
    for copy in detail.copies:
        click.echo(
            one_line(
                f"  {copy.rcpt}  {copy.state}, tried {copy.tries} times,"
                f" next {iso(copy.next_at)}  {copy.last_reply}"
            )
        )
    click.echo()
    for line in without_codes(detail.head).splitlines():
        click.echo(one_line(line))


def without_codes(text: str) -> str:
    """A header as it may be shown and copied: a request's code is for its recipient only."""
    return _CODE.sub("(****************)", text)
