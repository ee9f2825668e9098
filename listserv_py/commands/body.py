"""Which lines of a mail its author wrote: quotes, attributions and signatures left out.

Real clients differ: Gmail wraps its attribution over two lines, Outlook quotes without any mark
below a rule or a block of header lines, Apple Mail quotes the attribution too, telephones sign.
Lines end at LF only: `str.splitlines` would also cut at U+2028, U+0085 and form feeds.
"""

from __future__ import annotations

import re

from listserv_py.commands.syntax import fold

# Outlook on the web puts zero-width spaces around a short line.
BLANKS = " \t\r\u00a0\u200b\u3000\ufeff"
_RULE = re.compile(r"(?:-{2,}[ \t]*\S.*\S[ \t]*-{2,}|_{8,}|-{8,})")
_STARTER = re.compile(r"(?:On|Am|Le|El|Il|Op|Em|Den|Dne|Dnia|W dniu)[ \t]")
_HEADER = re.compile(r"\*?[A-Z\u00c0-\u024f][^\s:]{1,15}:\*?(?:[ \t]|$)")
_FROM = re.compile(r"\*?(?:From|Von|De|Da|Van|Fra|Od):\*?[ \t]")
# The upper half of a wrapped attribution in a language unknown to us: a time, a year, an address.
_DATED = re.compile(
    r"\b[0-9]{1,2}[:.][0-9]{2}\b|(?<!\w)(?:19|20)[0-9]{2}(?![0-9A-Za-z])|<$|<[^<>\s]+@[^<>\s]+>?$"
)
_DEVICE = re.compile(
    r"(?:Sent (?:from|via)|Get Outlook for|Gesendet (?:von|mit)|Envoy\u00e9 (?:de|depuis)"
    r"|Enviado (?:desde|do)|Inviato da|Verstuurd vanaf|Verzonden vanaf|Skickat fr\u00e5n) .*"
    r"|Von meine[mr] .* gesendet|iPhone\u304b\u3089\u9001\u4fe1"
)
# The lines of a list header; in bold, a line of a mail's header may begin so too.
_STAR = "*"
_CLEARSIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_CODE = re.compile(r"\(([0-9A-Fa-f]{16})\)", re.ASCII)
_OK = re.compile(r"[Oo][Kk]\.?", re.ASCII)
_REJECT = re.compile(r"[Rr][Ee][Jj][Ee][Cc][Tt](?:[.:]?$|[:,]?[ \t]+(.*))", re.ASCII)

ATTRIBUTION_LINES = 3
LINE_MAX = 2000


def own_lines(text: str) -> tuple[str, ...]:
    """The lines that the author wrote himself, down to a signature; stripped, no blank ones."""
    return tuple(line for line in spaced_lines(text) if line)


def spaced_lines(text: str) -> tuple[str, ...]:
    """`own_lines` with the blank ones, which end a paragraph."""
    lines = [line.strip(BLANKS)[:LINE_MAX] for line in text.split("\n")]
    lines = _signed_text(lines)
    lines = lines[: _end(lines)]
    dropped = _attributions(lines)
    return tuple(
        line.replace("\u00a0", " ")
        for at, line in enumerate(lines)
        if not _is_quote(line) and at not in dropped and not _DEVICE.fullmatch(line)
    )


def cleaned(line: str) -> str:
    """A line of a dataset: stripped, bounded, and blanks of all kinds are blanks."""
    return line.strip(BLANKS)[:LINE_MAX].replace("\u00a0", " ").replace("\t", " ")


def is_ok(line: str) -> bool:
    """Whether a line says `ok` and nothing else."""
    return _OK.fullmatch(line) is not None


def rejection(line: str) -> str | None:
    """The reason in a line `reject reason`, "" without one; None for any other line."""
    found = _REJECT.fullmatch(line)
    return None if found is None else (found[1] or "").strip(BLANKS)


def code_in(subject: str) -> str | None:
    """The code that a reply to one of our requests carries in its subject, wherever it stands."""
    found = _CODE.findall(subject)
    return fold(found[-1]) if found else None


def _signed_text(lines: list[str]) -> list[str]:
    """What stands below the head of a clear-signed text; its tail looks like a rule."""
    start = next((at for at, line in enumerate(lines) if line), 0)
    if lines[start] != _CLEARSIGNED:
        return lines
    blank = next((at for at in range(start, len(lines)) if not lines[at]), start)
    return lines[blank + 1 :]


def _end(lines: list[str]) -> int:
    """Where a signature or somebody else's mail begins."""
    for at, line in enumerate(lines):
        if line == "--" or _is_rule(line) or _is_header_block(lines, at):
            return at
    return len(lines)


def _is_rule(line: str) -> bool:
    return line.startswith(("--", "__")) and _RULE.fullmatch(line[:200]) is not None


def _is_header_block(lines: list[str], at: int) -> bool:
    """Outlook's way of quoting: `From:`, `Sent:`, `To:`, `Subject:`, and then the bare text."""
    if not _FROM.match(lines[at]) or (at and lines[at - 1].startswith(_STAR)):
        return False
    return sum(1 for line in lines[at : at + 6] if _HEADER.match(line)) >= 3


def _is_quote(line: str) -> bool:
    return line.startswith((">", "\uff1e"))


def _attributions(lines: list[str]) -> set[int]:
    """Lines like `On … Joe wrote:`, in any language: they end in a colon, above a quote."""
    found: set[int] = set()
    behind = ""
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        is_text = not _is_quote(line) and not line.startswith(_STAR)
        if line.endswith((":", "\uff1a")) and _is_quote(behind) and is_text:
            found.add(at)
            found |= _wrapped(lines, at)
        behind = line or behind
    return found


def _wrapped(lines: list[str], at: int) -> set[int]:
    """The lines above when an attribution was wrapped: up to the one that begins it."""
    if _STARTER.match(lines[at]):
        return set()
    dated: set[int] = set()
    for start in range(at - 1, max(at - ATTRIBUTION_LINES, -1), -1):
        if not lines[start] or _is_quote(lines[start]):
            break
        if _STARTER.match(lines[start]):
            return set(range(start, at))
        if _DATED.search(lines[start]):
            dated = set(range(start, at))
    return dated
