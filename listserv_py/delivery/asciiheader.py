"""Header fields with raw eight-bit octets, for hosts that take none (RFC 6531 3.2).

Words become encoded words, parameters take the form of RFC 2231. An address that is not ASCII has
no other form: that field stays, and its mail can only go where SMTPUTF8 is offered.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from listserv_py.mail.charsets import decode
from listserv_py.mail.compose import encoded
from listserv_py.mail.fields import Field
from listserv_py.mail.mime import read_params
from listserv_py.mail.splice import new_field
from listserv_py.mail.words import printable

_ADDRESSES = re.compile("(resent-)?(from|sender|to|cc)|reply-to")
_PARAMETERS = frozenset(("content-type", "content-disposition"))
# Longer quoted words are none: each quote that nothing closes would be followed to the end.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.){0,300}"|<[^<>]*>|[^\s"<>,;]+|[,;]|\s+|.')
_MANY_BLANKS = re.compile(r"[ \t]{100,}")
_SEGMENT = 20
WORD_MAX = 800
"""Longer words are encoded too where that can be: no line could hold them."""


def in_ascii(one: Field) -> Field:
    """The field without eight-bit octets where that can be, else as it is."""
    # No line could hold them, and no line may be broken inside them.
    text = _MANY_BLANKS.sub(" ", printable(decode(one.value, "")))
    name = one.raw[: one.raw.index(b":")].decode("ascii").rstrip(" \t")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name):
        return one
    if one.name in _PARAMETERS:
        value: str | None = _parameters(text)
    elif _ADDRESSES.fullmatch(one.name):
        value = _addresses(text)
    else:
        value = _unstructured(text)
    return one if value is None or _has_long_word(value) else new_field(name, value)


def _has_long_word(value: str) -> bool:
    """Whether a value cannot be folded into lines that a mail may have."""
    return any(len(word) > WORD_MAX for word in value.split())


def _unstructured(text: str) -> str:
    """Runs of words that are not ASCII as encoded words, the blanks between them inside."""
    out: list[str] = []
    run: list[str] = []
    for word in text.split(" "):
        if word.isascii() and len(word) <= WORD_MAX:
            out += [encoded(" ".join(run))] if run else []
            run = []
            out.append(word)
        else:
            run.append(word)
    return " ".join(out + ([encoded(" ".join(run))] if run else []))


def _addresses(text: str) -> str | None:
    """Display names encoded; None when an address itself is not ASCII."""
    out: list[str] = []
    run: list[
        str
    ] = []  # words in a row, with the blanks between them, which count in one word only
    for token in _TOKEN.findall(text):
        if not token.isascii() and ("@" in token or token.startswith("<")):
            return None
        if not token.isascii() or (run and token.isspace()):
            run.append(re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token)
            continue
        out += [*_run(run), token]
        run = []
    return "".join((*out, *_run(run)))


def _run(words: list[str]) -> list[str]:
    text = "".join(words)
    return [encoded(text.rstrip()), text[len(text.rstrip()) :]] if text else []


def _parameters(text: str) -> str:
    """The value and its parameters, those that are not ASCII in segments of RFC 2231."""
    value = text.partition(";")[0].encode("ascii", "replace").decode("ascii")
    found, _ = read_params(text)
    pieces = [value.strip()]
    for name, param in found.items():
        if not name.isascii():
            continue
        if param.isascii():
            quoted = re.sub(r'(["\\])', r"\\\1", param)
            pieces.append(f'{name}="{quoted}"')
            continue
        chunks = [param[at : at + _SEGMENT] for at in range(0, len(param), _SEGMENT)]
        for number, chunk in enumerate(chunks):
            segment = f"*{number}" if len(chunks) > 1 else ""
            charset = "utf-8''" if number == 0 else ""
            pieces.append(f"{name}{segment}*={charset}{quote(chunk, safe='')}")
    return "; ".join(pieces)
