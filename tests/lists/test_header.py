"""List headers: what is read, what is refused, and that what we write is read again."""

import string
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.errors import HeaderFaults
from listserv_py.lists.access import Access, AccessLevel, read_access
from listserv_py.lists.header import new_header, parse_header, read_header
from listserv_py.lists.headertext import LINE_MAX, LINES_MAX
from listserv_py.lists.keywords import KEYWORDS, page
from listserv_py.lists.miscoptions import MISC_OPTIONS
from listserv_py.lists.values import (
    Confidential,
    ConfirmWho,
    Digest,
    Frequency,
    Keywords,
    Notify,
    Owner,
    ReplyTo,
    ReplyToKind,
    Send,
    SubscriptionPolicy,
    SubscriptionRule,
    Validate,
    ValidateLevel,
)
from listserv_py.mail.mailbox import Mailbox, parse_mailbox

ANN = parse_mailbox("ann@example.org")
JOE = parse_mailbox("joe@example.com")
PRIVATE = AccessLevel(Access.PRIVATE)
OWNER = AccessLevel(Access.OWNER)
PUBLIC = AccessLevel(Access.PUBLIC)


def keywords_of(*lines: str) -> Keywords:
    text = "".join(f"* {line}\n" for line in ("A title", "Owner= ann@example.org", *lines))
    return parse_header(text).keywords


