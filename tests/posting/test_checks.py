"""Each rule by itself: a row says what is so, and the verdict."""

from dataclasses import replace
from typing import Any

import pytest

from listserv_py.lists.contentfilter import read_rules
from listserv_py.lists.header import new_header, parse_header
from listserv_py.lists.model import MailingList
from listserv_py.lists.options import Options
from listserv_py.lists.roles import Elsewhere, Role
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read
from listserv_py.posting import checks, content
from listserv_py.posting.checks import CHECKS, HOPS_MAX, judge
from listserv_py.posting.post import Post, Repeat
from listserv_py.posting.verdict import (
    Asked,
    Discard,
    Distribute,
    Forward,
    Hold,
    Reason,
    Reject,
    Verdict,
)

OLGA = parse_mailbox("olga@example.org")
JOE = parse_mailbox("joe@example.net")
EVE = parse_mailbox("eve@example.com")
ANYBODY = frozenset({Role.ANYBODY})
SUBSCRIBER = ANYBODY | {Role.SUBSCRIBER}
OWNER = ANYBODY | {Role.OWNER}
EDITOR = ANYBODY | {Role.EDITOR}
MODERATOR = ANYBODY | {Role.MODERATOR}
OWNING_SUBSCRIBER = SUBSCRIBER | OWNER

LETTER = "From: Joe <joe@example.net>\r\nMessage-ID: <1@example.net>\r\nSubject: Hello\r\n"
NOT_AUTHORIZED = Reject("NOT_AUTHORIZED")
UNPROVEN = Hold(Reason.UNPROVEN, Asked.AUTHOR)
CONFIRMS = Hold(Reason.LIST_CONFIRMS, Asked.AUTHOR)
MODERATED = Hold(Reason.MODERATED, Asked.MODERATOR)
MACHINE = Hold(Reason.MACHINE, Asked.MODERATOR)
OWN_POST = Hold(Reason.OWN_POST, Asked.AUTHOR_AS_MODERATOR)
FORWARDED = Forward(Reason.MODERATED, Asked.MODERATOR)


def make_list(*sets: str, held: bool = False) -> MailingList:
    header = parse_header(new_header("test-l", "T", [OLGA], sets))
    return MailingList(1, "TEST-L", header, held, "lists.example.org")


def make(*sets: str, mail: str = LETTER + "\r\nGood morning to all.\r\n", **facts: Any) -> Post:
    post = Post(
        mailing_list=make_list(*sets),
        message=read(mail.encode()),
        reverse_path=JOE,
        author=JOE,
        people=frozenset({OLGA}),
        roles=SUBSCRIBER,
        elsewhere=Elsewhere(),
        options=Options(),
        is_ours=False,
        confirmed=False,
        proven=False,
        approved=False,
        automatic=False,
        keys=(b"text",),
        repeat=Repeat.NONE,
        posts_by_author=0,
        recognises=lambda line: line.startswith("SIGNOFF"),
    )
    return replace(post, **facts)


