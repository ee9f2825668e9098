"""The operational log: one line an event, with values that can neither break nor forge a line.

`log = get_logger("smtpd")`, then `log.info("mail.accepted", spool=7, bytes=1234)`. Lines are
written by a thread of their own behind a bounded queue: a closed, full or stuck output costs log
lines and never a mail. Bodies, codes and keys are not logged: a value so named is withheld.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor

Format = Literal["text", "json"]

_ROOT = "listserv_py"
_VALUE_LENGTH = 300
_TRACE_LENGTH = 6000
_QUEUE_LENGTH = 10_000
_GATHER = 0.02
_TOGETHER = 500
_WITHHELD = frozenset({"body", "code", "content", "cookie", "key", "password", "subject", "token"})
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_BARE = re.compile(r"[A-Za-z0-9_@.:+/<>\[\]()*%,;!?#~&$^-]+")


class _Logger(structlog.stdlib.BoundLogger):
    """Hands a plain event straight to our writers: structlog's own way costs as much as all else.

    What has an exception with it, or is not ours to write, goes that way.
    """

    def _proxy_to_logger(
        self, method_name: str, event: str | None = None, *event_args: str, **event_kw: Any
    ) -> Any:
        level = _LEVELS.get(method_name)
        if not _writers or level is None or event_args or self._context or "exc_info" in event_kw:
            return super()._proxy_to_logger(method_name, event, *event_args, **event_kw)
        if self._logger.isEnabledFor(level):
            seen = {"timestamp": _timestamp(int(time.time())), "level": method_name, "event": event}
            for writer in _writers:
                writer.tell(_guarded(None, "", {**seen, **event_kw}))
        return None


def get_logger(room: str) -> structlog.stdlib.BoundLogger:
    """The logger of a room; it is silent until `configure` was called."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"{_ROOT}.{room}")
    return logger


def configure(format: Format = "text", *, level: str = "INFO", output: int | None = None) -> None:
    """Log to the file descriptor `output` (stdout when left out), until `close`."""
    close()
    handler = _Writer(_stdout() if output is None else output, _LINES[format])
    root = logging.getLogger()
    root.addHandler(handler)
    _writers.append(handler)
    root.setLevel(level)
    # aiosmtpd formats every line of a mail for its logger.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    logging.raiseExceptions = False


