"""The tables of docs/compatibility.md: LISTSERV against this server, row by row.

Between its marks the page is generated from the tables of commands, options and keywords, which say
themselves in what they differ; the rest of it is written by hand. What LISTSERV has is listed here;
a row whose word no table knows says what there is instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from listserv_py.commands.nothere import refusal
from listserv_py.commands.table import COMMANDS
from listserv_py.lists.keyword import State
from listserv_py.lists.keywords import KEYWORDS
from listserv_py.lists.miscoptions import MISC_OPTIONS
from listserv_py.lists.options import OPTIONS
from listserv_py.texts.forms import Forms
from listserv_py.texts.words import Words

LISTSERV_COMMANDS = (
    *("SUBscribe", "JOIN", "SIGNUP", "SIGNOFF", "UNSUBscribe", "CHANGE", "CONFIRM", "OK", "SET"),
    *("REGister", "Query", "REView", "SCAN", "STats", "Lists", "INDex", "GETPOST", "SEArch"),
    *("GET", "SENDme", "AFD", "FUI", "Help", "Info", "SHOW", "RELEASE", "THANKs", "PW", "SERVE"),
    *("DISTribute", "GIVE", "ADD", "ADDHere", "DELete", "MOVE", "EXPLODE", "PUT", "UNLOCK", "HOLD"),
    *("FREE", "PWC", "FOR", "OFFLINE", "ONLINE", "STOP", "SHUTDOWN", "RELOAD", "REFRESH", "DEBUG"),
    *("SF", "RESUME", "SPOOL", "NODESGEN", "INSTALL", "UPDATE", "GETCHNG", "CMS", "CP", "LICENSE"),
    *("SPAM", "GLOBAL", "NETWIDE", "PEERS", "CREATE", "X-STL"),
)
"""The capitals are the shortest abbreviation."""
LISTSERV_MISC = (
    *("DISCARD_HTML", "IETFHDR_SUBJECT_TAG", "IGNORE_EMAIL_CASE", "RESPECT_EMAIL_CASE"),
    *("KEEP_DKIM_SIGNATURE", "NO_DKIM_SIGNATURE", "KEEP_EXCHANGE_DATA", "LEGACY_INTERFACE"),
    *("NEW_MESSAGE_ID", "NO_RFC2369", "NO_SPAM_CHECK", "OLD_NOMIME_DIGEST", "TITLE_CHARSET"),
    *("PROCESS_SPAM_FEEDBACK", "SUBJECTHDR_SEQUENCE", "SUPPRESS_APPROVED_BY", "UTF8_HEADER"),
)
_SYSTEM = "The system does it: `systemctl`, or `kill -HUP`."
INSTEAD: Mapping[str, str] = {
    "STOP": _SYSTEM,
    "SHUTDOWN": _SYSTEM,
    "RELOAD": _SYSTEM,
    "REFRESH": _SYSTEM,
    "DEBUG": "There are no trace flags; the log says what was done.",
    "UPDATE": "A new version is installed as any program's.",
    "GETCHNG": "A new version is installed as any program's.",
    "SPAM": "The mail server in front looks for spam.",
    "X-STL": "By [TCPGUI](tcpgui.md).",
}
_HTML = ("differs", "The form of single posts as well; [note 8](notes/0008-nohtml.md).")
_TIMED = ("ours", "LISTSERV has no such word.")
_AT = ("same", "`AT 07:00 Europe/Vienna` behind it is ours.")
_WORDS = Words(Forms.load())
_OPTIONS = {
    "HTML": _HTML,
    "NOHTML": _HTML,
    "NOMAIL": ("same", "`UNTIL 2027-01-07` behind it is ours."),
    "DIGESTS": _AT,
    "INDEX": _AT,
    "MAX": _TIMED,
    "NOMAX": _TIMED,
}
_HEAD = "| {} | here | |\n|---|---|---|\n"
_PART = re.compile(r"(<!-- table: ([a-z]+) -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)
_STATES = {
    State.OBEYED: "same",
    State.NO_EFFECT: "kept, no effect",
}


def filled(page: str) -> str:
    """The page with what stands between its marks written anew."""
    return _PART.sub(lambda found: f"{found[1]}{_TABLES[found[2]]()}{found[4]}", page)


def commands() -> str:
    """A row for each command, here or there."""
    return _HEAD.format("command") + "".join(_command_rows())


def options() -> str:
    """A row for each option of SET."""
    return _HEAD.format("option of SET") + "".join(
        _row(f"`{one.syntax}`", *_OPTIONS.get(one.word, ("same", ""))) for one in OPTIONS
    )


def keywords() -> str:
    """A row for each keyword."""
    return _HEAD.format("keyword") + "".join(_keyword_rows())


def misc() -> str:
    """A row for each word of Misc-Options."""
    return _HEAD.format("word of `Misc-Options=`") + "".join(
        _row(
            f"`{one.word}`",
            _STATES[one.state] if one.word in LISTSERV_MISC else "ours",
            one.meaning if one.word not in LISTSERV_MISC or one.state is State.NO_EFFECT else "",
        )
        for one in MISC_OPTIONS
    )


_TABLES = {"commands": commands, "options": options, "keywords": keywords, "misc": misc}


def _command_rows() -> Iterator[str]:
    theirs = {COMMANDS.find(word) for word in LISTSERV_COMMANDS}
    for unit in COMMANDS.units:
        names = ", ".join(f"`{name}`" for name in (unit.keyword, *unit.synonyms))
        state = "ours" if unit not in theirs else "differs" if unit.compat else "same"
        yield _row(
            names,
            state,
            unit.compat or ("" if unit in theirs else f"{_WORDS.row(unit.summary_form, {})}."),
        )
    for word in LISTSERV_COMMANDS:
        if COMMANDS.find(word) is None:
            yield _row(f"`{word}`", "not here", _why_not(word))


def _why_not(word: str) -> str:
    refused = refusal(word)
    if refused is None:
        return INSTEAD.get(word, "Answered as an unknown command.")
    said = Forms.load().fill(refused.form, refused.slots()).body
    return " ".join(said.split())


def _keyword_rows() -> Iterator[str]:
    for one in KEYWORDS:
        state = _STATES[one.state]
        if one.state is State.OBEYED:
            yield _row(f"`{one.name}=`", "differs" if one.compat else state, one.compat)
        else:
            yield _row(f"`{one.name}=`", state, f"{one.meaning} {one.compat}".rstrip())


def _row(name: str, state: str, text: str) -> str:
    return f"| {name} | {state} | {text} |\n".replace("|  |", "| |")
