"""`trace`: follow one mail by any of its names, and its copies."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from listserv_py.cli.operator import Operator, note, operator
from listserv_py.cli.shown import as_json, iso, one_line
from listserv_py.control import tracing
from listserv_py.control.keyed import Keyed
from listserv_py.control.tracing import Mail, Post, Traced, Wanted
from listserv_py.store.follow import Line, Waits
from listserv_py.store.outcomes import Fate
from listserv_py.store.trail import Answered, Step


@click.command
@click.argument("name", metavar="ID")
@click.option(
    "--for", "reader", default="", metavar="ADDRESS", help="What became of this reader's copy."
)
@as_json
@operator
def trace(asked: Operator, name: str, reader: str, as_json: bool) -> None:
    """Follow a mail: what was decided, and what became of each copy.

    ID is the name that our 250 gave it, its Message-ID, its number in the spool, or the number of a
    mailing as `queue` shows it. The envelope sender of a copy (owner-LIST+KEY@...), or its KEY,
    tells whose copies they are.
    """
    found = asked.ask(tracing.TRACE, Wanted(name, reader))
    if as_json:
        click.echo(json.dumps(_plain(asdict(found)), indent=2))
        return
    for line in _of_reader(found, reader) if reader else _lines(found):
        click.echo(one_line(line))
    named = [one.accepted_as for one in found.mails if one.accepted_as]
    if named:
        note(f"the host that brought it stands in the log: look for id={named[0]}")


def _plain(value: Any) -> Any:
    """Times as people and machines read them, fates by their names."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: iso(one) if _is_time(name, one) else _fate(one) if name == "fate" else _plain(one)
        for name, one in value.items()
    }


def _is_time(name: str, value: object) -> bool:
    return isinstance(value, int) and (name == "at" or name.endswith("_at"))


def _fate(value: int | str) -> str:
    if isinstance(value, str):
        return value
    return Fate(value).name.lower() if value else "queued"


def _lines(found: Traced) -> Iterator[str]:
    if found.keyed is not None:
        yield from _keyed(found.keyed)
    for waits in found.waits:
        yield _waiting(waits)
    for mail in found.mails:
        yield from _mail(mail)
    told = {one.mailing_id for mail in found.mails for one in mail.answers}
    if found.single is not None and found.single.mailing_id not in told:
        yield _answer(found.single).lstrip()


def _keyed(found: Keyed) -> Iterator[str]:
    where = f"on {found.listname}" if found.listname else "of a DISTRIBUTE job"
    who = found.address or "somebody who has left"
    yield f"copies to {who} {where}, {iso(found.since)[:7]}"
    for copy in found.copies:
        yield f"mailing {copy.mailing_id}, {iso(copy.made_at)}:{_copy(copy.line)}"
    if not found.copies:
        yield "what became of them is no longer kept"


def _of_reader(found: Traced, reader: str) -> Iterator[str]:
    """His copy alone; a post that went by several lists came to him by one of them."""
    for post in (post for mail in found.mails for post in mail.posts):
        if post.own is not None:
            yield f"mailing {post.progress.id} to {post.progress.listname}:{_copy(post.own)}"
    if not any(post.own for mail in found.mails for post in mail.posts):
        yield f"no copy of it was, or is to be, for {reader}, as far as is known"


def _waiting(one: Waits) -> str:
    came = f"from {one.client or 'a local socket'} ({one.helo})"
    why = f" ({one.reason})" if one.reason else ""
    sender = one.reverse_path or "<>"
    return f"mail {one.spool_id}: {one.state}{why}, {sender} to {one.rcpt}, {came}"


def _mail(one: Mail) -> Iterator[str]:
    to = f" to {one.listname}" if one.listname else ""
    name = f", accepted as {one.accepted_as}" if one.accepted_as else ""
    yield f"mail {one.spool_id}{to}, by {one.protocol}, {iso(one.received_at)}{name}"
    yield from map(_step, one.steps)
    yield from map(_answer, one.answers)
    for post in one.posts:
        yield from _post(post)
    if one.mailing_id is not None and not one.posts:
        yield f"  mailing {one.mailing_id}: what became of its copies is no longer kept"


def _step(step: Step) -> str:
    words = (
        step.what,
        f"by {step.person}" if step.person else "",
        f"rule {step.rule}" if step.rule else "",
        step.reason,
        f"asked: {step.asked}" if step.asked else "",
    )
    return f"  {iso(step.at)}  {', '.join(filter(None, words))}"


def _answer(one: Answered) -> str:
    when = f" {iso(one.at)}" if one.at else ""
    reply = f": {one.reply}" if one.reply else ""
    return f"  {one.kind} {one.mailing_id}, {iso(one.made_at)}, {_fate(one.fate)}{when}{reply}"


def _post(post: Post) -> Iterator[str]:
    found = post.progress
    state = "held" if found.held else found.state
    yield (
        f"mailing {found.id} to {found.listname}, {iso(found.created_at)}, {state}:"
        f" {found.readers} readers, {found.sent} sent, {found.waiting} waiting,"
        f" {found.to_come} to come, {found.failed} failed"
    )
    for page in post.pages:
        reply = f": {page.reply}" if page.reply else ""
        yield f"  {iso(page.at)}  batch, {page.sent} of {page.copies} sent{reply}"
    if post.pages_in_all > len(post.pages):
        yield f"  and batches more: {post.pages_in_all - len(post.pages)}"
    yield from map(_copy, post.untaken)


def _copy(one: Line) -> str:
    at = f", next {iso(one.at)}" if one.tries and one.at else f" {iso(one.at)}" if one.at else ""
    return f"  {one.rcpt}  {one.fate}{at}{f': {one.reply}' if one.reply else ''}"
