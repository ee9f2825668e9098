"""Authentication-Results (RFC 8601): what our own MTA says that it has verified.

Read strictly: a field that is not wholly understood says nothing. Comments count for nothing, and
quoted strings for what is in them, so that no address can pass for a result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from listserv_py.mail.letter import Letter

FIELD_MAX = 4096

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SEGMENT = re.compile(rf"(?:{_QUOTED}|[^\";])*")
_VALUE = rf"(?:{_QUOTED}|[^\s\";=])+"
_SERVER = re.compile(rf"\s*({_VALUE})(?:\s+1)?\s*")
_METHOD = re.compile(r"\s*([A-Za-z0-9-]+)\s*(?:/\s*1\s*)?=\s*([A-Za-z]+)(?=\s|$)")
_REASON = re.compile(rf"\s+reason\s*=\s*{_VALUE}", re.IGNORECASE)
_PROPERTY = re.compile(rf"\s+([a-z]+)\s*\.\s*([A-Za-z0-9_-]+)\s*=\s*({_QUOTED}|{_VALUE})(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result; `properties` such as `header.d`, names and values in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """What one host found; `authserv_id` is lower case."""

    authserv_id: str
    results: tuple[Result, ...]


def believed(letter: Letter, authserv_ids: Collection[str]) -> tuple[Result, ...]:
    """The results of the topmost such field, when a listed host wrote it and our MTA brought it.

    Only that one: what stands further down may have come with the mail (RFC 8601 5).
    """
    found = letter.message.all("authentication-results")[:1]
    if not found or not letter.is_from_own_mta:
        return ()
    if len(found[0].raw) > FIELD_MAX or not found[0].is_strict:
        return ()
    said = read_results(found[0].value.decode("utf-8", "replace"))
    listed = {one.lower() for one in authserv_ids}
    return said.results if said is not None and said.authserv_id in listed else ()


def read_results(value: str) -> Results | None:
    """Read an unfolded field value; None when it is not wholly understood."""
    plain = _without_comments(value)
    segments = _segments(plain) if plain is not None else []
    server = _SERVER.fullmatch(segments[0]) if segments else None
    if server is None:
        return None
    found: list[Result] = []
    for segment in segments[1:]:
        if segment.strip() in ("", "none"):
            continue
        result = _result(segment)
        if result is None:
            return None
        found.append(result)
    return Results(_plain(server[1]), tuple(found))


def _result(segment: str) -> Result | None:
    head = _METHOD.match(segment)
    if head is None:
        return None
    reason = _REASON.match(segment, head.end())
    at = reason.end() if reason else head.end()
    properties: dict[str, str] = {}
    while found := _PROPERTY.match(segment, at):
        name = f"{found[1]}.{found[2]}".lower()
        if name in properties:
            return None
        properties[name] = _plain(found[3])
        at = found.end()
    if segment[at:].strip():
        return None
    return Result(head[1].lower(), head[2].lower(), properties)


def _segments(text: str) -> list[str]:
    """Cut at each `;` outside quotes; nothing when a quote is left open."""
    found: list[str] = []
    at = 0
    while True:
        segment = _SEGMENT.match(text, at)
        if segment is None:
            return []
        found.append(segment[0])
        at = segment.end()
        if at == len(text):
            return found
        if text[at] != ";":
            return []
        at += 1


def _without_comments(text: str) -> str | None:
    """The text with a blank for each comment, which may nest; None when one is left open."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = depth > 0 or quoted
        elif char == '"' and depth == 0:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
        elif char == ")" and not quoted:
            depth -= 1
            if depth < 0:
                return None
            kept.append(" ")
            continue
        if depth == 0:
            kept.append(char)
    return None if depth or quoted else "".join(kept)


def _plain(value: str) -> str:
    """A value without its quotes, in lower case."""
    if value[0] == '"' and value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return value.lower()