# Send= without Editor: (Send=, roles, what else is so, the verdict).
SEND_CELLS: list[tuple[str, frozenset[Role], dict[str, Any], Verdict | None]] = [
    ("Public", ANYBODY, {}, None),
    ("Public", OWNER, {}, None),
    ("Public,Confirm", ANYBODY, {}, CONFIRMS),
    ("Public,Confirm", SUBSCRIBER, {}, CONFIRMS),
    ("Public,Confirm", OWNER, {}, CONFIRMS),
    ("Public,Confirm", ANYBODY, {"proven": True}, None),
    ("Public,Confirm", ANYBODY, {"automatic": True}, MACHINE),
    ("Public,Confirm,Non-Member", ANYBODY, {}, CONFIRMS),
    ("Public,Confirm,Non-Member", SUBSCRIBER, {}, None),
    ("Public,Confirm,Non-Member", EDITOR, {}, None),
    ("Private", ANYBODY, {}, NOT_AUTHORIZED),
    ("Private", ANYBODY, {"proven": True}, NOT_AUTHORIZED),
    ("Private", ANYBODY, {"approved": True}, None),
    ("Private", SUBSCRIBER, {}, None),
    ("Private", OWNING_SUBSCRIBER, {}, None),
    ("Private", OWNER, {}, UNPROVEN),
    ("Private", OWNER, {"proven": True}, None),
    ("Private", OWNER, {"automatic": True}, MACHINE),
    ("Private", EDITOR, {}, UNPROVEN),
    ("Private", MODERATOR, {}, UNPROVEN),
    ("Private", ANYBODY | {Role.POSTMASTER}, {}, UNPROVEN),
    ("Private,Confirm", SUBSCRIBER, {}, CONFIRMS),
    ("Private,Confirm", SUBSCRIBER, {"proven": True}, None),
    ("Private,Confirm", ANYBODY, {}, NOT_AUTHORIZED),
    ("Owner", SUBSCRIBER, {}, NOT_AUTHORIZED),
    ("Owner", OWNER, {}, UNPROVEN),
    ("Owner", OWNER, {"proven": True}, None),
    ("Owner", EDITOR, {"proven": True}, NOT_AUTHORIZED),
    ("Postmaster", OWNER, {"proven": True}, NOT_AUTHORIZED),
    ("joe@example.net", ANYBODY, {}, UNPROVEN),
    ("joe@example.net", ANYBODY, {"proven": True}, None),
    ("joe@example.net", SUBSCRIBER, {"author": EVE}, NOT_AUTHORIZED),
    ("(OTHER-L)", SUBSCRIBER, {}, NOT_AUTHORIZED),
    ("(OTHER-L)", ANYBODY, {"elsewhere": Elsewhere(frozenset({"OTHER-L"}))}, None),
    (
        "Owner(OTHER-L)",
        ANYBODY,
        {"elsewhere": Elsewhere(owned=frozenset({"OTHER-L"}))},
        UNPROVEN,
    ),
    ("Private,(OTHER-L)", SUBSCRIBER, {}, None),
]


@pytest.mark.parametrize(("send", "roles", "facts", "expected"), SEND_CELLS)
def test_send(
    send: str, roles: frozenset[Role], facts: dict[str, Any], expected: Verdict | None
) -> None:
    assert checks.may_send(make(f"Send= {send}", roles=roles, **facts)) == expected


EDITOR_CELLS: list[tuple[str, frozenset[Role], dict[str, Any], Verdict | None]] = [
    ("Editor", ANYBODY, {}, FORWARDED),
    ("Editor", SUBSCRIBER, {}, FORWARDED),
    ("Editor", OWNER, {}, UNPROVEN),
    ("Editor", MODERATOR, {}, UNPROVEN),
    ("Editor", OWNER, {"proven": True}, None),
    ("Editor", OWNER, {"automatic": True}, FORWARDED),
    ("Editor,Hold", ANYBODY, {}, MODERATED),
    ("Editor,Hold", ANYBODY, {"automatic": True}, MODERATED),
    ("Editor,Hold", SUBSCRIBER, {}, MODERATED),
    ("Editor,Hold", SUBSCRIBER, {"proven": True}, MODERATED),
    ("Editor,Hold", SUBSCRIBER, {"approved": True}, None),
    ("Editor,Hold", OWNER, {}, UNPROVEN),
    ("Editor,Hold", OWNER, {"proven": True}, None),
    ("Editor,Hold", OWNER, {"automatic": True}, MODERATED),
    ("Editor,Hold", EDITOR, {}, UNPROVEN),
    ("Editor,Hold", EDITOR | {Role.SUBSCRIBER}, {}, UNPROVEN),
    ("Editor,Hold", MODERATOR, {}, OWN_POST),
    ("Editor,Hold", OWNER | MODERATOR, {}, OWN_POST),
    ("Editor,Hold,Confirm", SUBSCRIBER, {}, MODERATED),
    ("Editor,Hold,Confirm", EDITOR, {}, UNPROVEN),
    ("Editor,Hold,Confirm,Non-Member", ANYBODY, {}, CONFIRMS),
    ("Editor,Hold,Confirm,Non-Member", ANYBODY, {"proven": True}, MODERATED),
    ("Editor,Hold,Confirm,Non-Member", SUBSCRIBER, {}, MODERATED),
    ("Editor,Hold,Confirm,All", SUBSCRIBER, {}, CONFIRMS),
    ("Editor,Hold,Confirm,All", SUBSCRIBER, {"proven": True}, MODERATED),
    ("Editor,Hold,NoMIME", SUBSCRIBER, {}, MODERATED),
    ("Private", SUBSCRIBER, {}, None),
]


