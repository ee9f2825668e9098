import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from listserv_py.delivery.asciiheader import in_ascii
from listserv_py.delivery.copies import Batch, Copy
from listserv_py.delivery.form import Caps
from listserv_py.delivery.journal import Journals
from listserv_py.delivery.lane import Lane
from listserv_py.delivery.office import Office
from listserv_py.delivery.render import Variant
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.wire import Letter
from listserv_py.delivery.xtags import moved
from listserv_py.errors import Broken
from listserv_py.lists.values import XTags
from listserv_py.mail.fields import Field
from listserv_py.store.outcomes import Fate
from tests.ceiling import ceiling

LIST = "test-l@lists.example.org"


def field_of(name: str, value: bytes) -> Field:
    return Field(name.lower(), name.encode() + b": " + value + b"\r\n", value)


def test_a_word_without_end_is_no_address() -> None:
    with ceiling():
        kept = moved((field_of("To", b"a" * 1_000_000),), XTags.YES, LIST)
    assert [one.name for one in kept] == ["to", "x-to"]


def test_a_word_with_an_at_inside_is_an_address() -> None:
    for words in (b"@a, a@, @", b"Test <%b>" % LIST.upper().encode()):
        one = field_of("To", words + b" <" + LIST.encode() + b">")
        assert moved((one,), XTags.YES, LIST) == (one,)
    other = field_of("To", LIST.encode() + b", a@b")
    assert len(moved((other,), XTags.YES, LIST)) == 2


def test_quotes_that_nothing_closes_are_read_once() -> None:
    with ceiling():
        made = in_ascii(field_of("Cc", "ä".encode() + b'"\\' * 60_000))
    assert made.name == "cc"


def test_more_blanks_than_a_line_may_have_keep_no_mail_from_being_rendered() -> None:
    for name in ("Subject", "To", "Content-Type", "Comments"):
        for value in (
            b"x" + b" " * 5000 + b"\xff",
            b"x" + b"\t" * 5000 + "ü ; a=ü".encode(),
            b"Re: " * 1000 + b"\xff",
        ):
            made = in_ascii(field_of(name, value))
            assert made.raw.isascii()
            assert len(max(made.raw.split(b"\r\n"), key=len)) <= 998


async def test_a_mail_that_cannot_be_made_seven_bits_wide_is_held(tmp_path: Path) -> None:
    def make(seven_bit: bool) -> Variant:
        if seven_bit:
            raise Broken("a header line that cannot be folded")
        return Variant("Subject: ü\r\n".encode(), b"")

    office = SimpleNamespace(router=SimpleNamespace(has_relay=True), rate=0, limit=0, clock=int)
    lane = Lane("relay", cast(Office, office))
    section = Journals(tmp_path).section(1)
    batch = Batch(Patience((60,), 1000), int, lambda _: None, section)
    copy = Copy(1, None, "ann@example.net", b"", Letter(make, (), 0), 0, batch)
    batch.enter([copy])
    lane.put([copy], urgent=False)
    assert lane.take(Caps()) is None
    await asyncio.gather(*lane._tasks)
    assert [one.fate for one in batch.settled] == [Fate.HELD]
    assert lane.take(Caps()) is None
    assert not lane._tasks
