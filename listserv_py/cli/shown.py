"""How commands that tell of mail show it: times, JSON, and a stranger's words without harm."""

from datetime import UTC, datetime

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def one_line(text: str) -> str:
    """What a stranger wrote, harmless for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def iso(when: int | None) -> str:
    """A time, "" for none."""
    return "" if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
