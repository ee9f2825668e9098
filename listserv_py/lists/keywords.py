"""The keywords of a list header, as one table: syntax, default, state, meaning, reader.

A keyword is one row of a file in `table/`: its reader turns the header's items into fields of
`Keywords`, and `page` writes docs/keywords.md from the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from listserv_py.lists.keyword import Keyword, State
from listserv_py.lists.miscoptions import MISC_OPTIONS
from listserv_py.lists.table.elsewhere import ELSEWHERE
from listserv_py.lists.table.outgoing import OUTGOING
from listserv_py.lists.table.people import PEOPLE
from listserv_py.lists.table.posts import POSTS

KEYWORDS: tuple[Keyword, ...] = (*PEOPLE, *POSTS, *OUTGOING, *ELSEWHERE)

_BY_NAME: Mapping[str, Keyword] = {keyword.name.lower(): keyword for keyword in KEYWORDS}


def find_keyword(word: str) -> Keyword | None:
    """The keyword of that name, in any case, or None."""
    return _BY_NAME.get(word.lower()) if word.isascii() else None


def page() -> str:
    """docs/keywords.md."""
    tables = "\n".join(
        f"## {head}\n\n{_TABLE_HEAD}\n{''.join(map(_row, rows))}" for head, rows in _SECTIONS
    )
    words = "".join(
        f"| `{one.word}` | {one.state.value} | {one.meaning} |\n" for one in MISC_OPTIONS
    )
    counts = ", ".join(
        f"{sum(1 for one in KEYWORDS if one.state is state)} {state.value}" for state in State
    )
    return _PAGE.format(tables=tables, words=words.rstrip("\n"), counts=counts)


def _row(keyword: Keyword) -> str:
    site = " Only a postmaster may change it." if keyword.site_only else ""
    cells = (
        f"`{keyword.name}=`",
        _cell(keyword.syntax),
        _cell(keyword.default) or "none",
        keyword.state.value,
        keyword.meaning + site,
    )
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


_SECTIONS = (
    ("People", PEOPLE),
    ("Posts", POSTS),
    ("What goes out, and what is kept", OUTGOING),
    ("What means nothing here", ELSEWHERE),
)
_TABLE_HEAD = "| keyword | values | default | state | meaning |\n|---|---|---|---|---|"

_PAGE = """\
# List header keywords

Generated from `listserv_py/lists/table/`; `make docs` writes it anew.

A header is text whose lines begin with `*`. The first line is the list's title. A line that begins
with `word=` sets keywords; any other line is the list's description. Values are separated by
commas, and a value with blanks stands in quotes. A keyword that is repeated appends its values.
What follows the values on a line is a comment, up to the next `word=`. Lines between `* .HH ON` and
`* .HH OFF` are hidden from REVIEW.

Owners fetch a header with `GET LIST (HEADER` and store it with `PUT LIST LIST` (see
[commands.md](commands.md)); the site's own people open it with `listserv-py edit LIST`.

An access level is `Public`, `Postmaster`, or a list of `Private` (the subscribers), `Owner`,
`(OTHER-L)` and `Owner(OTHER-L)` (another list's subscribers and owners), and addresses.

The default is what a header means that leaves the keyword out. A new list says more than that: see
`listserv-py create`, which writes down the safer settings.

Every keyword is checked and kept as it was written. The state says whether this version acts on it:
{counts}.

{tables}
## The words of Misc-Options

| word | state | meaning |
|---|---|---|
{words}
"""
