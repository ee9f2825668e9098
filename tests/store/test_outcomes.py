from hypothesis import given
from hypothesis import strategies as st

from listserv_py.store.outcomes import Fate, pack, unpack

OVER = [fate for fate in Fate if fate.is_final]
pages = st.dictionaries(st.integers(1, 2**50), st.sampled_from(OVER)).map(
    lambda found: sorted(found.items())
)


@given(pages)
def test_unpack_reads_what_pack_wrote(page: list[tuple[int, Fate]]) -> None:
    assert list(unpack(pack(page))) == page


def test_a_copy_takes_about_a_byte() -> None:
    assert len(pack((number, Fate.SENT) for number in range(1, 501))) == 500
