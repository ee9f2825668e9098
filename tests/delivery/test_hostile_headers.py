from listserv_py.delivery.asciiheader import in_ascii
from listserv_py.delivery.xtags import moved
from listserv_py.lists.values import XTags
from listserv_py.mail.fields import Field
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