@pytest.mark.parametrize(("send", "roles", "facts", "expected"), EDITOR_CELLS)
def test_send_editor(
    send: str, roles: frozenset[Role], facts: dict[str, Any], expected: Verdict | None
) -> None:
    assert checks.may_edit(make(f"Send= {send}", roles=roles, **facts)) == expected


BY_LEVEL = "Editor= olga@example.org,(TEST-L)"
ON_IT = Elsewhere(frozenset({"TEST-L"}))


@pytest.mark.parametrize(
    ("send", "elsewhere", "proven", "expected"),
    [
        ("Editor,Hold", ON_IT, False, None),
        ("Editor,Hold", Elsewhere(), False, MODERATED),
        ("Editor,Hold,Confirm", ON_IT, False, CONFIRMS),
        ("Editor,Hold,Confirm", ON_IT, True, None),
        ("Editor,Hold,Confirm,Non-Member", ON_IT, False, None),
        ("Editor,Hold,Confirm,All", ON_IT, False, CONFIRMS),
    ],
)
def test_subscribers_as_editors(
    send: str, elsewhere: Elsewhere, proven: bool, expected: Verdict | None
) -> None:
    post = make(BY_LEVEL, f"Send= {send}", elsewhere=elsewhere, proven=proven)
    assert checks.may_edit(post) == expected


@pytest.mark.parametrize(
    ("subject", "roles", "send", "expected"),
    [
        ("Urgent: fire", SUBSCRIBER, "Editor,Hold,Semi-Moderated", None),
        ("URGENT: fire", SUBSCRIBER, "Editor,Semi-Moderated", None),
        ("Urgent: fire", ANYBODY, "Editor,Hold,Semi-Moderated", MODERATED),
        ("Not urgent: fire", SUBSCRIBER, "Editor,Hold,Semi-Moderated", MODERATED),
        ("Urgent: fire", SUBSCRIBER, "Editor,Hold", MODERATED),
        ("Urgent: fire", SUBSCRIBER, "Editor,Hold,Confirm,All,Semi-Moderated", CONFIRMS),
    ],
)
def test_semi_moderated(
    subject: str, roles: frozenset[Role], send: str, expected: Verdict | None
) -> None:
    mail = f"From: joe@example.net\r\nSubject: {subject}\r\n\r\nx\r\n"
    assert checks.may_edit(make(f"Send= {send}", mail=mail, roles=roles)) == expected


LOOPS = [
    ("List-Id: About us <test-l.lists.example.org>", "List-Id"),
    ("list-id: <TEST-L.LISTS.EXAMPLE.ORG>", "List-Id"),
    ("List-Post: <mailto:Test-L@lists.example.org>", "List-Post"),
    ("X-LSV-ListID: OTHER-L", "this server"),
    ("\r\n".join(["Received: from a by b"] * (HOPS_MAX + 1)), "hops"),
]


@pytest.mark.parametrize(("field", "reason"), LOOPS, ids=[reason for _, reason in LOOPS])
def test_loops_are_dropped(field: str, reason: str) -> None:
    post = make(mail=f"{field}\r\n{LETTER}\r\nx\r\n", approved=True)
    verdict = judge(post)
    assert isinstance(verdict, Discard)
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "field",
    [
        "List-Id: <other.lists.example.org>",
        "List-Id: <my-test-l.lists.example.org>",
        "List-Post: <mailto:other@example.org>",
        "\r\n".join(["Received: from a by b"] * HOPS_MAX),
        "Precedence: bulk",
        "Auto-Submitted: auto-generated",
        "Auto-Submitted: no",
    ],
)
def test_mail_of_others_is_a_post(field: str) -> None:
    assert judge(make(mail=f"{field}\r\n{LETTER}\r\nx\r\n")) == Distribute()


def test_mail_from_our_own_addresses_is_dropped() -> None:
    assert isinstance(judge(make(is_ours=True)), Discard)


REPORT = "Content-Type: multipart/report; boundary=b\r\n"


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        (REPORT, {}),
        ("Auto-Submitted: auto-replied (vacation)\r\n", {}),
        ("X-Autoreply: yes\r\n", {}),
        ("X-Autorespond: x\r\n", {}),
        ("", {"reverse_path": parse_mailbox("MAILER-DAEMON@example.net")}),
        ("", {"author": parse_mailbox("postmaster@example.net")}),
    ],
)
def test_answers_of_machines_are_dropped(fields: str, facts: dict[str, Any]) -> None:
    post = make("Send= Public", mail=f"{fields}{LETTER}\r\n--b\r\n\r\nx\r\n--b--\r\n", **facts)
    assert isinstance(checks.machine_answer(post), Discard)


