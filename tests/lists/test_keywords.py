"""The whole table of keywords: each is read and checked, and its state is the truth."""

import re
from pathlib import Path
from typing import Any

import pytest

import listserv_py
from listserv_py.lists.access import Access, AccessLevel
from listserv_py.lists.header import read_header
from listserv_py.lists.headertext import Item
from listserv_py.lists.keyword import Keyword, State
from listserv_py.lists.keywords import KEYWORDS
from listserv_py.lists.miscoptions import MISC_OPTIONS
from listserv_py.lists.values import (
    AttachmentRule,
    Attachments,
    Filter,
    FilterKind,
    Interval,
    Keywords,
    Language,
    Loopcheck,
    LoopcheckLevel,
    Notebook,
    Renewal,
    Rotation,
    Sender,
    SenderKind,
    XTags,
)
from listserv_py.mail.mailbox import Mailbox

# The keywords of LISTSERV 16.0, Appendix B, and its Misc-Options.
LISTSERV = """
Ack Attachments Auto-Delete Categories Change-Log Confidential Configuration-Owner Confirm-Delay
Daily-Threshold DBMS Default-Options Default-Topics Digest Editor Editor-Header Errors-To Exit
Files Filter Indent Internet-Via Mail-Via NJE-Via Local Peers Newsgroups Language Limits
List-Address List-ID Long-Lines Loopcheck Mail-Merge Misc-Options Moderator New-List Notebook
Notebook-Header Notify Owner PW Prime Renewal Reply-To Review RSS-Abstract-Words Safe Send Sender
Service Sizelim Stats Sub-lists Subject-Tag Subscription Topics Translate User-Exit Auth Ads
Backup Validate X-Tags
"""
MISC = """
DISCARD_HTML IETFHDR_SUBJECT_TAG IGNORE_EMAIL_CASE RESPECT_EMAIL_CASE KEEP_DKIM_SIGNATURE
NO_DKIM_SIGNATURE KEEP_EXCHANGE_DATA LEGACY_INTERFACE NEW_MESSAGE_ID NO_RFC2369 NO_SPAM_CHECK
OLD_NOMIME_DIGEST PROCESS_SPAM_FEEDBACK SUBJECTHDR_SEQUENCE SUPPRESS_APPROVED_BY TITLE_CHARSET
UTF8_HEADER NO_VERP ONE_CLICK NO_ONE_CLICK NO_DKIM_PROOF DMARC_NO_REWRITE DROP_ERASED_POSTS
"""


def read(*lines: str) -> tuple[Keywords, list[tuple[int, str]]]:
    text = "".join(f"* {line}\n" for line in ("A title", "Owner= ann@example.org", *lines))
    header, faults = read_header(text)
    return header.keywords, [(fault.line, fault.allowed) for fault in faults]


def test_every_keyword_of_listserv_is_known() -> None:
    assert {one.name for one in KEYWORDS} == set(LISTSERV.split())
    assert {one.word for one in MISC_OPTIONS} == set(MISC.split())


