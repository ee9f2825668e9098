"""docs/compatibility.md: a row for all that LISTSERV has, and the hand-written text left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from listserv_py.cli import compatibility
from listserv_py.commands.table import COMMANDS
from listserv_py.lists.keywords import KEYWORDS
from listserv_py.lists.options import OPTIONS

PAGE = Path(__file__).parents[2] / "docs/compatibility.md"

COMMANDS_OF_LISTSERV = """
SUBSCRIBE JOIN SIGNUP SIGNOFF UNSUBSCRIBE CHANGE CONFIRM OK SET REGISTER QUERY REVIEW SCAN STATS
LISTS INDEX GETPOST SEARCH GET SENDME AFD FUI HELP INFO SHOW RELEASE THANKS PW SERVE DISTRIBUTE
GIVE ADD ADDHERE DELETE MOVE EXPLODE PUT UNLOCK HOLD FREE PWC FOR OFFLINE ONLINE STOP SHUTDOWN
RELOAD REFRESH DEBUG SF RESUME SPOOL NODESGEN INSTALL UPDATE GETCHNG CMS CP LICENSE SPAM GLOBAL
NETWIDE PEERS CREATE X-STL
"""
KEYWORDS_OF_LISTSERV = """
Ack Attachments Auto-Delete Categories Change-Log Confidential Configuration-Owner Confirm-Delay
Daily-Threshold DBMS Default-Options Default-Topics Digest Editor Editor-Header Errors-To Exit
Files Filter Indent Internet-Via Mail-Via NJE-Via Local Peers Newsgroups Language Limits
List-Address List-ID Long-Lines Loopcheck Mail-Merge Misc-Options Moderator New-List Notebook
Notebook-Header Notify Owner PW Prime Renewal Reply-To Review RSS-Abstract-Words Safe Send Sender
Service Sizelim Stats Sub-lists Subject-Tag Subscription Topics Translate User-Exit Auth Ads
Backup Validate X-Tags
"""
STATES = {"same", "differs", "not yet", "not here", "ours", "kept, no effect"}


def rows(table: str) -> dict[str, tuple[str, str]]:
    """Each word of a table to its state and text."""
    found = {}
    for line in table.splitlines()[2:]:
        _, names, state, text, _ = (cell.strip() for cell in line.split(" | ".strip(), 4))
        for name in names.split(", "):
            found[name.strip("`= ").upper()] = (state, text)
    return found


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (compatibility.commands(), COMMANDS_OF_LISTSERV.split()),
        (compatibility.commands(), [unit.word for unit in COMMANDS.units]),
        (compatibility.options(), [one.word for one in OPTIONS]),
        (compatibility.keywords(), KEYWORDS_OF_LISTSERV.split()),
        (compatibility.keywords(), [one.name for one in KEYWORDS]),
        (compatibility.misc(), compatibility.LISTSERV_MISC),
    ],
    ids=["commands", "our commands", "options", "keywords", "our keywords", "misc"],
)
def test_every_word_has_a_row(table: str, words: list[str]) -> None:
    found = rows(table)
    assert [word for word in words if word.upper() not in found] == []
    assert {state for state, _ in found.values()} <= STATES


def test_what_is_not_the_same_says_how() -> None:
    for table in (compatibility.commands(), compatibility.options(), compatibility.keywords()):
        for word, (state, text) in rows(table).items():
            assert text or state == "same", word


def test_what_people_wrote_stays() -> None:
    page = "# Mine\n<!-- table: misc -->\nold\n<!-- end -->\nAnd mine.\n"
    filled = compatibility.filled(page)
    assert filled.startswith("# Mine\n<!-- table: misc -->\n| word")
    assert filled.endswith("|\n<!-- end -->\nAnd mine.\n")
    assert compatibility.filled(filled) == filled


def test_the_page_has_all_tables() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == {
        "commands", "options", "keywords", "misc",
    }  # fmt: skip
