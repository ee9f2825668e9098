"""Plays a story: a folder of golden mails, given to intake and the real store.

`before.toml` says what stands at the beginning; `1-in.eml` comes in, `1-out-1.eml`, … go out, and
so on; `after.toml` is what stands at the end. The clock begins at NOW and each mail comes a minute
later; codes are C0DE000000000001, C0DE000000000002, …

    [lists.TEST-L]
    owners = ["olga@example.org"]
    set = ["Send= Editor,Hold"]                # on top of a new list's defaults
    subscribers = ["joe@example.net | Joe Doe | NOHTML"]
    templates.WELCOME = "Hello"                # and MAILTPL, as PUT stores them

    [limits]                                   # as in the configuration

    [mail.2]                                   # all of it may be left out
    wait = "49h"                               # before this mail, instead of a minute
    reverse_path = ""                          # instead of the address in From
    rcpt = "test-l@lists.example.org"          # instead of the address in To
    host = "192.0.2.7"

A `timers` in `wait`'s table runs what the clock does before the mail comes.
"""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

from stage import Stage

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def play(folder: Path, scratch: Path, *, update: bool) -> None:
    """Play the story; golden files are compared to the byte, or written anew."""
    before = tomllib.loads((folder / "before.toml").read_text(encoding="utf-8"))
    stage = Stage(scratch, before.get("limits", {}))
    golden = _Golden(folder, update=update)
    for name, told in before.get("lists", {}).items():
        stage.create(name, told)
    for number, file in enumerate(_incoming(folder), 1):
        told = before.get("mail", {}).get(str(number), {})
        stage.now += duration(told.get("wait", "1m"))
        if told.get("timers"):
            stage.run_timers()
        stage.take(_crlf(file.read_bytes()), told)
        for count, mail in enumerate(stage.outgoing(), 1):
            golden.check(f"{number}-out-{count}.eml", _lf(mail))
    golden.check("after.toml", stage.state().encode())
    golden.finish()
    stage.close()


class _Golden:
    def __init__(self, folder: Path, *, update: bool) -> None:
        self.folder, self.update, self.seen = folder, update, set[str]()

    def check(self, name: str, content: bytes) -> None:
        self.seen.add(name)
        path = self.folder / name
        if self.update:
            path.write_bytes(content)
            return
        assert path.exists(), f"unexpected {name}:\n{content.decode(errors='replace')}"
        assert content.decode("utf-8", "replace") == path.read_bytes().decode("utf-8", "replace")

    def finish(self) -> None:
        """What was expected and did not happen."""
        for path in sorted([*self.folder.glob("*-out-*.eml")]):
            if path.name not in self.seen:
                if self.update:
                    path.unlink()
                else:
                    raise AssertionError(f"{path.name} did not come")


def _incoming(folder: Path) -> list[Path]:
    return sorted(folder.glob("*-in.eml"), key=lambda path: int(path.name.partition("-")[0]))


def _crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _lf(raw: bytes) -> bytes:
    assert raw.replace(b"\r\n", b"").count(b"\n") == 0, "a line that ends in a bare LF"
    return raw.replace(b"\r\n", b"\n")