READ: list[tuple[str, dict[str, Any]]] = [
    ("Send= Public", {"send": Send((PUBLIC,))}),
    ("Send= Private", {"send": Send((PRIVATE,))}),
    ("send=private,confirm", {"send": Send((PRIVATE,), confirm=ConfirmWho.ALL)}),
    ("Send= Public,Confirm", {"send": Send((PUBLIC,), confirm=ConfirmWho.ALL)}),
    (
        "Send = Public , Confirm, Non-Member",
        {"send": Send((PUBLIC,), confirm=ConfirmWho.NON_MEMBERS)},
    ),
    ("Send= Owner", {"send": Send((OWNER,))}),
    ("Send= joe@example.com", {"send": Send((AccessLevel(Access.ADDRESS, mailbox=JOE),))}),
    (
        "Send= Owner,(OTHER-L),Owner(x),Confirm",
        {
            "send": Send(
                (OWNER, AccessLevel(Access.PRIVATE, "OTHER-L"), AccessLevel(Access.OWNER, "X")),
                confirm=ConfirmWho.ALL,
            )
        },
    ),
    ("Send= Editor", {"send": Send((), editor=True)}),
    ("Send= Editor,Hold", {"send": Send((), editor=True, hold=True)}),
    (
        "Send= Editor,Hold,Confirm",
        {"send": Send((), editor=True, hold=True, confirm=ConfirmWho.EDITORS)},
    ),
    (
        "Send= Editor,Hold,Confirm,Non-Member,Semi-Moderated,NoMIME",
        {
            "send": Send(
                (),
                editor=True,
                hold=True,
                confirm=ConfirmWho.NON_MEMBERS,
                semi_moderated=True,
                nomime=True,
            )
        },
    ),
    ("Send= Editor,Confirm,All", {"send": Send((), editor=True, confirm=ConfirmWho.ALL)}),
    ("Editor= joe@example.com", {"editors": (JOE,)}),
    (
        "Editor= joe@example.com,(TEST-L),Owner",
        {"editors": (JOE,), "editor_access": (AccessLevel(Access.PRIVATE, "TEST-L"), OWNER)},
    ),
    ("Moderator= joe@example.com", {"moderators": (JOE,)}),
    ("Moderator= All,joe@example.com", {"moderators": (JOE,), "moderator_all": True}),
    (
        "Subscription= Open,Confirm",
        {"subscription": SubscriptionRule(SubscriptionPolicy.OPEN, True)},
    ),
    ("Subscription= by_owner", {"subscription": SubscriptionRule(SubscriptionPolicy.BY_OWNER)}),
    ("Subscription= Closed", {"subscription": SubscriptionRule(SubscriptionPolicy.CLOSED)}),
    ("Validate= No", {"validate": Validate()}),
    ("Validate= Yes", {"validate": Validate(ValidateLevel.YES)}),
    ("Validate= Yes,Confirm,NoPW", {"validate": Validate(ValidateLevel.YES, True, True)}),
    ("Validate= All,Confirm", {"validate": Validate(ValidateLevel.ALL, True)}),
    ("Review= Owner,joe@example.com", {"review": (OWNER, AccessLevel(Access.ADDRESS, "", JOE))}),
    (
        "Default-Options= nohtml,Subj,NOPOST",
        {"default_options": ("NOHTML", "SUBJECTHDR", "NOPOST")},
    ),
    ("Reply-To= None", {"reply_to": ReplyTo(ReplyToKind.NONE)}),
    ("Reply-To= List,Ignore", {"reply_to": ReplyTo(ReplyToKind.LIST, None, False)}),
    (
        'Reply-To= "joe@example.com",Respect',
        {"reply_to": ReplyTo(ReplyToKind.ADDRESS, JOE, True)},
    ),
    ('Subject-Tag= "two words"', {"subject_tag": "two words"}),
    ("Confidential= Yes", {"confidential": Confidential.YES}),
    ("Ack= Yes", {"ack": True}),
    ("Ack= None", {"ack": False}),
    ("Notify= No", {"notify": Notify(False)}),
    ("Notify= joe@example.com", {"notify": Notify(True, JOE)}),
    ("Confirm-Delay= 72", {"confirm_delay": timedelta(hours=72)}),
    ("Sizelim= 100", {"sizelim": 8000}),
    ("Sizelim= 5k", {"sizelim": 5120}),
    ("Sizelim= 2M", {"sizelim": 2 * 1024 * 1024}),
    ("Daily-Threshold= 7", {"daily_threshold": 7}),
    ("Daily-Threshold= 50,5", {"daily_threshold": 50, "daily_per_user": 5}),
    ("Misc-Options= suppress_approved_by", {"misc": frozenset({"SUPPRESS_APPROVED_BY"})}),
    ("X-Tags= Keep", {}),
    ("RSS-Abstract-Words= 90,40", {}),
    ("Digest= No", {"digest": None}),
    ("Digest= Yes,Same", {"digest": Digest()}),
    ("Digest= Yes,Same,Daily,05:30,Size(2000)", {"digest": Digest(hour=5, minute=30, size=2000)}),
    ("Digest= Yes,/x,Weekly,Tuesday,6", {"digest": Digest(Frequency.WEEKLY, 6, weekday=1)}),
    (
        "Digest= Yes,Same,Monthly,15,7,BOTTOM_BANNER",
        {"digest": Digest(Frequency.MONTHLY, 7, day=15, bottom_banner=True)},
    ),
    # Several keywords on a line, comments behind the values, a repeat that appends.
    ("Send= Private the members only  Ack= Yes", {"send": Send((PRIVATE,)), "ack": True}),
    ("Owner= joe@example.com (Joe Doe)", {"owners": (Owner(ANN), Owner(JOE, "Joe Doe"))}),
    ("Owner= Quiet:,joe@example.com", {"owners": (Owner(ANN), Owner(JOE, "", True))}),
    ("Owner= Quiet: joe@example.com (Joe)", {"owners": (Owner(ANN), Owner(JOE, "Joe", True))}),
    ('Moderator= All Moderator= "joe@example.com"', {"moderators": (JOE,), "moderator_all": True}),
    ("Editor= Ack= Yes", {"ack": True}),
    # Text, not keywords.
    ("We say Send= things, and see http://example.org/?a=b.", {}),
    ("", {}),
]


@pytest.mark.parametrize(("line", "changed"), READ, ids=[line for line, _ in READ])
def test_what_a_line_means(line: str, changed: dict[str, Any]) -> None:
    found = keywords_of(line)
    expected = {"owners": (Owner(ANN),), **changed}
    usual = Keywords()
    for one in fields(Keywords):
        assert getattr(found, one.name) == expected.get(one.name, getattr(usual, one.name))


