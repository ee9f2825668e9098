from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.cli.rosters import Fault, Roster, read_roster, write_roster
from listserv_py.control.rosters import Row

JANUARY = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

GOOD = {
    "csv": (
        b"address,name,options,subscribed\r\n"
        b'joe@example.com,"Doe, Joe",NOHTML CONCEAL,2026-01-02T03:04:05Z\r\n',
        [Row(2, "joe@example.com", "Doe, Joe", ("NOHTML", "CONCEAL"), JANUARY)],
    ),
    "csv, columns in another order, byte order mark": (
        "\ufeffname,address\nJörg,joerg@bücher.example\n".encode(),
        [Row(2, "joerg@xn--bcher-kva.example", "Jörg")],
    ),
    "csv, addresses only": (b"address\na@b.example\n\n", [Row(2, "a@b.example")]),
    "csv, offset of the time": (
        b"address,subscribed\na@b.example,2026-01-02T05:04:05+02:00\n",
        [Row(2, "a@b.example", subscribed=JANUARY)],
    ),
    "listserv list file": (
        b"* A list of testers\n*\n* Owner= boss@example.com\nJoe@Example.COM Joe Doe\n",
        [Row(4, "Joe@example.com", "Joe Doe")],
    ),
    "listserv list file, coded columns": (
        b"* A list\n" + b"joe@example.com  Joe Doe".ljust(80) + b"BCGwAA//AAA/0000\n",
        [Row(2, "joe@example.com", "Joe Doe")],
    ),
    "mailman roster": (
        b'a@b.example\nJoe Doe <joe@example.com>\n"Doe, Jane" <jane@example.com>\n\n',
        [
            Row(1, "a@b.example"),
            Row(2, "joe@example.com", "Joe Doe"),
            Row(3, "jane@example.com", "Doe, Jane"),
        ],
    ),
    "empty": (b"", []),
}

BAD = {
    "not utf-8": (b"a@b.example\n\xff\xfe\n", [(2, "UTF-8")]),
    "no address": (b"joe\nb@c.example\n@\n", [(1, "'joe'"), (3, "'@'")]),
    "injected command": (b'address\n"a@b.example>\r\nRCPT TO:<x@y.example"\n', [(3, "address")]),
    "twice": (b"a@b.example\nA@B.example Me\n", [(2, "stands on line 1")]),
    "too many fields": (b"address,name\na@b.example,Joe,x\n", [(2, "has 3 fields")]),
    "unknown column": (b"address,shoe size\na@b.example,43\n", [(1, "shoe size")]),
    "broken quotes": (b'address,name\na@b.example,"Joe" x\n', [(2, "is not CSV")]),
    "option": (b"address,options\na@b.example,NOHTML BLUE\n", [(2, "'BLUE'")]),
    "time": (b"address,subscribed\na@b.example,yesterday\n", [(2, "yesterday")]),
    "name": (b"address,name\na@b.example,x\x07y\n", [(2, "control character")]),
    "long name": (b"a@b.example " + b"x" * 300 + b"\n", [(1, "longer")]),
}


@pytest.mark.parametrize("case", GOOD)
def test_reads(case: str) -> None:
    raw, rows = GOOD[case]
    assert read_roster(raw) == Roster(tuple(rows), ())


@pytest.mark.parametrize("case", BAD)
def test_names_each_bad_line(case: str) -> None:
    raw, expected = BAD[case]
    faults = read_roster(raw).faults
    assert [fault.line for fault in faults] == [line for line, _ in expected]
    for fault, (_, words) in zip(faults, expected, strict=True):
        assert words in fault.text


def test_a_fault_reads_as_one_line() -> None:
    assert str(Fault(3, "is not UTF-8")) == "line 3: is not UTF-8"


def test_hears_how_far_it_is() -> None:
    heard: list[int] = []
    read_roster(b"a@b.example\n\nc@d.example\n", heard.append)
    assert heard == [1, 3]


NAMES = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)
ROWS = st.lists(
    st.builds(
        lambda local, name, options, when: (f"{local}@example.com", name.strip(" "), options, when),
        st.from_regex(r"[a-z0-9=+]{1,20}", fullmatch=True),
        NAMES,
        st.lists(st.sampled_from(["NOHTML", "DIGEST", "CONCEAL"]), unique=True),
        st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    unique_by=lambda row: row[0],
    max_size=5,
)


@given(ROWS)
def test_what_is_written_is_read_back(rows: list[tuple[str, str, list[str], datetime]]) -> None:
    written = [Row(0, address, name, tuple(o), when) for address, name, o, when in rows]
    text = "".join(write_roster(written))
    read = read_roster(text.encode())
    assert read.faults == ()
    assert [(r.address, r.name, list(r.options or ()), r.subscribed) for r in read.rows] == rows


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    read_roster(raw)
    read_roster(b"address,name\n" + raw)