def test_a_configured_postmaster_is_a_person() -> None:
    author = parse_mailbox("postmaster@example.org")
    assert checks.machine_answer(make(author=author, people=frozenset({author}))) is None


def test_repeats() -> None:
    assert isinstance(checks.repeated(make(repeat=Repeat.SAME_ID)), Discard)
    assert checks.repeated(make(repeat=Repeat.SAME_TEXT, approved=True)) == Reject("POST_REPEATED")
    assert checks.repeated(make()) is None


@pytest.mark.parametrize(("octets", "refused"), [(1024, False), (1025, True)])
def test_size(octets: int, refused: bool) -> None:
    head = LETTER + "\r\n"
    trace = "Received: from a by b\r\n"
    post = make("Sizelim= 1K", mail=trace + head + "x" * (octets - len(head)))
    assert isinstance(checks.oversize(post), Reject) is refused


def test_a_mail_over_the_limits_of_reading() -> None:
    verdict = judge(make(mail="X: y\r\n" * 2000 + LETTER + "\r\nx", approved=True))
    assert isinstance(verdict, Reject)
    assert verdict.form == "POST_UNREADABLE"


NOBODY: list[tuple[str, bool, Verdict | None]] = [
    ("From: a@example.org, b@example.org\r\n", False, Hold(Reason.NO_AUTHOR, Asked.OWNERS)),
    ("From: a@example.org, b@example.org\r\n", True, None),
    ("From: a@b.org\r\nFrom: c@d.org\r\n", False, Forward(Reason.NO_AUTHOR, Asked.OWNERS)),
    ("From: a@b.org\r\nFrom: c@d.org\r\n", True, Forward(Reason.NO_AUTHOR, Asked.OWNERS)),
    ("From : a@b.org\r\n", True, Forward(Reason.NO_AUTHOR, Asked.OWNERS)),
    ("Sender: a@b.org\r\n", False, Forward(Reason.NO_AUTHOR, Asked.OWNERS)),
]


@pytest.mark.parametrize(("fields", "approved", "expected"), NOBODY)
def test_mail_of_nobody(fields: str, approved: bool, expected: Verdict | None) -> None:
    post = make(mail=f"{fields}\r\nx\r\n", author=None, roles=ANYBODY, approved=approved)
    assert checks.nobody_wrote_it(post) == expected


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("SIGNOFF TEST-L\r\n", True),
        ("\r\n\r\n  SIGNOFF TEST-L\r\n\r\n-- \r\nJoe\r\nat\r\nhis\r\ndesk\r\n", True),
        ("SIGNOFF TEST-L\r\nJoe\r\n> quoted\r\n> more\r\n> and more\r\n", True),
        ("I want to SIGNOFF TEST-L\r\n", False),
        ("SIGNOFF TEST-L\r\na\r\nb\r\nc\r\nd\r\n", False),
        ("> SIGNOFF TEST-L\r\n", False),
        ("", False),
    ],
)
def test_a_command_by_mistake(text: str, caught: bool) -> None:
    post = make(mail=f"{LETTER}\r\n{text}")
    assert (checks.command_by_mistake(post) == Reject("COMMAND_TO_LIST")) is caught
    assert checks.command_by_mistake(replace(post, approved=True)) is None
    assert checks.command_by_mistake(replace(post, confirmed=True)) is None


NO_POST = Options(post=False)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (SUBSCRIBER, NOT_AUTHORIZED),
        (ANYBODY, NOT_AUTHORIZED),
        (OWNING_SUBSCRIBER, NOT_AUTHORIZED),
        (OWNER, None),
    ],
)
def test_nopost(roles: frozenset[Role], expected: Verdict | None) -> None:
    assert checks.no_post(make(roles=roles, options=NO_POST, proven=True)) == expected
    assert checks.no_post(make(roles=roles)) is None


def test_nopost_beats_editor() -> None:
    post = make("Send= Editor,Hold", roles=SUBSCRIBER | EDITOR, options=NO_POST, proven=True)
    assert judge(post) == NOT_AUTHORIZED


def test_a_post_from_the_null_sender_is_looked_at() -> None:
    post = make("Send= Public", reverse_path=None, automatic=True)
    assert judge(post) == Hold(Reason.NO_SENDER, Asked.MODERATOR)
    assert judge(replace(post, approved=True)) == Distribute()
    assert judge(replace(post, roles=ANYBODY, mailing_list=make_list())) == NOT_AUTHORIZED


