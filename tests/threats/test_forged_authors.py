"""Who is speaking: From lines that readers take differently, look-alikes, and odd addresses.

An owner's ADD is the touchstone: whatever stands in From, nobody is added on its word, and no mail
goes to anybody but the one mailbox that every reader sees there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from stage import DOMAIN
from threats_rig import EVE, JOE, LISTSERV, OLGA, Attack, recipients

from listserv_py.commands.table import COMMANDS
from listserv_py.errors import UserError
from listserv_py.lists.addresses import Door, is_listname, route
from listserv_py.mail.mailbox import Mailbox, parse_mailbox, parse_path

ADD = "ADD TEST-L third@example.com"


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Attack]:
    made = Attack(tmp_path)
    yield made
    made.close()


NOBODY = [
    # Two From fields, in any form: mail programs show one, verifiers check the other.
    f"From: {EVE}\r\nFrom: {OLGA}",
    f"From: {OLGA}\r\nFrom: {EVE}",
    f"From: {EVE}\r\nFrom : {OLGA}",
    f"From : {OLGA}\r\nFrom: {EVE}",
    f"From: {EVE}\r\nfrom: {OLGA}",
    f"From: {EVE}\r\nFROM:\t{OLGA}",
    f"From: {EVE}\r\nX: y\r\nFrom\t: {OLGA}",
    # Two mailboxes, a group, a route, a comment in the middle.
    f"From: {EVE}, {OLGA}",
    f"From: <{EVE}>, <{OLGA}>",
    f"From: <{EVE}> <{OLGA}>",
    f"From: <{OLGA}><{EVE}>",
    f"From: {OLGA} <{EVE}>",
    f"From: Olga {OLGA} <{EVE}>",
    f"From: {OLGA}, <{EVE}>",
    f"From: ,{OLGA}",
    f"From: team: {OLGA};",
    f"From: team:{EVE},{OLGA};",
    f"From: <@example.com,@example.org:{OLGA}>",
    f"From: <@example.com:{OLGA}>",
    "From: <olga(hidden)@example.org>",
    f"From: (x)<{OLGA}>(<{EVE}>)",
    f"From: <{OLGA}>(<{EVE}>",
    f"From: ({EVE}) {OLGA} ({EVE})",
    "From: olga@example.org(eve@example.com",
    "From: olga@example.org)eve@example.com",
    "From: olga@example.org@example.com",
    "From: <olga@example.org@example.com>",
    "From: <olga@example.org\\@example.com>",
    'From: <"olga@example.org>"@example.com',
    "From: <olga@example.org,@example.com>",
    "From: olga@example.org;eve@example.com",
    "From: olga@example.org%example.com@",
    "From: <olga@example.org",
    "From: olga@example.org>",
    "From: <<olga@example.org>>",
    "From: < olga @ example.org >",
    # Encoded words and line ends in the address.
    "From: =?utf-8?q?olga=40example.org?=",
    "From: =?utf-8?b?b2xnYUBleGFtcGxlLm9yZw==?=",
    "From: =?utf-8?q?<olga=40example.org>?=",
    "From: <=?utf-8?q?olga?=@example.org>",
    "From: =?utf-8?b?PG9sZ2FAZXhhbXBsZS5vcmc+LCAi?= <eve@example.com",
    "From: olga@example.org\x00eve@example.com",
    "From: <olga@example.org\x00@example.com>",
    "From: <olga@example.org\x01>",
    "From: olga@\r\n example.org, eve@example.com",
    # None at all, though others are named: nobody stands in for him.
    f"Sender: {OLGA}",
    f"Reply-To: {OLGA}\r\nSender: {OLGA}",
    f"Resent-From: {OLGA}",
    f"From:\r\nSender: {OLGA}",
    f"From: \r\nReply-To: {OLGA}",
    f"Fr\u043em: {OLGA}",
    f"X\r\n\r\nFrom: {OLGA}",
]


def test_such_a_mail_is_nobodys(attack: Attack) -> None:
    for head in NOBODY:
        attack.forget()
        _is_nobodys(attack, head)


def _is_nobodys(attack: Attack, head: str) -> None:
    before = attack.everything()
    for to, body in ((LISTSERV, ADD), (f"test-l@{DOMAIN}", "Hello")):
        raw = f"{head}\r\nTo: {to}\r\nSubject: x\r\nMessage-ID: <1@a.b>\r\n\r\n{body}\r\n".encode()
        mails = attack.take(raw, to)
        if to == LISTSERV:
            assert mails == [], head
        for mail in mails:  # the list's owners are told of what nobody wrote, and nobody else
            assert recipients(mail) == [OLGA], head
    assert attack.copies() == [], head
    assert attack.everything() == before


EVES = [
    f'"{OLGA}" <{EVE}>',
    f'"Olga <{OLGA}>" <{EVE}>',
    f"=?utf-8?q?Olga_=3Colga=40example.org=3E?= <{EVE}>",
    f"(x) <{EVE}>",
    f"{EVE} (Olga)",
    f"Olga\r\n\t<{EVE}>",
]


@pytest.mark.parametrize("value", EVES)
def test_a_name_is_no_address(attack: Attack, value: str) -> None:
    before = attack.everything()
    [answer] = attack.mail(value, ADD)
    assert recipients(answer) == [EVE]
    assert b"Only an owner" in answer
    assert attack.everything() == before


LOOK_ALIKES = [
    *(
        "olg\u0430@example.org",
        "\u03bflga@example.org",
        "ol\u0261a@example.org",
        "olga\u200b@example.org",
    ),
    *("\uff4flga@example.org", "olga\uff20example.org", "olga@example\u3002org.example.com"),
    *(
        "olga+x@example.org",
        "o.lga@example.org",
        "olga@sub.example.org",
        "olga@example.org.example.com",
    ),
    *(
        "olg\u00e0@example.org",
        "ol\u2113ga@example.org",
        "olga@ex\u0430mple.org",
        "olga@examp1e.org",
    ),
]


def test_a_look_alike_is_somebody_else(attack: Attack) -> None:
    before = attack.everything()
    for address in LOOK_ALIKES:
        mails = attack.mail(address, ADD)
        assert all(b"Only an owner" in mail for mail in mails), address
        assert all(OLGA not in recipients(mail) for mail in mails), address
    assert attack.everything() == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("m\u0131ke", "mike"), ("mi\u212ae", "mike"), ("\u017fam", "sam"), ("\u0130da", "ida")),
        *(("\uff4doe", "moe"), ("stra\u00dfe", "strasse"), ("\ufb01n", "fin"), ("a\u037eb", "a;b")),
    ],
)
def test_folding_makes_no_two_addresses_one(one: str, other: str) -> None:
    try:
        found = parse_mailbox(f"{one}@example.net")
    except UserError:
        return
    assert found != parse_mailbox(f"{other}@example.net" if ";" not in other else "x@example.net")


@pytest.mark.parametrize(
    "word",
    [
        "\u017fIGNOFF",
        "S\u0131GNOFF",
        "\uff33IGNOFF",
        "SIGNO\ufb00",
        "\u017fET",
        "\u212aW",
        "CON\ufb01RM",
        "J\u039fIN",
    ],
)
def test_a_word_of_other_letters_is_no_command(attack: Attack, word: str) -> None:
    assert COMMANDS.find(word) is None
    assert COMMANDS.find(word.lower()) is None
    before = attack.everything()
    attack.mail(JOE, f"{word} TEST-L")
    assert attack.everything() == before


@pytest.mark.parametrize(
    "name",
    ["te\u017ft-l", "TE\u017fT-L", "\uff34EST-L", "TEST\u2010L", "T\u0395ST-L", "TEST-L\u200b"],
)
def test_a_lists_name_is_ascii(attack: Attack, name: str) -> None:
    assert not is_listname(name)
    assert attack.stage.tx.lists.find(name) is None


ODD = [
    *(
        "test-l+owner",
        "test-l+request",
        "test-l+x",
        "owner-test-l+",
        "owner-test-l+a+b",
        "owner-test-l+a=b",
    ),
    *("owner-test-l+victim=host", "owner-test-l-joe=example.net", "test-l-bounces+joe=example.net"),
    *(
        "owner-owner-test-l",
        "owner-test-l-request",
        "test-l-request-request",
        "test-l-owner",
        "test-l-admin",
    ),
    *(
        "request-test-l",
        "test-l-subscribe",
        "test-l-join",
        "test-l-confirm+0123456789abcdef",
        "test-l-leave",
    ),
    *(
        "test-l%example.com",
        "test-l!x",
        '"test-l "',
        '"test-l\\"x"',
        "test-l/../x",
        '"test-l@lists.example.org"',
    ),
    *(
        "listserv+x",
        "owner-listserv+x",
        "listserv-subscribe-request+x",
        "l-signoff-request-l",
        "te\u017ft-l",
    ),
    *("0123456789abcdef-dmarc-requestx", "0123456789abcde-dmarc-request", "x-dmarc-request"),
    *(
        f"owner-test-l+{'a' * 26}",
        f"owner-{'x' * 33}",
        "-request",
        "owner-",
        "owner-+x",
        "..-request",
    ),
]


def test_an_odd_address_leads_nowhere_or_to_a_list_that_is_none(attack: Attack) -> None:
    """The door refuses what leads nowhere, and lists that there are not (550 5.1.1)."""
    for local in ODD:
        with suppress(UserError):
            _leads_nowhere(attack, parse_path(f"<{local}@{DOMAIN}>"))


def _leads_nowhere(attack: Attack, mailbox: Mailbox | None) -> None:
    assert mailbox is not None
    found = route(mailbox, domain=DOMAIN, name="listserv")
    if found is not None and found.door is not Door.ALIAS:
        assert attack.stage.tx.lists.find(found.listname or "") is None