def forward(take: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Hand each line's level, event and values on, to be logged by another process."""
    logging.getLogger().addHandler(_Forwarder(take))


def close() -> None:
    """Write out what waits, for a second at most, and stop logging."""
    while _writers:
        handler = _writers.pop()
        logging.getLogger().removeHandler(handler)
        handler.close()


def escaped(value: object, length: int = _VALUE_LENGTH) -> str:
    """The value on one line of bounded length, with nothing in it that a terminal would obey."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if len(text) > length:
        text = f"{text[: length - 3]}..."
    text = text.replace("\\", "\\\\")
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode("ascii")
        for one in text
    )


def _stdout() -> int:
    # Started with stdout closed, the number 1 may by now be the database's.
    return os.open(os.devnull, os.O_WRONLY) if sys.stdout is None else 1


def _own(output: int) -> int:
    try:
        return os.dup(output)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


class _Writer(logging.Handler):
    """Hands formatted lines to a thread that writes them; drops them when it cannot keep up."""

    def __init__(self, output: int, as_line: Processor) -> None:
        super().__init__()
        self._as_line = as_line
        self.setFormatter(_formatter(as_line))
        # A descriptor of our own: a number that others close may soon be somebody else's.
        self._output = _own(output)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        # A daemon thread, because a write to a stuck pipe would keep the process from ending.
        self._thread = threading.Thread(target=self._write_all, name="maillog", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as exc:  # noqa: BLE001 - a value that cannot be shown stops no mail
            line = f"error log.unformattable kind={type(exc).__name__}"
        self._put(line)

    def tell(self, event: EventDict) -> None:
        """A line of ours, which needs no LogRecord: that costs as much as all the rest of it."""
        try:
            line = str(self._as_line(None, "", event))
        except Exception as exc:  # noqa: BLE001 - as above
            line = f"error log.unformattable kind={type(exc).__name__}"
        self._put(line)

    def _put(self, line: str) -> None:
        if self._lines.qsize() < _QUEUE_LENGTH:
            self._lines.put(line)
        else:
            self._dropped += 1

    def close(self) -> None:
        self._lines.put(None)
        self._thread.join(timeout=1)
        super().close()

    def _write_all(self) -> None:
        is_open = True
        while is_open:
            lines = [self._lines.get()]
            if lines[0] is not None:
                # Waking for each line would take the interpreter from those who take mail in.
                time.sleep(_GATHER)
            with contextlib.suppress(queue.Empty):
                while len(lines) < _TOGETHER:
                    lines.append(self._lines.get_nowait())
            is_open = None not in lines
            written = [line for line in lines if line is not None]
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                written.append(f"warning log.dropped lines={dropped}")
            text = "".join(f"{line}\n" for line in written)
            self._write(text.encode("utf-8", "backslashreplace"))
        os.close(self._output)

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._output, data) :]
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:  # closed by the other side, or the disk is full: this line is lost
                return


class _Forwarder(logging.Handler):
    """See `forward`."""

    def __init__(self, take: Callable[[str, str, dict[str, Any]], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, dict):
            given = {name: value for name, value in record.msg.items() if name[0] != "_"}
            event = str(given.pop("event", ""))
            values = {
                name: value if isinstance(value, int | float | None) else str(value)
                for name, value in given.items()
                if name not in ("timestamp", "level")
            }
        else:
            event, values = "log.foreign", {"logger": record.name, "text": record.getMessage()}
        self._take(record.levelname.lower(), event, values)


def _formatter(as_line: Processor) -> structlog.stdlib.ProcessorFormatter:
    chain: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_line]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=chain)


@lru_cache(maxsize=2)
def _timestamp(second: int) -> str:
    """The same for all lines of a second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def _stamped(_: Any, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = _timestamp(int(time.time()))
    return event


def _straight(_: Any, __: str, event: EventDict) -> EventDict:
    """Hand the event to the writer, where there is one; else it goes the way of `logging`."""
    if not _writers:
        return event
    for writer in _writers:
        writer.tell(dict(event))
    raise structlog.DropEvent


def _guarded(_: Any, __: str, event: EventDict) -> EventDict:
    """Bound and escape each value; withhold what is nobody's business."""
    for name, value in event.items():
        if name in _WITHHELD and not isinstance(value, int):
            event[name] = "(withheld)"
        elif type(value) is str and len(value) < _VALUE_LENGTH and _BARE.fullmatch(value):
            continue  # as most are
        elif name == "exception":
            event[name] = escaped(str(value)[-_TRACE_LENGTH:], _TRACE_LENGTH)
        elif not name.startswith("_") and not isinstance(value, int | float | None):
            event[name] = escaped(value)
    return event


def _as_json(_: Any, __: str, event: EventDict) -> str:
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return json.dumps({**first, **event})


def _as_text(_: Any, __: str, event: EventDict) -> str:
    """`2026-01-31T12:00:00Z info mail.accepted spool=7 from=ann@example.org`."""
    words = [str(event.pop(name)) for name in ("timestamp", "level", "event") if name in event]
    words += [f"{name}={_quoted(value)}" for name, value in event.items() if value is not None]
    return " ".join(words)


def _quoted(value: object) -> str:
    if type(value) is int:
        return str(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _BARE.fullmatch(text):
        return text
    return '"' + text.replace('"', '\\"') + '"'


_LINES: dict[Format, Processor] = {"text": _as_text, "json": _as_json}
_writers: list[_Writer] = []

_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    _stamped,
    structlog.processors.format_exc_info,
    _guarded,
]

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        _straight,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=_Logger,
    cache_logger_on_first_use=True,
)
logging.getLogger(_ROOT).addHandler(logging.NullHandler())
