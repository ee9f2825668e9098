"""Which lists give their readers a link for one-click unsubscription."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import DOMAIN, NOW, Stage

from listserv_py.config import Web
from listserv_py.lists.options import Options
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.posting import oneclick
from listserv_py.posting.copyrules import ruled
from listserv_py.posting.prepare import is_closed

BASE = "https://lists.example.org/mail/"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(oneclick, "LARGE", 3)
    made = Stage(tmp_path)
    made.settings = made.settings.model_copy(update={"web": Web(base_url=BASE)})
    yield made
    made.close()


def link(stage: Stage, *keywords: str, people: int = 1) -> str:
    """Where the links of posts to such a list begin, "" for none."""
    stage.create("TEST-L", {"set": list(keywords)})
    made = stage.tx.lists.get("TEST-L")
    for number in range(people):
        who = parse_mailbox(f"p{number}@example.net")
        stage.tx.subscribers.add(made.id, who, "", Options(), NOW)
    facts = ListFacts("TEST-L", "", DOMAIN, "", send_closed=is_closed(made))
    facts = ruled(facts, made, 1)
    return oneclick.with_one_click(stage.turn(), made, facts).one_click


@pytest.mark.parametrize(
    ("keywords", "people", "has_links"),
    [
        (("Send= Owner",), 1, True),
        (("Send= Private",), 3, False),
        (("Send= Private",), 4, True),
        (("Send= Private", "Misc-Options= ONE_CLICK"), 1, True),
        (("Send= Owner", "Misc-Options= NO_ONE_CLICK"), 4, False),
        (("Send= Owner", "Misc-Options= ONE_CLICK,NO_DKIM_SIGNATURE"), 4, False),
    ],
)
def test_lists_that_want_it(
    stage: Stage, keywords: tuple[str, ...], people: int, has_links: bool
) -> None:
    expected = "https://lists.example.org/mail/u/" if has_links else ""
    assert link(stage, *keywords, people=people) == expected


def test_without_an_address_of_the_pages_there_is_none(stage: Stage) -> None:
    stage.settings = stage.settings.model_copy(update={"web": Web()})
    assert link(stage, "Misc-Options= ONE_CLICK") == ""
