"""Topics: what a post is on, what SET does, and that its words lead back to what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.errors import UnknownOption
from listserv_py.lists.header import new_header, parse_header
from listserv_py.lists.model import MailingList
from listserv_py.lists.options import SINGLE_POSTS, TOPICS_SHIFT, Options, apply_words
from listserv_py.lists.optionwords import Row, describe
from listserv_py.lists.optionwords import words as words_of
from listserv_py.lists.topics import EVERYTHING, chosen, moved, said, shown, topics_of, wants
from listserv_py.mail.mailbox import parse_mailbox

TOPICS = ("News", "Jobs", "Café")
OTHER, NEWS, JOBS, CAFE = (1 << n for n in range(4))
OLGA = parse_mailbox("olga@example.org")

# (Subject, what the post is on)
SUBJECTS = [
    ("News: it rains", NEWS),
    ("news : it rains", NEWS),
    ("NEWS,jobs: both", NEWS | JOBS),
    ("News,Other: both", NEWS | OTHER),
    ("News,Sports: one unknown", OTHER),
    ("Café: coffee", CAFE),
    ("Re: News: it rains", NEWS),
    ("AW: Re[2]: [TEST-L] Jobs: wanted", JOBS),
    ("[TEST-L 12] Re: Jobs: wanted", JOBS),
    ("Sports: they won", OTHER),
    ("It is News: they won", OTHER),
    ("Hello", OTHER),
    ("", OTHER),
    ("Re: " * 50 + "News: deep", OTHER),
    ("[" * 5000, OTHER),
]


@pytest.mark.parametrize(("subject", "on"), SUBJECTS, ids=[row[0][:30] for row in SUBJECTS])
def test_what_a_post_is_on(subject: str, on: int) -> None:
    assert topics_of(subject, TOPICS) == on
    assert topics_of(subject, ()) == 0


@pytest.mark.parametrize(
    ("unwanted", "on", "gets"),
    [(0, NEWS, True), (NEWS, NEWS, False), (NEWS, NEWS | JOBS, True), (EVERYTHING, 0, True)],
)
def test_one_topic_that_is_wanted_is_enough(unwanted: int, on: int, gets: bool) -> None:
    assert wants(unwanted, on) is gets


# (SET's words, what is unwanted before and after)
SETS = [
    ("TOPICS: ALL", EVERYTHING, 0),
    ("topics:all", NEWS, 0),
    ("TOPICS: NEWS", 0, EVERYTHING & ~NEWS),
    ("TOPICS: News Other", 0, EVERYTHING & ~(NEWS | OTHER)),
    ("TOPICS: -NEWS", 0, NEWS),
    ("TOPICS: -NEWS +JOBS", JOBS, NEWS),
    ("TOPICS: ALL -CAFÉ", EVERYTHING, CAFE),
    ("TOPICS: -ALL +NEWS", 0, EVERYTHING & ~NEWS),
    ("TOPICS:NEWS NOMAIL", 0, EVERYTHING & ~NEWS),
    ("NOMAIL", NEWS, NEWS),
]


@pytest.mark.parametrize(("line", "before", "after"), SETS, ids=[row[0] for row in SETS])
def test_set(line: str, before: int, after: int) -> None:
    changed = apply_words(Options(no_topics=before), line.split(), by_owner=False, topics=TOPICS)
    assert changed == Options(mail="NOMAIL" not in line, no_topics=after)


@pytest.mark.parametrize("line", ["TOPICS:", "TOPICS: SPORTS", "TOPICS: DIGEST", "TOPICS ALL"])
def test_no_topic(line: str) -> None:
    with pytest.raises(UnknownOption):
        apply_words(Options(), line.split(), by_owner=False, topics=TOPICS)


@given(st.integers(0, EVERYTHING), st.integers(0, 23))
def test_the_words_lead_back(unwanted: int, count: int) -> None:
    topics = tuple(f"T{n}" for n in range(count))
    known = (2 << count) - 1
    _, *names = said(unwanted, topics)
    assert chosen(names, topics, 0) & known == unwanted & known
    options = Options(no_topics=unwanted)
    assert Options.decode(options.encode()) == options
    assert options.encode() & ((1 << TOPICS_SHIFT) - 1) == SINGLE_POSTS


def test_export_says_only_what_differs() -> None:
    jobs = Options(no_topics=EVERYTHING & ~JOBS)
    assert words_of(jobs, Options(), TOPICS) == ("TOPICS:", "Jobs")
    assert words_of(jobs, jobs, TOPICS) == ()
    assert words_of(Options(), jobs, TOPICS) == ("TOPICS:", "ALL")
    assert words_of(jobs, Options()) == ()


@pytest.mark.parametrize(
    ("unwanted", "seen"),
    [(0, "All"), (NEWS, "Jobs, Café, Other"), (EVERYTHING, "None"), (8 << 10, "All")],
)
def test_query_shows_them(unwanted: int, seen: str) -> None:
    assert shown(unwanted, TOPICS) == seen
    [*_, last] = describe(Options(no_topics=unwanted), TOPICS)
    assert last == Row("TOPICS:", "OPTION_TOPICS", {"TOPICS": seen})
    assert "TOPICS:" not in [row.word for row in describe(Options(no_topics=unwanted))]


@pytest.mark.parametrize(
    ("line", "unwanted"),
    [
        ("Default-Topics= All,-Jobs", JOBS),
        ("Default-Topics= News,Other", EVERYTHING & ~(NEWS | OTHER)),
        ("Default-Options= NOMAIL", 0),
    ],
)
def test_a_new_subscribers_topics(line: str, unwanted: int) -> None:
    header = parse_header(new_header("t", "T", [OLGA], ("Topics= News,Jobs,Café", line)))
    made = MailingList(1, "TEST-L", header, False, "lists.example.org")
    assert made.default_options().no_topics == unwanted


@pytest.mark.parametrize(
    ("words", "new", "gets"),
    [
        (["-Jobs"], ["News", "Café"], "All"),
        (["-Café"], ["News", "Café"], "News, Other"),
        (["-Café"], ["café", "News", "Jobs"], "News, Jobs, Other"),
        (["-News"], ["Jobs", "Café", "Sport"], "All"),
        (["Jobs"], ["Sport", "Jobs", "News"], "Jobs"),
        (["Jobs", "Other"], [], "All"),
        (["All"], ["Sport"], "All"),
        (["-All"], ["Sport", "News"], "None"),
    ],
)
def test_a_name_that_moves_takes_its_readers_along(
    words: list[str], new: list[str], gets: str
) -> None:
    assert shown(moved(chosen(words, TOPICS, 0), TOPICS, new), new) == gets


@given(
    st.integers(0, EVERYTHING),
    st.lists(st.sampled_from("ABCDEFGH"), unique=True),
    st.lists(st.sampled_from("ABCDEFGH"), unique=True),
)
def test_every_name_that_stays_is_wanted_as_before(
    unwanted: int, old: list[str], new: list[str]
) -> None:
    now = moved(unwanted, old, new)
    assert now & OTHER == unwanted & OTHER
    for name in set(old) & set(new):
        bits = 2 << old.index(name), 2 << new.index(name)
        assert bool(unwanted & bits[0]) == bool(now & bits[1])
    assert moved(EVERYTHING, old[:5], new) == EVERYTHING
    assert moved(0, old, new) == 0
