"""Which wording of a form is used, and that a broken one is passed over."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import Stage

from listserv_py.commands.template import site_faults
from listserv_py.lists.model import MailingList
from listserv_py.mail.listheaders import decode
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read
from listserv_py.store.outbox import Kind
from listserv_py.texts import site
from listserv_py.texts.check import check
from listserv_py.texts.forms import Forms
from listserv_py.texts.words import CALLED, FIXED, NEEDED, Words, read_own

JOE = parse_mailbox("joe@example.net")
DEFAULTS = Forms.load()
SITE = read_own(">>> THANKS\nSite\n>>> SIGNOFF_DONE\nSite &LISTNAME")
FORMS = Forms(DEFAULTS.by_name, DEFAULTS.languages, SITE)
CODE = {"CODE": "C0DE", "LINES": "SIGNOFF X", "NEW": "a@b"}


@pytest.mark.parametrize(
    ("own", "language", "expected"),
    [
        ("", "English", "Site"),
        ("", "German", "Gern geschehen!"),
        (">>> THANKS\nOwn", "German", "Own"),
        (">>> THANKS\n.IM THANKS", "German", "Gern geschehen!"),
        (">>> OTHER\nOwn", "Klingon", "Site"),
    ],
)
def test_nearest_wording_counts(own: str, language: str, expected: str) -> None:
    assert Words(FORMS, own, language).fill("THANKS", {}).body == expected


@pytest.mark.parametrize("name", sorted(FIXED & set(DEFAULTS.by_name)))
def test_warnings_cannot_be_reworded(name: str) -> None:
    slots = dict.fromkeys(DEFAULTS.by_name[name].slots, "x")
    assert Words(FORMS, f">>> {name}\nNothing to see.").fill(name, slots) == DEFAULTS.fill(
        name, slots
    )


WITHOUT_CODE = [
    "Answer ok",
    "\n.QQ",
    "&CODE\nAnswer ok",
    "Answer ok\n&CODE &LINES &NEW",
    "&CODE\n.BB &WHOM = nobody\n&CODE &LINES &NEW\n.EB",
]


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("text", WITHOUT_CODE)
def test_request_always_shows_its_code(name: str, text: str) -> None:
    slots = dict.fromkeys(DEFAULTS.by_name[name].slots, "x") | CODE
    own = f">>> {name} {text}"
    assert Words(FORMS, own).fill(name, slots) == DEFAULTS.fill(name, slots)


def test_request_may_have_other_words() -> None:
    own = ">>> CONFIRM1 Your code is &COOKIE\nSay OK &COOKIE for &COMMAND"
    filled = Words(FORMS, own).fill("CONFIRM1", CODE)
    assert (filled.subject, filled.body) == (
        "Your code is C0DE (C0DE)",
        "Say OK C0DE for SIGNOFF X",
    )


def test_whom_is_the_address_that_a_mail_is_about() -> None:
    own = ">>> SIGNUP1 Hello\nDear &WHOM,\n>>> SUBSCRIBE2 Joined\n&WHOM"
    words = Words(FORMS, own)
    assert words.fill("SIGNUP1", {"ADDRESS": "joe@x.org"}).body == "Dear joe@x.org,"
    assert words.fill("SUBSCRIBE2", {"WHOM": "Joe <joe@x.org>"}).body == "Joe <joe@x.org>"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def made(stage: Stage, template: str, **told: object) -> MailingList:
    stage.create("TEST-L", {"title": "Tests", "templates": {"MAILTPL": template}, **told})
    return stage.tx.lists.get("TEST-L")


def test_list_tells_of_itself(stage: Stage) -> None:
    slots = "&DATE &TIME &WEEKDAY &MYMAIL &MYHOST &OWNERS &LISTADDR &TITLE &KWD(send) &KWD(pw)."
    found = made(stage, f">>> THANKS\n.FO OFF\n{slots}\n", set=["PW= secret"])
    assert stage.turn().words(found).fill("THANKS", {}).body == (
        "22 Nov 2026 12:00:00 Sun listserv@lists.example.org lists.example.org"
        " test-l-request@lists.example.org test-l@lists.example.org Tests Private ********."
    )


def test_header_in_a_form_hides_what_review_hides(stage: Stage) -> None:
    found = made(stage, ">>> THANKS\n.DD &LISTHDR", set=["PW= secret"])
    assert "secret" not in stage.turn().words(found).fill("THANKS", {}).body


def test_banners_are_frozen_with_the_mailing(stage: Stage) -> None:
    banners = (
        ">>> TOP_BANNER\nPosted to &LISTNAME\n>>> BOTTOM_BANNER\nBye\n"
        ">>> TOP_BANNER_HTML\n<b>&TITLE</b>\n>>> BOTTOM_BANNER_HTML\n.IM NOWHERE"
    )
    made(stage, banners, title="A & <b>", set=["Send= Public"])
    stage.take(b"From: joe@example.net\r\nTo: test-l@lists.example.org\r\nSubject: x\r\n\r\nHi\r\n")
    (row,) = stage.db.execute("SELECT facts FROM mailing WHERE kind = 'post'").fetchall()
    facts = decode(row[0])
    assert (facts.top_text, facts.bottom_text) == ("Posted to TEST-L", "Bye")
    assert (facts.top_html, facts.bottom_html) == ("<b>A &amp; &lt;b&gt;</b>", "")


def test_many_forms_and_keywords_take_no_time(stage: Stage) -> None:
    found = made(stage, ">>> THANKS\n" + "&KWD(Send) &LISTNAME\n" * 2000)
    words = stage.turn().words(found)
    assert words.fill("THANKS", {}).body.startswith("Private TEST-L Private")


def test_site_has_forms_of_its_own(tmp_path: Path) -> None:
    assert site.load(tmp_path) is Forms.load()
    (tmp_path / "templates").mkdir()
    (tmp_path / site.PLACE).write_text(">>> THANKS\nAny\ntime.\n>>> HEADER_CHANGED\nNothing.\n")
    forms = site.load(tmp_path)
    assert Words(forms).fill("THANKS", {}).body == "Any time."
    assert list(site_faults(tmp_path)) == ["line 4: HEADER_CHANGED cannot be worded anew"]


def test_site_forms_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / site.PLACE).write_bytes(b">>> THANKS\n\xff")
    assert site.load(tmp_path) is Forms.load()
    assert list(site_faults(tmp_path)) == ["it is not UTF-8"]


def test_what_the_program_says_has_no_fault_as_an_owners_form() -> None:
    forms = [one for one in Forms.load().by_name.values() if one.name not in FIXED]
    text = "\n".join(f">>> {one.name} {one.subject}\n{one.body}" for one in forms)
    assert (
        check(text[:60_000].rpartition(">>>")[0], Forms.load(), (), lambda _: iter(())).faults == ()
    )


OWN = st.lists(
    st.sampled_from(
        [">>> SIGNUP1 &ADDRESS &TITLE", ".SJ a\rBcc: eve@example.com", "&TITLE", ".TO eve@e.org",
         ".CC eve@example.com", ".RE OWNERS", "Bcc: eve@example.com", "", ".QQ", ".DD &LISTHDR",
         ".IM SIGNUP1", "\x0bBcc: eve@example.com", "From me", ".", "x" * 3000, "\u2028", "é" * 700]
    )
    | st.text(max_size=30),
    max_size=15,
).map(lambda lines: "\n".join([">>> SIGNUP1 &TITLE", *lines]))  # fmt: skip

HEADER_FIELDS = {
    "from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress",
    "x-lsv-listid", "reply-to", "mime-version", "content-type", "content-transfer-encoding",
}  # fmt: skip


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(OWN)
def test_no_template_adds_a_header_line_or_a_recipient(stage: Stage, own: str) -> None:
    if stage.tx.lists.find("TEST-L") is None:
        made(stage, "", title="Tests")
    found = stage.tx.lists.get("TEST-L")
    stage.tx.templates.put(found.id, "MAILTPL", own, stage.now)
    slots = {"ADDRESS": "joe@example.net\r\nBcc: eve@example.com", "TITLE": "T\nBcc: x@y"}
    slots |= {"LISTNAME": "TEST-L", "LISTADDR": "l", "MYADDRESS": "m"}
    stage.turn().mail(JOE, "SIGNUP1", slots, kind=Kind.NOTICE, mailing_list=found)
    for mail in stage.outgoing():
        envelope, _, content = mail.partition(b"\r\n\r\n")
        assert envelope.count(b"RCPT TO") == 1
        message = read(content)
        assert {field.name for field in message.fields} <= HEADER_FIELDS
        assert len(message.all("to")) == 1
        assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("language", ["English", "German"])
@pytest.mark.parametrize(
    ("own", "shown"),
    [
        (">>> $SIGNUP\nBring &CAKE to\n&LISTNAME.", "Bring &CAKE to TEST-L."),
        (">>> $SIGNUP\n.EB", "SIGNOFF TEST-L"),
        (">>> $SIGNUP\n.IM $SIGNUP", "SIGNOFF TEST-L"),
    ],
)
def test_a_list_words_a_part_of_a_mail(own: str, shown: str, language: str) -> None:
    slots = dict.fromkeys(("ADDRESS", "TITLE", "LISTADDR", "MYADDRESS"), "x")
    filled = Words(FORMS, own, language).fill("SIGNUP1", slots | {"LISTNAME": "TEST-L"})
    assert shown in filled.body
    assert filled.subject.endswith(("the TEST-L list", "der Liste TEST-L"))


@pytest.mark.parametrize("name", sorted(CALLED))
def test_the_names_of_listserv_mean_our_forms(name: str) -> None:
    ours = CALLED[name]
    assert name not in DEFAULTS.by_name
    words = Words(FORMS, f">>> {name} Subject\nOwn words")
    slots = dict.fromkeys(DEFAULTS.by_name[ours].slots, "x")
    assert words.fill(ours, slots).body == "Own words"
    assert check(f">>> {name} Subject\nOwn words", FORMS, (), lambda _: iter(())).remarks == ()


def test_what_nobody_wrote_is_not_sent() -> None:
    assert not Words(FORMS, "", "German").has_own("POSTACK1")
    assert Words(FORMS, ">>> POSTACK1 Hello\nHello").has_own("POSTACK1")
    assert Words(Forms({}, {}, read_own(">>> POSTACK1\nHello"))).has_own("POSTACK1")