FAULTS = [
    ("Sned= Private", "Send="),
    ("Send= Pubic", "Private"),
    ("Send= Confirm", "Private"),
    ("Send= Public,Private", "one of them"),
    ("Send= Private,Hold", "Confirm"),
    ("Send= Editor,Private", "Hold"),
    ("Editor= (TEST-L)", "a person's address first"),
    ("Editor= joe@example.com,nobody", "an address"),
    ("Owner= joe@", "Quiet:"),
    ("Moderator= Everybody", "joe@example.org"),
    ("Subscription= Opne", "Open, By_Owner, Closed"),
    ("Subscription= Open,Confrim", "Confirm"),
    ("Validate= All", "All,Confirm"),
    ("Validate= Yes,NoPW", "Yes,Confirm,NoPW"),
    ("Validate= No,Confirm", "nothing more"),
    ("Review= Nobody", "Public, Private"),
    ("Default-Options= NOHTLM", "options of SET"),
    ("Reply-To= Everybody", "List, Sender, Both"),
    ("Reply-To= List,Respect,Ignore", "one of them"),
    ("Reply-To= joe@", "joe@example.org"),
    ("Subject-Tag= [x]", "no brackets"),
    ("Subject-Tag= " + "x" * 61, "60 characters"),
    ("Confidential= Maybe", "No, Yes, Service"),
    ("Ack= Maybe", "Yes, No, Msg, None"),
    ("Notify= Maybe", "Yes, No, or an address"),
    ("Confirm-Delay= soon", "a number from 1"),
    ("Confirm-Delay= 0", "a number from 1"),
    ("Sizelim= 5G", "500K"),
    ("Sizelim= 0", "500K"),
    ("Sizelim= ²", "500K"),
    ("Daily-Threshold= 0", "a number from 1"),
    ("Daily-Threshold= \u0661", "a number from 1"),
    ("Daily-Threshold= 5,x", "a number from 1"),
    ("Misc-Options= SUPRESS", "SUPPRESS_APPROVED_BY"),
    ("X-Tags= Everything", "Keep, Yes, Comment, No"),
    ("Send= \u017fervice", "Private"),
    ("Ack= Yes,No", "nothing more"),
    ("bad\x07 bell", "letters"),
    ("x" * LINE_MAX, "characters"),
]


@pytest.mark.parametrize(("line", "allowed"), FAULTS, ids=[line[:30] for line, _ in FAULTS])
def test_a_fault_names_its_line_and_what_is_allowed(line: str, allowed: str) -> None:
    header, faults = read_header(f"* T\n* Owner= ann@example.org\n* Some text\n* {line}\n")
    assert [fault.line for fault in faults] == [4]
    assert allowed in faults[0].allowed
    assert header.keywords.owners == (Owner(ANN),)


def test_an_unknown_level_is_one_fault() -> None:
    _, faults = read_header("* T\n* Owner= ann@example.org\n* Validate= Maybe\n")
    assert [fault.text for fault in faults] == ['"Maybe" is not known here']


def test_keywords_are_ascii_words() -> None:
    assert keywords_of("\u017fend= Public", "Val\u0131date= Yes") == keywords_of()


def test_all_faults_are_told_at_once() -> None:
    text = "* T\nno star\n* Owner= x, Quiet:, ann@example.org\n* Send= a, b Ack= c\n"
    with pytest.raises(HeaderFaults) as raised:
        parse_header(text)
    lines = raised.value.slots()["FAULTS"].split("\n")
    assert [line.partition(":")[0] for line in lines] == [
        *("Line 2", "Line 3", "Line 4", "Line 4", "Line 4")
    ]


@pytest.mark.parametrize("text", ["", "\n", "* T\n", "*\n* Owner= a@b.org\n"])
def test_a_header_needs_a_title_and_an_owner(text: str) -> None:
    with pytest.raises(HeaderFaults):
        parse_header(text)


def test_an_owner_who_reads_mail_is_needed() -> None:
    _, faults = read_header("* T\n* Owner= Quiet:, ann@example.org\n")
    assert [fault.text for fault in faults] == ["no owner reads the list's mail"]


def test_a_header_keeps_its_lines() -> None:
    text = "* T\n*\n* Owner= ann@example.org  a comment\n*.HH ON\n* Free text, kept = as it is\n"
    header, _ = read_header(text)
    assert str(header) == text


def test_an_endless_header_is_cut() -> None:
    header, faults = read_header("* x\n" * (LINES_MAX + 5))
    assert len(header.lines) == LINES_MAX
    assert any("too long" in fault.text for fault in faults)


@given(st.text(max_size=300))
def test_reading_never_crashes(text: str) -> None:
    header, faults = read_header(text)
    assert faults == tuple(sorted(faults, key=lambda fault: fault.line))
    assert isinstance(header.keywords, Keywords)