PUBLIC, OTHER = AccessLevel(Access.PUBLIC), AccessLevel(Access.PRIVATE, "OTHER-L")
READ: list[tuple[str, str, Any]] = [
    ("Owner= (OTHER-L)", "owner_access", (AccessLevel(Access.PRIVATE, "OTHER-L"),)),
    ("X-Tags= comment", "x_tags", XTags.COMMENT),
    ("Attachments= No,Filter", "attachments", Attachments(AttachmentRule.NO, (), True)),
    (
        "Attachments= Yes,image/PNG,text/*,Filter",
        "attachments",
        Attachments(AttachmentRule.YES, ("image/png", "text/*"), True),
    ),
    ("Filter= Only,*@Bad.example", "filter", Filter(FilterKind.ONLY, ("*@bad.example",))),
    ("Language= Deutsch,NoHTML,Exchange", "language", Language("Deutsch", True)),
    ("Loopcheck= Full", "loopcheck", Loopcheck(LoopcheckLevel.FULL)),
    (
        "Loopcheck= NoCRC,Spam-Delay(10)",
        "loopcheck",
        Loopcheck(LoopcheckLevel.NORMAL, frozenset({"nocrc"})),
    ),
    (
        "Loopcheck= None,Allow-Bounces",
        "loopcheck",
        Loopcheck(LoopcheckLevel.NONE, frozenset({"allow-bounces"})),
    ),
    ("Topics= News,Jobs", "topics", ("News", "Jobs")),
    ("Topics= Jobs Default-Topics= All,-Jobs", "default_topics", ("All", "-Jobs")),
    ("Sub-lists= a-l, B-L", "sub_lists", ("A-L", "B-L")),
    ("Mail-Merge= Yes", "mail_merge", True),
    ("Editor-Header= No", "editor_header", False),
    ("Safe= No", "safe", False),
    ("New-List= other-l@example.net", "new_list", "other-l@example.net"),
    ("Renewal= 6-Monthly,Delay(14)", "renewal", Renewal(("6-Monthly",), 14)),
    ("Renewal= 01/15,2027/07/01,Probe", "renewal", Renewal(("01/15", "2027/07/01"), 7, True)),
    ("Renewal= No", "renewal", Renewal()),
    ("Change-Log= Yes,Monthly", "change_log", Rotation.MONTHLY),
    ("Change-Log= Yes", "change_log", Rotation.SINGLE),
    ("Stats= None", "stats", ()),
    ("Stats= Normal,Public", "stats", (AccessLevel(Access.PUBLIC),)),
    ("Limits= Sub(500)", "limit", 500),
    ("Indent= 30", "indent", 30),
    ("Notebook= Yes,/var/x,Monthly,Public", "notebook", Notebook(Interval.MONTHLY, (PUBLIC,))),
    ("Notebook= Yes,weekly", "notebook", Notebook(Interval.WEEKLY)),
    ("Notebook= Yes,Same,Separate,(OTHER-L)", "notebook", Notebook(Interval.SEPARATE, (OTHER,))),
    ("Notebook= Yes", "notebook", Notebook()),
    ("Notebook= No,A,Single,Private", "notebook", None),
    ("Notebook-Header= Full", "notebook_full", True),
    ("Configuration-Owner= Postmaster", "configuration_owner", (AccessLevel(Access.POSTMASTER),)),
    (
        "Sender= TEST-L The list <test-l@lists.example.org>",
        "sender",
        Sender(SenderKind.ADDRESS, "TEST-L The list", Mailbox("test-l", "lists.example.org")),
    ),
    ("Sender= none No field", "sender", Sender(SenderKind.NONE)),
    ("Sender= LIST", "sender", Sender()),
    ("Misc-Options= no_verp,ONE_CLICK", "misc", frozenset({"NO_VERP", "ONE_CLICK"})),
]


@pytest.mark.parametrize(("line", "field", "value"), READ, ids=[row[0] for row in READ])
def test_what_a_line_means(line: str, field: str, value: object) -> None:
    keywords, faults = read(line)
    assert faults == []
    assert getattr(keywords, field) == value


@pytest.mark.parametrize(
    "line",
    [
        "Notebook= No,A,Single,Private Files= No Mail-Via= Distribute Translate= Yes",
        "Errors-To= Owners",
        "RSS-Abstract-Words= 100,50",
        'Prime= "MON-FRI: 09:00-17:00" PW= SECRET',
        "Service= *  Peers= X@Y.EXAMPLE  List-ID= THE-TEST-LIST",
    ],
)
def test_what_only_the_header_keeps(line: str) -> None:
    assert read(line) == read()


