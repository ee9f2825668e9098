"""Job control: what is cut out of a mail, what is left of it, and how tolerant that is."""

from __future__ import annotations

import pytest
from ceiling import ceiling
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.commands import jobs
from listserv_py.commands.roster import read_roster

BULK = "QUIET ADD L DD=X IMPORT\n//X DD {operand}\njoe@example.com Joe Doe\n{end}"
JOE = (("joe@example.com", "Joe Doe"),)


def texts(job: jobs.Job) -> list[str]:
    return [line.text for line in job.lines]


@pytest.mark.parametrize(
    ("operand", "end"),
    [
        ("*", "/*\nTHANKS"),
        ("*", "/* end\nTHANKS"),
        ('*"', "/*\nTHANKS"),
        ("* this is a comment", "/*\nTHANKS"),
        ("*\r", "/*\r\nTHANKS"),
    ],
)
def test_in_line_dataset(operand: str, end: str) -> None:
    job = jobs.read(BULK.format(operand=operand, end=end))
    assert texts(job) == ["QUIET ADD L DD=X IMPORT", "THANKS"]
    assert job.lines[0].roster is not None
    assert job.lines[0].roster.rows == JOE


def test_dataset_to_the_end_of_the_mail() -> None:
    job = jobs.read(BULK.format(operand="*,EOF", end="/*\nann@example.com"))
    assert texts(job) == ["QUIET ADD L DD=X IMPORT"]
    roster = job.lines[0].roster
    assert roster is not None
    assert [address for address, _ in roster.rows] == ["joe@example.com", "ann@example.com"]
    assert roster.faults == ((2, "/*"),)


def test_dataset_on_one_line_before_its_command() -> None:
    job = jobs.read('//x dd "joe@example.com Joe Doe" a comment\nadd L dd=X')
    assert texts(job) == ["add L dd=X"]
    assert job.lines[0].roster is not None
    assert job.lines[0].roster.rows == JOE


def test_two_slashes_do_not_end_a_dataset() -> None:
    job = jobs.read("ADD L DD=X\n//X DD *\n//Y DD *\n-- \n> a@example.com\n/*\nTHANKS")
    assert texts(job) == ["ADD L DD=X", "THANKS"]
    assert job.lines[0].roster is not None
    assert len(job.lines[0].roster.faults) == 3


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("// SET L ,\n//   NOMAIL ,\nACK\nTHANKS", ["SET L NOMAIL ACK", "THANKS"]),
        ("// SUBSCRIBE L Joe,\n  Doe", ["SUBSCRIBE L Joe Doe"]),
        ("// THANKS", ["THANKS"]),
        ("// THANKS,", ["THANKS"]),
        ("ADD L a@b.c Joe\n PW=secret12 \nTHANKS\n", ["ADD L a@b.c Joe PW=secret12", "THANKS"]),
        ("THANKS\n\nPW=secret12", ["THANKS", "PW=secret12"]),
        ("//X JOB\nTHANKS\n// EOJ\nJoe Doe\nADD", ["THANKS"]),
        ("// JOB Echo=No\nTHANKS\n//X EOJ now\nADD", ["THANKS"]),
        ("THANKS\n/*\n", ["THANKS", "/*"]),
        ("//X JOB\nTHANKS\n/*\n", ["THANKS"]),
        ("//X JOB\nTHANKS\n//\nHELP\n // \n", ["THANKS", "HELP"]),
        ("//X DD\n//www.example.com\nTHANKS", ["//www.example.com", "THANKS"]),
    ],
)
def test_lines(text: str, lines: list[str]) -> None:
    assert texts(jobs.read(text)) == lines


@pytest.mark.parametrize(
    ("card", "echo", "replies", "for_others"),
    [
        ("//X JOB", True, True, False),
        ("//X JOB ECHO=NO,REPLY-TO=NONE", False, False, False),
        ("// job echo=n,stat=yes,reply-to=Sender", False, True, False),
        ("//X JOB Stat=No Echo=No", True, True, False),
        ('//X JOB Reply-to="a@b.org c@d.org",Echo=No', False, True, True),
        ("//X JOB Reply-to=a@b.org", True, True, True),
    ],
)
def test_options(card: str, echo: bool, replies: bool, for_others: bool) -> None:
    job = jobs.read(f"{card}\nTHANKS")
    assert (job.echo, job.replies, job.for_others) == (echo, replies, for_others)
    assert texts(job) == ["THANKS"]


