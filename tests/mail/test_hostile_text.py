import encodings

from listserv_py.mail.passwords import shows_password, without_password
from listserv_py.mail.words import decode_words
from tests.ceiling import ceiling


def test_a_line_of_a_million_blanks_is_searched_for_a_password_in_linear_time() -> None:
    with ceiling():
        assert not shows_password("x" + " " * 1_000_000)
        assert without_password("=" + "\t" * 1_000_000 + "x").endswith("x")


def test_charsets_that_strangers_invent_are_not_remembered() -> None:
    before = len(encodings._cache)  # type: ignore[attr-defined]  # what grows in Python itself
    said = " ".join(f"=?x-own-{number}?q?a?= and" for number in range(2000))
    spelt = " ".join(f"=?iso-8859-2{'-' * number}?q?=B1?= and" for number in range(20))
    assert decode_words(said) == " ".join(["a and"] * 2000)
    assert decode_words(spelt) == " ".join(["ą and"] * 20)
    assert len(encodings._cache) <= before + 10  # type: ignore[attr-defined]
