"""`[site] language`: whose answers and lists it is for, and what stands before it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.config import Settings
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.texts.forms import LANGUAGES, Forms
from listserv_py.texts.words import read_own
from listserv_py.units import Tongue


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    site = {"domain": "lists.example.org", "data_dir": str(tmp_path), "language": "German"}
    made.settings = Settings.model_validate({"site": site})
    made.create("PLAIN-L", {})
    made.create("ENGLISH-L", {"set": ["Language= English"]})
    yield made
    made.close()


def say(stage: Stage, text: str, site: str = "") -> str:
    turn = replace(stage.turn(), forms=replace(Forms.load(), site=read_own(site)))
    return run_job(turn, parse_mailbox("joe@example.net"), text)[0]


def test_what_names_no_list_comes_in_it(stage: Stage) -> None:
    assert "Trägt Sie in eine Liste ein" in say(stage, "HELP")
    assert "Unbekannter Befehl" in say(stage, "FOO")


def test_a_list_without_a_language_speaks_it(stage: Stage) -> None:
    assert "nicht auf der Liste PLAIN-L" in say(stage, "SIGNOFF PLAIN-L")
    assert "not on the ENGLISH-L list" in say(stage, "SIGNOFF ENGLISH-L")


def test_what_the_site_words_itself_is_nearer(stage: Stage) -> None:
    own = ">>> SUMMARY_SUBSCRIBE\nHinein"
    assert "\n    Hinein\n" in say(stage, "HELP", own)
    assert "Setzt jemanden auf eine Liste" in say(stage, "HELP", own)


def test_it_can_be_each_language_that_there_is() -> None:
    allowed = {name.upper() for name in get_args(get_args(Tongue)[0])}
    assert {LANGUAGES[name] for name in allowed - {"ENGLISH"}} == set(Forms.load().languages)
