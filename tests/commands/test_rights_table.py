"""Every cell of the rights: `Validate=`, who asks, what for, and by what he is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from stage import Stage

from listserv_py import intake
from listserv_py.commands import interpreter
from listserv_py.commands.command import Confirm
from listserv_py.commands.rights import ENOUGH
from listserv_py.lists.addresses import Destination, Door
from listserv_py.lists.values import ValidateLevel
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.proof import Proof

JOE, OLGA, EVE, ADMIN = (
    *("joe@example.net", "olga@example.org"),
    *("eve@example.com", "admin@example.org"),
)
LEVELS = ("No", "Yes", "Yes,Confirm", "Yes,Confirm,NoPW", "All,Confirm", "All,Confirm,NoPW")
PROOFS = (Proof.NONE, Proof.DKIM, Proof.AUTHSERV, Proof.PASSWORD, Proof.CODE, Proof.OPERATOR)
HEADER = "* Another title\r\n* Owner= olga@example.org"

# For each of PROOFS: r runs at once, a asks for a code, - is refused. The first column is for
# Validate= No, the second for Yes with passwords and without, the third for All likewise.
RUNS, REFUSED, OWNERS, OWNERS_NOPW = "rrrrrr", "------", "arrrrr", "arrarr"
PUTS, PUTS_NOPW, CODES = "aaarrr", "aaaarr", "aaaarr"
TABLE = [
    # who, line, No, Yes, Yes NoPW, All, All NoPW
    *((who, "THANKS", RUNS, RUNS, RUNS, RUNS, RUNS) for who in (EVE, JOE, OLGA, ADMIN)),
    (JOE, "QUERY TEST-L", RUNS, RUNS, RUNS, RUNS, RUNS),
    (EVE, "QUERY TEST-L", *[REFUSED] * 5),
    (JOE, "SET TEST-L NOMAIL", RUNS, RUNS, RUNS, OWNERS, OWNERS_NOPW),
    (JOE, "SET * NOMAIL", RUNS, RUNS, RUNS, OWNERS, OWNERS_NOPW),
    (JOE, "REVIEW TEST-L", RUNS, RUNS, RUNS, OWNERS, OWNERS_NOPW),
    *((who, "SET TEST-L NOMAIL", *[REFUSED] * 5) for who in (EVE, OLGA, ADMIN)),
    (EVE, "REVIEW TEST-L", *[REFUSED] * 5),
    (JOE, "SIGNOFF TEST-L", RUNS, OWNERS, OWNERS_NOPW, OWNERS, OWNERS_NOPW),
    (JOE, "SIGNOFF *", RUNS, OWNERS, OWNERS_NOPW, OWNERS, OWNERS_NOPW),
    (EVE, "SIGNOFF TEST-L", *[REFUSED] * 5),
    *(
        (who, line, OWNERS, OWNERS, OWNERS_NOPW, OWNERS, OWNERS_NOPW)
        for who in (OLGA, ADMIN)
        for line in (
            *("ADD TEST-L a@example.com", "DELETE * joe@example.net", "REVIEW TEST-L"),
            *("SET TEST-L NOMAIL FOR joe@example.net", "HOLD TEST-L", "GET TEST-L"),
        )
    ),
    *(
        (who, line, *[REFUSED] * 5)
        for who in (EVE, JOE)
        for line in (
            *("ADD TEST-L a@example.com", "DELETE TEST-L joe@example.org", "HOLD TEST-L"),
            *("SET TEST-L NOMAIL FOR olga@example.org", "GET TEST-L", "SERVE a@example.com OFF"),
            *(f"PUT TEST-L LIST\r\n{HEADER}", "CHANGE TEST-L anna@example.org a@example.com"),
            "FOR anna@example.org SIGNOFF TEST-L",
        )
    ),
    *(
        (who, f"PUT TEST-L LIST\r\n{HEADER}", PUTS, PUTS, PUTS_NOPW, PUTS, PUTS_NOPW)
        for who in (OLGA, ADMIN)
    ),
    *((who, "SUBSCRIBE TEST-L Some Body", *[CODES] * 5) for who in (EVE, JOE, OLGA, ADMIN)),
    (JOE, "CHANGE TEST-L joe@example.org", *[CODES] * 5),
    (OLGA, "CHANGE * *@example.net *@example.org", *[CODES] * 5),
    *((who, "REGISTER Some Body", *[OWNERS] * 5) for who in (EVE, JOE, OLGA, ADMIN)),
    (JOE, "PW ADD Sesame-Open-1", *[CODES] * 5),
    (ADMIN, f"PWC QUERY {JOE}", *[PUTS] * 5),
    *((who, f"PWC QUERY {JOE}", *[REFUSED] * 5) for who in (EVE, JOE, OLGA)),
    (ADMIN, "SERVE a@example.com OFF", *[OWNERS] * 5),
    (ADMIN, "FOR joe@example.net SIGNOFF TEST-L", *[OWNERS] * 5),
    (EVE, "SERVE a@example.com", *[RUNS] * 5),
]
COLUMN = {"No": 0, "Yes": 1, "Yes,Confirm": 1, "Yes,Confirm,NoPW": 2, "All,Confirm": 3}
SAID_NO = (b"Only a", b"is not on the", b"shows its", b"is on no list", b"are not shown to you")


@pytest.fixture(scope="module", params=[*product(LEVELS, ("", "NO_DKIM_PROOF"))], ids=str)
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, str, str]]:
    level, misc = request.param
    made = Stage(tmp_path_factory.mktemp("rights"), {"answers_per_address": 1000})
    told = {"set": [f"Validate= {level}", "Review= Private"], "subscribers": [f"{JOE} | Joe"]}
    if misc:
        told["set"].append(f"Misc-Options= {misc}")
    made.create("TEST-L", told)
    yield made, level, misc
    made.close()


def outcome(stage: Stage, who: str, line: str, proof: Proof) -> str:
    """What becomes of the line; nothing of it stays."""
    raw = f"From: {who}\r\nTo: listserv@lists.example.org\r\n\r\n{line}\r\n".encode()
    to = (parse_mailbox("listserv@lists.example.org"),)
    envelope = Envelope(
        *(parse_mailbox(who), to, raw, "192.0.2.1", "x.y", Protocol.SMTP, stage.now)
    )
    sent = stage.sent
    stage.db.execute("BEGIN IMMEDIATE")
    stage.tx.spool.take(envelope)
    [entry] = stage.tx.spool.begin(stage.tx.spool.ready(1, 10**6))
    letter = replace(intake.open_letter(entry), proof=proof)
    interpreter.work(stage.turn(), letter, Destination(Door.COMMAND))
    mails = stage.outgoing()
    stage.db.execute("ROLLBACK")
    stage.sent = sent
    if any(
        one.startswith(b"[confirmation]") and f"RCPT TO:<{who}>".encode() in one for one in mails
    ):
        return "a"
    [reply] = [one for one in mails if one.startswith(b"[reply]")]
    return "-" if any(no in reply for no in SAID_NO) else "r"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}: {row[1][:40]}")
def test_cell(stage: tuple[Stage, str, str], row: tuple[str, ...]) -> None:
    made, level, misc = stage
    who, line, *columns = row
    expected = columns[COLUMN.get(level, 4)]
    site_wide = line.startswith(("REGISTER", "SERVE", "FOR ", "PW"))
    if misc and expected[0] == "a" and not site_wide:
        expected = f"aaa{expected[3:]}"
    assert "".join(outcome(made, who, line, proof) for proof in PROOFS) == expected


def test_the_table_is_whole() -> None:
    assert {(wanted, level) for wanted in ENOUGH for level in ENOUGH[wanted]} == set(
        product(Confirm, ValidateLevel)
    )


def test_what_a_proof_is_enough_for_never_shrinks_with_a_freer_list() -> None:
    for wanted, row in ENOUGH.items():
        assert row[ValidateLevel.NO] >= row[ValidateLevel.YES] >= row[ValidateLevel.ALL]
        by_code = wanted is not Confirm.BY_PASSWORD
        assert all((Proof.CODE in enough) == by_code for enough in row.values())
