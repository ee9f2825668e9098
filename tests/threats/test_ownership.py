"""Rights end at one's own list: whoever owns A is a stranger on B, whatever proves him.

The lines are run as if confirmed, which is more than any code, password or signature proves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import DOMAIN
from threats_rig import EVE, JOE, OLGA, Attack

from listserv_py.commands.command import Privilege
from listserv_py.commands.interpreter import run_job
from listserv_py.commands.table import COMMANDS
from listserv_py.mail.mailbox import parse_mailbox

ANNA = "anna@example.com"
"""Owner of A-L, and of no other list."""

POST = "<1@client.example>"
"""The second mail of the test: Joe's to B-L."""

LINES: dict[str, tuple[str, ...]] = {
    "HELP": ("HELP",),
    "INFO": ("INFO B-L", "INFO HIDDEN-L"),
    "LISTS": ("LISTS", "LISTS DETAILED"),
    "SUBSCRIBE": ("SUBSCRIBE CLOSED-L Anna",),
    "SIGNOFF": ("SIGNOFF B-L", "SIGNOFF *", f"SIGNOFF B-L {JOE}"),
    "OK": ("OK C0DE000000000001",),
    "SET": (f"SET B-L NOMAIL FOR {JOE}", "SET B-L NOMAIL FOR *@*", f"SET * EDITOR FOR {JOE}"),
    "QUERY": (f"QUERY B-L FOR {JOE}", "QUERY B-L FOR *@*", f"QUERY * FOR {JOE}"),
    "CONFIRM": ("CONFIRM B-L", f"CONFIRM B-L FOR {JOE}"),
    "CHANGE": (
        *(f"CHANGE B-L {JOE} {ANNA}", "CHANGE B-L *@example.net *@example.com"),
        *(f"CHANGE * {JOE} {ANNA}", "CHANGE * *@example.net *@example.com", f"CHANGE B-L {JOE}"),
    ),
    "REGISTER": ("REGISTER Anna",),
    "PW": (),
    "REVIEW": ("REVIEW B-L", "REVIEW B-L (ALL", "REVIEW B-L (RCPT", "REVIEW B-L (SHORT NOHEADER"),
    "SCAN": ("SCAN B-L joe",),
    "STATS": ("STATS B-L", "STATS B-L (RESET"),
    "THANKS": ("THANKS",),
    "RELEASE": ("RELEASE",),
    "SHOW": ("SHOW STATS",),
    "SERVE": ("SERVE joe@example.net OFF",),
    "ADD": (
        f"ADD B-L {ANNA}",
        f"QUIET ADD B-L {ANNA}",
        "ADD B-L DD=X IMPORT\n//X DD *\na@b.example\n/*",
    ),
    "DELETE": (
        *(f"DELETE B-L {JOE}", f"QUIET DELETE B-L {JOE}", "DELETE B-L *@*", f"DELETE * {JOE}"),
        "DELETE * *@*",
    ),
    "GET": (
        *(
            "GET B-L",
            "GET B-L (HEADER NOLOCK",
            "GET B-L (OLD",
            "GET B-L CHANGELOG",
            "GET B-L WELCOME",
        ),
        *("GET B-L MAILTPL", "GET SYSTEM CHANGELOG", "GET HIDDEN-L"),
        *("GET B-L NOTEBOOK", "GET B-L SECRET", "GET SECRET TXT B-L"),
    ),
    "PUT": (
        *(
            f"PUT B-L LIST\n* B\n* Owner= {ANNA}",
            "PUT B-L WELCOME\nHello\n/*\n",
            "PUT B-L MAILTPL\n/*\n",
            "PUT SECRET TXT B-L\nMine\n/*\n",
            "PUT B-L 26-00001",
            "PUT B-L LOG2611",
        ),
        f"PUT NEW-L LIST\n* New\n* Owner= {ANNA}",
    ),
    "UNLOCK": ("UNLOCK B-L",),
    "INDEX": ("INDEX", "INDEX B-L"),
    "SEARCH": ("SEARCH Hello IN B-L", "SEARCH * IN B-L WHERE SENDER CONTAINS joe"),
    "GETPOST": ("GETPOST B-L 1-99",),
    "HOLD": ("HOLD B-L",),
    "FREE": ("FREE B-L",),
    "REJECT": ("REJECT C0DE000000000001",),
    "FOR": (f"FOR {OLGA} DELETE B-L {JOE}",),
    "PWC": (f"PWC ADD {OLGA} Sesame-Open-1", f"PWC DELETE {JOE}"),
    "SF": ("SF",),
    "RESUME": ("RESUME",),
    "OFFLINE": ("OFFLINE",),
    "ONLINE": ("ONLINE",),
    "TRACE": (f"TRACE {POST}", f"TRACE {POST} FOR {JOE}"),
    "WHY": (f"WHY {POST}",),
    "DISTRIBUTE": (f"DISTRIBUTE MAIL {JOE}", "DISTRIBUTE MAIL-MERGE DD=X TO DD=Y"),
    "DROP": ("DROP B-L", "DROP A-L"),
}
SECRETS = (JOE, "Joe Doe", "HIDDEN-L", "* Send=", "Welcome-text")


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Attack]:
    made = Attack(tmp_path)
    told = {
        "owners": [OLGA],
        "subscribers": [f"{JOE} | Joe Doe"],
        "templates": {"WELCOME": "Welcome-text"},
    }
    made.stage.create("A-L", {"owners": [ANNA]})
    made.stage.create("B-L", told | {"set": ["Change-Log= Yes", "Notebook= Yes,A,Monthly,Private"]})
    made.stage.create("HIDDEN-L", told | {"set": ["Confidential= Yes"]})
    made.stage.create("CLOSED-L", {"set": ["Subscription= Closed"]})
    yield made
    made.close()