FAULTS = [
    ("Attachments= Some", "No, Yes, All"),
    ("Attachments= No,image/png", "Filter"),
    ("Attachments= Yes,image/", "image/png"),
    ("Filter= *@bad.example", "Also, Only, Safe"),
    ("Filter= Also,a@b@c", "patterns such as"),
    ("Language= ../etc", "a language"),
    ("Language= English,HTML", "NoHTML, Exchange"),
    ("Loopcheck= Some", "Normal, Full, None"),
    ("Loopcheck= Full,Spam-Delay", "Spam-Delay(n)"),
    ("Topics= News,All", "not All, Other or Re"),
    ("Topics= " + ",".join(f"T{n}" for n in range(24)), "23 topics"),
    ("Default-Topics= <x>", "All, Other"),
    ("Sub-lists= -x", "TEST-L"),
    ("Mail-Merge= Perhaps", "Yes, No"),
    ('Sender= "The list <x@>"', "List, None"),
    ("New-List= a,b", "nothing more"),
    ("New-List= x@", "the name or the address"),
    ("Renewal= Sometimes", "6-Monthly"),
    ("Renewal= Yearly,Delay(soon)", "Delay(n)"),
    ("Renewal= 02/30", "mm/dd"),
    ("Renewal= 2027/02/29", "yyyy/mm/dd"),
    ("Renewal= 0-Monthly", "6-Monthly"),
    ("Change-Log= Yes,Hourly", "Single, Yearly, Monthly, Weekly"),
    ("Stats= Normal,Nobody", "Private"),
    ("Limits= 500", "Sub(n)"),
    ("Indent= 99", "from 1 to 80"),
    ("Configuration-Owner= Nobody", "Private"),
    ("Notebook= Yes,A,Sometimes", "Separate"),
    ("Notebook= Yes,A,Single,Nobody", "Private"),
    ("Digest= Yes,Same,Dialy", "Daily, Weekly"),
    ("Digest= Yes,Same,Daily,24:00", "an hour, 00:00 to 23:59"),
    ("Digest= Yes,Same,Monthly,32", "a day of the month"),
    ("Auto-Delete= Yes,Fully", "Full-Auto"),
    ("Errors-To= Nobody", "joe@example.org"),
    ("RSS-Abstract-Words= many", "numbers"),
    ("Files= Perhaps", "Yes, No"),
    ("Misc-Options= NO_VREP", "NO_VERP"),
    ("Misc-Options= ONE_CLICK,NO_ONE_CLICK", "one of them"),
    (".IK NETWORK", "the keywords themselves"),
    (".HH PERHAPS", ".HH ON, .HH OFF"),
]


@pytest.mark.parametrize(("line", "allowed"), FAULTS, ids=[line[:30] for line, _ in FAULTS])
def test_a_fault_names_its_line_and_what_is_allowed(line: str, allowed: str) -> None:
    _, faults = read("Some text", line)
    assert [number for number, _ in faults] == [4]
    assert allowed in faults[0][1]


CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted(Path(listserv_py.__file__).parent.rglob("*.py"))
    if path.name
    not in {"readers.py", "contentreaders.py", "values.py", "miscoptions.py", "compatibility.py"}
)
# What these set is read by way of another name, or is not a value at all.
BY_ANOTHER_WAY = {"Misc-Options"}
BY_NATURE = {"IGNORE_EMAIL_CASE", "KEEP_DKIM_SIGNATURE"}
WORTH_A_LOOK = {"Owner": "joe@example.org", "Editor": "joe@example.org", "Sizelim": "5"}


def fields_of(keyword: Keyword) -> set[str]:
    """The fields of Keywords that a keyword's reader sets."""
    said = keyword.default or WORTH_A_LOOK.get(keyword.name, "joe@example.org")
    return set(keyword.reader(tuple(Item(word, 1) for word in said.split(",")), []))


@pytest.mark.parametrize("keyword", KEYWORDS, ids=lambda keyword: keyword.name)
def test_the_state_of_a_keyword_is_true(keyword: Keyword) -> None:
    used = {one for one in fields_of(keyword) if re.search(rf"keywords\.{one}\b", CODE)}
    if keyword.state is State.OBEYED:
        assert used or keyword.name in BY_ANOTHER_WAY
    else:
        assert used == set(), f"{keyword.name}= is acted on: its row should say so"


@pytest.mark.parametrize("option", MISC_OPTIONS, ids=lambda option: option.word)
def test_the_state_of_a_misc_option_is_true(option: Any) -> None:
    used = f'"{option.word}"' in CODE
    assert used is (option.state is State.OBEYED and option.word not in BY_NATURE)