REVIEWED = Hold(Reason.REVIEWED, Asked.MODERATOR)


@pytest.mark.parametrize(
    ("roles", "facts", "expected"),
    [
        (SUBSCRIBER, {}, REVIEWED),
        (ANYBODY, {}, REVIEWED),
        (SUBSCRIBER, {"approved": True}, None),
        (OWNING_SUBSCRIBER, {}, REVIEWED),
        (OWNING_SUBSCRIBER, {"proven": True}, None),
        (OWNER, {}, None),
        (SUBSCRIBER | MODERATOR, {}, OWN_POST),
        (SUBSCRIBER | MODERATOR, {"automatic": True}, REVIEWED),
    ],
)
def test_review(roles: frozenset[Role], facts: dict[str, Any], expected: Verdict | None) -> None:
    post = make("Send= Public", roles=roles, options=Options(review=True), **facts)
    assert checks.review_option(post) == expected


@pytest.mark.parametrize(
    ("posts", "roles", "facts", "expected"),
    [
        (2, SUBSCRIBER, {}, None),
        (3, SUBSCRIBER, {}, Reject("POST_LIMIT", {"LIMIT": "3"})),
        (3, SUBSCRIBER, {"approved": True}, None),
        (9, OWNING_SUBSCRIBER, {"proven": True}, None),
        (9, OWNING_SUBSCRIBER, {}, UNPROVEN),
        (9, SUBSCRIBER | MODERATOR, {"proven": True}, Reject("POST_LIMIT", {"LIMIT": "3"})),
    ],
)
def test_posts_of_one_person(
    posts: int, roles: frozenset[Role], facts: dict[str, Any], expected: Verdict | None
) -> None:
    post = make("Daily-Threshold= 50,3", roles=roles, posts_by_author=posts, **facts)
    assert checks.daily_limit(post) == expected
    assert checks.daily_limit(replace(post, mailing_list=make_list())) is None


def test_a_held_list_keeps_even_approved_posts() -> None:
    post = make(mailing_list=make_list(held=True), approved=True, proven=True, roles=OWNER)
    assert judge(post) == Hold(Reason.LIST_HELD, Asked.NOBODY)


def test_the_order_of_the_rules() -> None:
    names = [check.__name__ for check in CHECKS]
    assert names.index("own_loop") < names.index("repeated") < names.index("oversize")
    assert names.index("oversize") < names.index("no_post") < names.index("may_send")
    assert names.index("may_edit") < names.index("review_option") < names.index("daily_limit")
    assert names[-1] == "held_list"


HTML = "Content-Type: text/html\r\n\r\n<p>Hi</p>\r\n"
ATTACHED = "Content-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n<p>Hi</p>\r\n"
BESIDE = f"--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n--b\r\n{HTML}--b--\r\n"
ALTERNATIVE = f"Content-Type: multipart/alternative; boundary=b\r\n\r\n{BESIDE}"
NO_HTML = ("Misc-Options= DISCARD_HTML", "Language= English,NoHTML")


@pytest.mark.parametrize(
    ("sets", "mail", "verdict"),
    [
        (NO_HTML[:1], HTML, Reject("POST_HTML_ONLY")),
        (NO_HTML[1:], HTML, Reject("POST_HTML_ONLY")),
        (NO_HTML, ALTERNATIVE, None),
        (NO_HTML, ATTACHED, None),
        ((), HTML, None),
    ],
)
def test_html_alone(sets: tuple[str, ...], mail: str, verdict: Verdict | None) -> None:
    assert content.html_only(make(*sets, mail=LETTER + mail)) == verdict


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("", Reject("POST_FILTERED", {"REASON": ""})),
        ("Action: REJECT Not here.", Reject("POST_FILTERED", {"REASON": "Not here."})),
        ("Action: DISCARD", Discard("line 1 of the content filter")),
        ("Action: MODERATE", Hold(Reason.FILTERED, Asked.MODERATOR)),
        ("Action: ALLOW\nmorning", None),
    ],
)
def test_content_filter(action: str, expected: Verdict | None) -> None:
    rules, _ = read_rules(f"Subject: hello\n{action}")
    assert checks.filtered(make(rules=rules)) == expected
    assert checks.filtered(make(rules=rules, approved=True)) is None
