import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.errors import Refusal
from listserv_py.smtpd import replies
from listserv_py.smtpd.content import LINE_MAX, Content

PLENTY = 10_000_000


def collected(wire: bytes, *, limit: int = PLENTY, chunk: int = 1 << 18) -> tuple[Content, bytes]:
    """The content once its end has come, and what stood behind it."""
    content = Content(limit)
    for at in range(0, len(wire), chunk):
        rest = content.feed(wire[at : at + chunk])
        if rest is not None:
            return content, rest + wire[at + chunk :]
    raise AssertionError("its end was not found")


def stuffed(content: bytes) -> bytes:
    """What a client sends for `content` (RFC 5321 4.5.2), the dot included."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


LINES = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a.", b"text", b"\xff. ."]), max_size=8)


@given(LINES, st.integers(1, 7), st.binary(max_size=12))
def test_dots_are_undone_however_the_octets_are_split(
    lines: list[bytes], chunk: int, behind: bytes
) -> None:
    mail = b"".join(line + b"\r\n" for line in lines)
    content, rest = collected(stuffed(mail) + behind, chunk=chunk)
    assert content.taken(mend=False) == mail
    assert rest == behind


@given(st.binary(max_size=300).filter(lambda text: b"\r\n.\r\n" not in b"\r\n" + text))
def test_mended_content_has_no_bare_break(text: bytes) -> None:
    content, _ = collected(text + b"\r\n.\r\n" if b"\r\n.\r\n" not in text + b"\r\n" else b".\r\n")
    mended = content.taken(mend=True)
    assert b"\0" not in mended
    assert mended.count(b"\r") == mended.count(b"\n") == mended.count(b"\r\n")


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n"]
)
def test_no_other_end_ends_a_mail(end: bytes) -> None:
    content, rest = collected(b"one" + end + b"two\r\n.\r\nQUIT\r\n")
    assert rest == b"QUIT\r\n"
    with pytest.raises(Refusal) as caught:
        content.taken(mend=False)
    assert (caught.value.code, caught.value.enhanced) == (554, "5.6.0")


@pytest.mark.parametrize("octet", [b"\r", b"\n", b"\0", b"\r\r\n"])
def test_what_stands_bare_is_refused(octet: bytes) -> None:
    content, _ = collected(b"a" + octet + b"b\r\n.\r\n")
    with pytest.raises(Refusal):
        content.taken(mend=False)


def test_an_endless_line_is_dropped_once_it_is_over_the_limit() -> None:
    content, chunk = Content(100_000), b"A" * 65536
    most = 0
    for _ in range(1000):
        assert content.feed(chunk) is None
        most = max(most, content.held)
    assert most < 300_000
    assert content.held < 10
    assert content.is_far_too_big
    assert content.feed(b"\r\n.\r") is None
    assert content.feed(b"\nNOOP\r\n") == b"NOOP\r\n"
    with pytest.raises(Refusal) as caught:
        content.taken(mend=True)
    assert caught.value.code == 552


@pytest.mark.parametrize("mail", [b"." * 100 + b"\r\n", b".\r\n" * 34, b"..\r\n" * 25])
def test_the_limit_counts_the_mail_and_not_its_stuffing(mail: bytes) -> None:
    content, _ = collected(stuffed(mail), limit=len(mail))
    assert content.taken(mend=False) == mail
    content, _ = collected(stuffed(mail), limit=len(mail) - 1)
    with pytest.raises(Refusal) as caught:
        content.taken(mend=False)
    assert caught.value.code == 552


def test_the_first_fault_stays() -> None:
    content = Content(10)
    content.drop(replies.NO_ROOM)
    assert content.feed(b"A" * 1000 + b"\r\n.\r\n") == b""
    with pytest.raises(Refusal) as caught:
        content.taken(mend=False)
    assert caught.value.code == 452


@pytest.mark.parametrize(("length", "fits"), [(LINE_MAX, True), (LINE_MAX + 1, False)])
@pytest.mark.parametrize("before", [b"", b"short\r\n" * 20_000])
def test_lines_up_to_64k_are_kept(length: int, fits: bool, before: bytes) -> None:
    mail = before + b"A" * length + b"\r\nmore\r\n"
    content, _ = collected(mail + b".\r\n")
    if fits:
        assert content.taken(mend=False) == mail
    else:
        with pytest.raises(Refusal) as caught:
            content.taken(mend=False)
        assert (caught.value.code, caught.value.enhanced) == (554, "5.6.0")
