from contextlib import suppress

import pytest
from ceiling import ceiling
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.errors import Refusal
from listserv_py.mail.mailbox import Mailbox
from listserv_py.smtpd.paths import Transaction, read_mail, read_rcpt

DOMAIN = "lists.example.org"
SAID = st.text(max_size=60) | st.text('<>@."\\:; =aSIZE1', max_size=40)


@given(SAID)
def test_anything_may_be_said(text: str) -> None:
    for read in (
        lambda: read_mail(f"FROM:{text}", extended=True, limit=1000),
        lambda: read_rcpt(f"TO:{text}", domain=DOMAIN, smtputf8=True),
        lambda: read_mail(text, extended=True, limit=1000),
    ):
        with suppress(Refusal):
            assert isinstance(read(), Transaction | Mailbox)


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8})?", fullmatch=True), st.integers(0, 1000))
def test_what_is_right_is_read(local: str, size: int) -> None:
    found = read_mail(f"FROM:<{local}@b.org> SIZE={size}", extended=True, limit=1000)
    assert found == Transaction(Mailbox(local, "b.org"), size=size)


def test_a_quoted_bracket_does_not_end_a_path() -> None:
    found = read_mail(r'FROM:<"a> b\"@c"@d.org> SIZE=1', extended=True, limit=10)
    assert found.reverse_path == Mailbox('a> b"@c', "d.org")


def test_the_null_path_is_nobody() -> None:
    assert read_mail("FROM:<>", extended=True, limit=10).reverse_path is None


@pytest.mark.parametrize("text", ['"' * 500, '"a' * 250, "\\" * 500, "<" * 500, '""' * 250])
def test_hostile_paths_take_no_time(text: str) -> None:
    with ceiling(), pytest.raises(Refusal):
        read_rcpt(f"TO:<{text}", domain=DOMAIN, smtputf8=False)


@pytest.mark.parametrize("size", ["²", "1.5", "0x10", "+1", "٣", "9" * 21])
def test_a_size_is_ascii_digits(size: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_mail(f"FROM:<a@b.org> SIZE={size} SMTPUTF8", extended=True, limit=10)
    assert caught.value.code == 501