def test_what_is_broken_is_not_half_done() -> None:
    twice = jobs.read("ADD L DD=X\n//X DD *\na@b.org\n/*\n//X DD *\nc@d.org\n/*")
    odd = jobs.read("ADD L DD=X\n//X DD DSN=OTHER")
    endless = jobs.read("ADD L DD=X\n//X DD *\n" + "\n" * jobs.LINES_MAX + "a@b.org")
    for job in (twice, odd, endless):
        assert job.lines[0].roster is not None
        assert not job.lines[0].roster.is_whole


def test_roster() -> None:
    roster = read_roster(
        [
            "joe@example.com Joe Doe",
            "",
            "JOE@example.com again",
            "Jane  Roe <jane@example.com>",
            '"od d"@example.com Odd One',
            "ann@example.com *",
            "eve@example.com Buy at http://example.com now",
            "nothing",
            "a@b@c Two",
        ]
    )
    assert roster.rows == (
        ("joe@example.com", "Joe Doe"),
        ("jane@example.com", "Jane Roe"),
        ('"od d"@example.com', "Odd One"),
        ("ann@example.com", ""),
        ("eve@example.com", "Buy at now"),
    )
    assert roster.faults == ((8, "nothing"), (9, "a@b@c Two"))


NAME = st.text("abcXYZ09-_", min_size=1, max_size=8)
WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
DATASETS = st.dictionaries(
    NAME.map(str.upper),
    st.lists(WORDS.filter(lambda line: not line.startswith("/*")), max_size=5),
    max_size=4,
)
LINES = st.lists(st.text("ABC @.", min_size=1).map(str.strip).filter(bool), max_size=5)


@given(LINES, DATASETS)
def test_what_is_written_is_read(lines: list[str], datasets: dict[str, list[str]]) -> None:
    cards = [
        f"//{name} DD *\n" + "".join(f"{one}\n" for one in rows) + "/*"
        for name, rows in datasets.items()
    ]
    deck = jobs.sort_cards("\n".join([*lines, *cards]))
    assert deck.left == (lines if lines or cards else [""])
    assert {name: list(rows) for name, rows in deck.datasets.items()} == {
        name: [row.strip("\ufeff\u3000\u200b") for row in rows] for name, rows in datasets.items()
    }
    assert not deck.broken


CARDS = st.sampled_from(
    [
        "//X DD *",
        "//X DD *,EOF",
        "/*",
        '//Y DD "a@b.org',
        "//J JOB Echo=No,",
        "// ADD L ,",
        "// EOJ",
        "//",
        "//X DD",
        "ADD L DD=X",
        "a@b.org Joe",
        "-- ",
        "> q",
        "",
    ]
)


@given(st.lists(st.one_of(CARDS, st.text()), max_size=30))
def test_never_fails(lines: list[str]) -> None:
    jobs.read("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "//X DD *\n" * 100_000,
        "// a,\n" * 200_000,
        "//" + " " * 3_000_000 + "DD *",
        "//X JOB " + "a=b," * 700_000,
        '//X JOB a="' * 300_000,
        "//X DD *\n" + "\n" * 1_000_000,
        "//X DD *,EOF\n" + "<@>" * 1_000_000,
    ],
)
def test_linear(text: str) -> None:
    with ceiling():
        jobs.read(f"ADD L DD=X\n{text}")


@pytest.mark.parametrize("card", ["", "//X JOB\n"])
def test_what_is_too_long_ends_at_a_whole_line_and_is_told(card: str) -> None:
    line = "QUIET SET TEST-L MAIL FOR joe@example.com"
    job = jobs.read(card + f"{line}\n" * 40_000)
    assert job.is_cut
    assert set(texts(job)) == {line}
    assert not jobs.read(card + line).is_cut
