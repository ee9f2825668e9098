from ceiling import ceiling
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.mail.relaxed import compressed

RELAXED = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")


@given(st.text(alphabet=" \t\r\na", max_size=200))
def test_the_canonical_body_is_the_same(text: str) -> None:
    body = text.encode()
    assert RELAXED.canonicalize_body(compressed(body)) == RELAXED.canonicalize_body(body)


def test_long_runs_of_blanks_take_no_time() -> None:
    body = (b" " * 60_000 + b"x\r\n") * 100
    with ceiling():
        assert RELAXED.canonicalize_body(compressed(body)) == b" x\r\n" * 100