@given(st.text(alphabet='*=,"() :\nabAQ@.[]-_+', max_size=200))
def test_reading_of_almost_headers_never_crashes(text: str) -> None:
    read_header("* T\n* Owner= " + text)


LOCAL_PARTS = st.text(string.ascii_letters + string.digits + '=+/(, "', min_size=1, max_size=20)


@given(st.lists(st.builds(Mailbox, LOCAL_PARTS, st.just("example.org")), min_size=1, max_size=3))
def test_the_owners_that_we_write_are_read_again(owners: list[Mailbox]) -> None:
    owners = [one for one in owners if _is_whole(one)]
    header, _ = read_header(new_header("x-l", "X", [ANN, *owners]))
    assert [owner.mailbox for owner in header.keywords.owners] == [ANN, *owners]


def _is_whole(mailbox: Mailbox) -> bool:
    """Local parts that need quotes are a shape of their own: the header's quotes come on top."""
    return parse_mailbox(str(mailbox)) == mailbox and '"' not in str(mailbox)


@given(
    st.one_of(
        st.sampled_from([AccessLevel(one) for one in Access if one is not Access.ADDRESS]),
        st.builds(
            AccessLevel,
            st.sampled_from([Access.PRIVATE, Access.OWNER, Access.SERVICE]),
            st.sampled_from(["X-L", "A", "OTHER.L"]),
        ),
        st.just(AccessLevel(Access.ADDRESS, mailbox=JOE)),
    )
)
def test_access_levels_are_read_as_they_are_written(level: AccessLevel) -> None:
    assert read_access(str(level)) == level


def test_a_new_list_is_safe() -> None:
    text = new_header("test-l", "", [ANN])
    header = parse_header(text)
    assert header.title == "TEST-L"
    assert header.keywords == Keywords(
        owners=(Owner(ANN),),
        subscription=SubscriptionRule(SubscriptionPolicy.OPEN, True),
        validate=Validate(ValidateLevel.ALL, True),
        send=Send((PRIVATE,)),
        review=(OWNER,),
        confidential=Confidential.NO,
        reply_to=ReplyTo(ReplyToKind.NONE),
        notify=Notify(False),
        daily_threshold=50,
    )


def test_sets_take_the_place_of_our_defaults() -> None:
    sets = ["Send= Editor,Hold Ack= Yes", "Owner= joe@example.com", "Moderator= ann@example.org"]
    found = parse_header(new_header("test-l", "T", [ANN], sets)).keywords
    assert found.send == Send((), editor=True, hold=True)
    assert (found.ack, found.moderators) == (True, (ANN,))
    assert [owner.mailbox for owner in found.owners] == [ANN, JOE]
    assert found.review == (OWNER,)


@pytest.mark.parametrize("bad", ["Sned= Private", "Send= Pubic", "Send= a\nb", "T\x00"])
def test_a_wrong_set_is_a_fault(bad: str) -> None:
    with pytest.raises(HeaderFaults):
        parse_header(new_header("test-l", "T", [ANN], [f"Ack= No {bad}"]))


@pytest.mark.parametrize("keyword", KEYWORDS, ids=lambda keyword: keyword.name)
def test_the_default_in_the_table_is_what_leaving_out_means(keyword: object) -> None:
    assert isinstance(keyword, type(KEYWORDS[0]))
    if keyword.default:
        assert keywords_of(f"{keyword.name}= {keyword.default}") == keywords_of()


def test_the_page_names_every_keyword() -> None:
    text = page()
    assert all(f"| `{one.name}=` |" in text for one in KEYWORDS)
    assert all(f"| `{one.word}` |" in text for one in MISC_OPTIONS)


@pytest.mark.parametrize(
    ("topics", "wanted", "is_right"),
    [
        ("News,Jobs", "news,-JOBS,Other", True),
        ("News", "All,-News", True),
        ("News", "News,Sport", False),
        ("", "News", False),
        ("", "All", True),
    ],
)
def test_default_topics_are_topics(topics: str, wanted: str, is_right: bool) -> None:
    said = f"* Topics= {topics}\n" if topics else ""
    text = f"* T\n* Owner= olga@example.org\n* Default-Topics= {wanted}\n{said}"
    _, faults = read_header(text)
    assert [fault.line for fault in faults] == ([] if is_right else [3])
