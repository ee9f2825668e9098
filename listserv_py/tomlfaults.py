"""Words a fault in a TOML file: file and line, key, what is wrong, what is allowed there.

pydantic knows the key of each fault and `line_of` finds its line again; the words are ours. What is
allowed is read off the model, so that a new setting needs nothing here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from listserv_py.errors import ConfigError
from listserv_py.units import Kind

Location = tuple[int | str, ...]
Model = type[BaseModel]

_PART = re.compile(r"\"[^\"]*\"|'[^']*'|[\w-]+")
_HEAD = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(
    r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)


def located(
    path: Path, written: str, found: Iterable[tuple[Location, str]]
) -> tuple[ConfigError, ...]:
    """The faults with their lines, in the order of the file; without a line they come last."""
    faults = [
        ConfigError(str(path), key_of(location), text, line_of(written, location))
        for location, text in found
    ]
    return tuple(sorted(faults, key=lambda fault: fault.line or 10**9))


def without_echoes(errors: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """The errors, but for those of a list that pydantic finds too short without its bad items."""
    kept = list(errors)
    places = [error["loc"] for error in kept]
    return [
        error
        for error in kept
        if not any(error["loc"] == place[: len(error["loc"])] != place for place in places)
    ]


def in_words(error: ErrorDetails, model: Model) -> str:
    """What is wrong and what is allowed, without pydantic's own vocabulary."""
    location = error["loc"]
    allowed = _allowed(model, location)
    match error["type"]:
        case "extra_forbidden":
            known = tuple(_model_at(model, location[:-1]).model_fields)
            near = difflib.get_close_matches(str(location[-1]), known, n=1)
            guess = f" (did you mean {near[0]}?)" if near else ""
            return f"is unknown{guess}; allowed: {', '.join(known)}"
        case "missing":
            return f"is missing; allowed: {allowed}"
        case "value_error":
            return f"{error['ctx']['error']}, not {_shown(error['input'])}; allowed: {allowed}"
    return f"is {_shown(error['input'])}; allowed: {allowed}"


def unreadable(path: Path, exc: OSError | ValueError) -> ConfigError:
    """A file that is missing, or no TOML, or not even text."""
    if isinstance(exc, OSError):
        return ConfigError(str(path), "", f"cannot be read: {exc.strerror}")
    if isinstance(exc, UnicodeDecodeError):
        line = exc.object[: exc.start].count(b"\n") + 1
        return ConfigError(str(path), "", "is not UTF-8; allowed: TOML in UTF-8", line)
    found = re.search(r"\s*\(at line (\d+), column \d+\)", str(exc))
    said = str(exc)[: found.start()] if found else str(exc).removesuffix(" (at end of document)")
    text = f"is not TOML: {said}; allowed: key = value lines and [table] lines"
    return ConfigError(str(path), "", text, int(found[1]) if found else None)


def key_of(location: Location) -> str:
    """The place as people write it: `listen[0].address`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def line_of(written: str, location: Location) -> int | None:
    """The line of the longest beginning of the place that stands in the text."""
    wanted = [str(part) for part in location]
    counts: dict[tuple[str, ...], int] = {}
    table: list[str] = []
    best: tuple[int, int | None] = (0, None)
    for number, line in enumerate(written.splitlines(), 1):
        if head := _HEAD.match(line):
            path = table = _table(head, counts)
        elif key := _KEY.match(line):
            path = table + _parts(key[1])
        else:
            continue
        if wanted[: len(path)] == path and len(path) > best[0]:
            best = (len(path), number)
    return best[1]


def kind_of(field: FieldInfo) -> tuple[Kind | None, bool]:
    """What may stand behind a key, and whether several of it do, in brackets."""
    for item in field.metadata:
        if isinstance(item, Kind):
            return item, False
    if get_origin(field.annotation) is tuple:
        inner = get_args(field.annotation)[0]
        if get_origin(inner) is Annotated:
            found = [item for item in inner.__metadata__ if isinstance(item, Kind)]
            return found[0] if found else None, True
    return None, False


def model_of(field: FieldInfo) -> Model | None:
    """The table that stands behind a key, single or repeated."""
    inner = field.annotation
    if get_origin(inner) is tuple:
        inner = get_args(inner)[0]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _table(head: re.Match[str], counts: dict[tuple[str, ...], int]) -> list[str]:
    table = _parts(head[2])
    if head[1] == "[[":
        counts[tuple(table)] = index = counts.get(tuple(table), -1) + 1
        return [*table, str(index)]
    for length in range(1, len(table) + 1):
        if (outer := tuple(table[:length])) in counts:
            return [*outer, str(counts[outer]), *table[length:]]
    return table


def _parts(key: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(key)]


def _model_at(model: Model, location: Location) -> Model:
    """The table that holds the last key of the place."""
    for part in location:
        if isinstance(part, str):
            model = model_of(model.model_fields[part]) or model
    return model


def _allowed(model: Model, location: Location) -> str:
    names = [part for part in location if isinstance(part, str)]
    field = _model_at(model, tuple(names[:-1])).model_fields.get(names[-1])
    if field is None:
        return ""
    kind, many = kind_of(field)
    if kind is None:
        return f"[[{names[-1]}]] tables" if len(names) == 1 and _repeats(field) else "a table"
    inside = isinstance(location[-1], int)
    return f"a list in brackets, each {kind.allowed}" if many and not inside else kind.allowed


def _repeats(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple


def _shown(value: object) -> str:
    written = str(value).lower() if isinstance(value, bool) else repr(value)
    return written if len(written) <= 60 else f"{written[:57]}..."
