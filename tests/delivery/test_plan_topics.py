"""A post on some topics is planned for those alone who want one of them."""

from dataclasses import replace

import pytest

from listserv_py.delivery import plan
from listserv_py.lists.options import HeaderStyle, Options
from listserv_py.mail.listheaders import ListFacts
from listserv_py.store.sending import Reader

FACTS = ListFacts("TEST-L", "T", "lists.example.org", "listserv@lists.example.org")
OTHER, NEWS, JOBS = 1, 2, 4
PEOPLE = {
    "all": Options(),
    "no-news": Options(no_topics=NEWS, header=HeaderStyle.IETF, html=False),
    "only-jobs": Options(no_topics=OTHER | NEWS),
    "none": Options(no_topics=OTHER | NEWS | JOBS),
}
READERS = [
    Reader(n, f"{name}@example.net", f"{name}@example.net", options.encode())
    for n, (name, options) in enumerate(PEOPLE.items(), 1)
]


@pytest.mark.parametrize(
    ("topics", "names"),
    [
        (0, ["all", "no-news", "only-jobs", "none"]),
        (OTHER, ["all", "no-news"]),
        (NEWS, ["all"]),
        (NEWS | JOBS, ["all", "no-news", "only-jobs"]),
        (8, ["all", "no-news", "only-jobs", "none"]),
    ],
)
def test_who_gets_it(topics: int, names: list[str]) -> None:
    facts = replace(FACTS, topics=topics)
    planned = plan.page(READERS, facts, lambda _: b"owner-test-l@lists.example.org", lambda *_: b"")
    assert [one.rcpt.partition("@")[0] for one in planned] == names


def test_topics_make_no_variants() -> None:
    planned = plan.page(READERS, FACTS, lambda _: b"", lambda *_: b"")
    assert len({one.variant for one in planned}) == 2
    assert plan.variant_of(READERS[1].options & plan.FORM).style is HeaderStyle.IETF
