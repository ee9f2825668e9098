import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.errors import OwnerOnlyOption, UnknownOption
from listserv_py.lists.options import (
    OPTIONS,
    SINGLE_POSTS,
    HeaderStyle,
    Mode,
    Options,
    apply_words,
    find_option,
)
from listserv_py.lists.optionwords import describe, words

ANY = st.builds(
    Options,
    mail=st.booleans(),
    mode=st.sampled_from(Mode),
    mime=st.booleans(),
    html=st.sampled_from([None, True, False]),
    ack=st.booleans(),
    repro=st.booleans(),
    conceal=st.booleans(),
    header=st.sampled_from(HeaderStyle),
    renew=st.booleans(),
    post=st.booleans(),
    editor=st.booleans(),
    review=st.booleans(),
)


@given(ANY)
def test_decode_inverts_encode(options: Options) -> None:
    assert Options.decode(options.encode()) == options


@given(ANY)
def test_bit_0_says_who_gets_single_posts(options: Options) -> None:
    gets = options.mail and options.mode is Mode.NONE
    assert bool(options.encode() & SINGLE_POSTS) == options.gets_single_posts == gets


@given(ANY, ANY)
def test_words_lead_from_the_default_to_the_options(options: Options, default: Options) -> None:
    reached = apply_words(default, words(options, default), by_owner=True)
    if options.html is None and default.html is not None:
        assert reached.html is True
    else:
        assert reached == options


def test_a_new_subscriber() -> None:
    new = Options()
    assert new.encode() == SINGLE_POSTS
    assert (new.mail, new.mode, new.html, new.mime) == (True, Mode.NONE, None, False)
    assert (new.repro, new.ack, new.conceal, new.header) == (True, False, False, HeaderStyle.FULL)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.word)
def test_every_word_and_its_shortest_abbreviation_name_it(option: object) -> None:
    assert isinstance(option, type(OPTIONS[0]))
    for length in range(option.shortest, len(option.word) + 1):
        assert find_option(option.word[:length].lower()) is option
    assert find_option(option.word[: option.shortest - 1]) is not option


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.word)
def test_a_word_holds_after_its_effect(option: object) -> None:
    assert isinstance(option, type(OPTIONS[0]))
    start = Options(mail=False) if option.word == "MAIL" else Options()
    without_effect = {"MSGACK", "FILES", "NOFILES", "MAX", "NOMAX"}
    assert option.word in without_effect or option.holds(option.effect(start))


@pytest.mark.parametrize(
    ("said", "start", "expected"),
    [
        ("NOMAIL", Options(mode=Mode.DIGEST), Options(mail=False, mode=Mode.DIGEST)),
        ("MAIL", Options(mail=False, mode=Mode.DIGEST), Options(mode=Mode.DIGEST)),
        ("MAIL", Options(mode=Mode.DIGEST), Options()),
        ("DIG", Options(mail=False, mode=Mode.INDEX), Options(mode=Mode.DIGEST)),
        ("INDEX", Options(mode=Mode.DIGEST), Options(mode=Mode.INDEX)),
        ("NODIGEST", Options(mode=Mode.INDEX), Options(mode=Mode.INDEX)),
        ("NOINDEX", Options(mode=Mode.INDEX), Options()),
        ("HTML", Options(), Options(html=True)),
        ("NOHTML", Options(html=True), Options(html=False)),
        ("MSG", Options(ack=True), Options()),
        ("noack repro ack", Options(repro=False), Options(ack=True)),
        ("subj ietf", Options(), Options(header=HeaderStyle.IETF)),
        ("NOPOST EDITOR REVIEW", Options(), Options(post=False, editor=True, review=True)),
    ],
)
def test_what_set_does(said: str, start: Options, expected: Options) -> None:
    assert apply_words(start, said.split(), by_owner=True) == expected


@pytest.mark.parametrize(
    "word",
    ["", "M AIL", "MAILS", "NO", "SU", "\u017fUBJECTHDR", "MA\u0130L", "NOMAIL\n", "X" * 500],
)
def test_no_option(word: str) -> None:
    with pytest.raises(UnknownOption):
        apply_words(Options(), [word], by_owner=True)


@pytest.mark.parametrize("word", ["POST", "NOPOST", "EDIT", "NOEDITOR", "REV", "NOREV", "RENEW"])
def test_what_only_owners_set(word: str) -> None:
    with pytest.raises(OwnerOnlyOption):
        apply_words(Options(), [word], by_owner=False)


def test_what_query_prints() -> None:
    printed = [row.word for row in describe(Options())]
    posts = ["MAIL", "NODIGESTS", "NOINDEX", "NOMIME", "HTML"]
    assert printed == [*posts, "NOACK", "REPRO", "NOCONCEAL", "FULLHDR"]
    changed = Options(mail=False, mode=Mode.DIGEST, html=False, post=False)
    assert {"NOMAIL", "DIGESTS", "NOHTML", "NOPOST"} < {row.word for row in describe(changed)}


@pytest.mark.parametrize("words", [["TOPICS:", "ALL"], ["topics:all"], ["NOFILES", "FILE"]])
def test_what_is_taken_without_effect(words: list[str]) -> None:
    assert apply_words(Options(), [*words, "NOMAIL"], by_owner=False) == Options(mail=False)


@pytest.mark.parametrize("words", [["TOPICS:"], ["TOPICS:", "NEWS"], ["TOPICS", "ALL"], ["ALL"]])
def test_there_are_no_topics_to_choose(words: list[str]) -> None:
    with pytest.raises(UnknownOption):
        apply_words(Options(), words, by_owner=False)