def test_each_command_of_the_table_has_its_line() -> None:
    assert set(LINES) == {unit.word for unit in COMMANDS.units}


@pytest.mark.parametrize("word", [unit.word for unit in COMMANDS.units])
def test_an_owner_of_one_list_is_a_stranger_on_another(attack: Attack, word: str) -> None:
    attack.mail(JOE, "SIGNOFF B-L")  # a code that is his
    attack.mail(JOE, "Hello", to=f"b-l@{DOMAIN}")
    anna = parse_mailbox(ANNA)
    for line in LINES[word]:
        before = attack.everything()
        said, failed = run_job(attack.stage.turn(), anna, line)
        is_anybodys = COMMANDS.find(word).privilege is Privilege.ANYBODY  # type: ignore[union-attr]
        assert failed or (is_anybodys and word not in {"TRACE", "WHY"}), (line, said)
        if word != "REGISTER":
            assert attack.everything() == before, line
        told = said.replace(line.partition("\n")[0], "")  # an error may say his own words again
        assert not [secret for secret in SECRETS if secret in told and secret not in line], said
        assert attack.stage.outgoing() == [] or word == "SUBSCRIBE", line


def test_an_owner_may_do_all_that_on_his_own(attack: Attack) -> None:
    """Or the test above would hold for commands that nobody may give."""
    olga = parse_mailbox(OLGA)
    for line in (
        f"SET B-L NOMAIL FOR {JOE}",
        "GET B-L",
        f"ADD B-L {EVE}",
        "HOLD B-L",
        "STATS B-L (RESET",
    ):
        said, failed = run_job(attack.stage.turn(), olga, line)
        assert not failed, said


@pytest.mark.parametrize(
    "line", ["HOLD TEST-L", f"DELETE TEST-L {JOE}", f"ADD TEST-L {EVE}", "GET TEST-L"]
)
def test_a_forged_owner_only_makes_the_owner_asked(attack: Attack, line: str) -> None:
    attack.stage.create("LAX-L", {"set": ["Validate= No"], "subscribers": [JOE]})
    for wanted in (line, line.replace("TEST-L", "LAX-L")):
        attack.forget()
        before = attack.everything()
        [asked] = attack.mail(OLGA, wanted)
        assert asked.startswith(b"[confirmation]")
        assert b"RCPT TO:<olga@example.org>" in asked
        assert attack.everything() == before


def test_a_forged_put_and_change_tell_nobody_and_change_nothing(attack: Attack) -> None:
    """The last owner cannot be put out by mail in his name; by his own word he is told of it."""
    before = attack.everything()
    put = f"PUT TEST-L LIST\n* Mine now\n* Owner= {EVE}"
    [asked] = attack.mail(OLGA, put)
    assert asked.startswith(b"[confirmation]")
    assert f"+ * Owner= {EVE}".encode() in asked
    assert attack.everything() == before
    mails = attack.mail(OLGA, f"OK C0DE{attack.stage.codes:012X}", told={"reverse_path": OLGA})
    told = [mail for mail in mails if mail.startswith(b"[notice]") or b"Owner" in mail]
    assert any(b"RCPT TO:<olga@example.org>" in mail for mail in told)
