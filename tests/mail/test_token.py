"""The token of a link: it names a subscription, and nobody else can make one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv_py.mail.token import TOKEN_LENGTH, Tokens
from listserv_py.mail.verp import Verp

TOKENS = Tokens(bytes(32))
IDS = st.integers(0, 2**40 - 1)


@settings(max_examples=50)
@given(IDS)
def test_what_is_made_can_be_opened(subscription_id: int) -> None:
    token = TOKENS.token_for(subscription_id)
    assert len(token) == TOKEN_LENGTH
    assert token.isalnum()
    assert token == token.lower()
    assert TOKENS.open(token) == subscription_id
    assert TOKENS.open(token.upper()) == subscription_id


@settings(max_examples=50)
@given(IDS, st.integers(0, TOKEN_LENGTH - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_letter_can_be_changed(subscription_id: int, at: int, letter: str) -> None:
    token = TOKENS.token_for(subscription_id)
    other = token[:at] + letter + token[at + 1 :]
    assert TOKENS.open(other) is None or other == token


@settings(max_examples=50)
@given(st.text(max_size=40) | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=32, max_size=32))
def test_whatever_comes_is_read_without_harm(text: str) -> None:
    assert TOKENS.open(text) is None


def test_another_server_has_other_tokens() -> None:
    assert Tokens(bytes(31) + b"x").open(TOKENS.token_for(1)) is None


def test_ids_next_to_each_other_have_nothing_in_common() -> None:
    one, two = TOKENS.token_for(1), TOKENS.token_for(2)
    assert sum(a == b for a, b in zip(one, two, strict=True)) < 10


@pytest.mark.parametrize("secret", [bytes(32), b"s" * 32])
def test_the_key_of_verp_opens_none(secret: bytes) -> None:
    assert Verp(secret).open(Tokens(secret).token_for(7)[:24], "TEST-L") is None
