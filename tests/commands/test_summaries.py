"""What HELP and the reference card say of the commands: forms, which a site may word anew."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.card import card
from listserv_py.commands.interpreter import run_job
from listserv_py.commands.table import COMMANDS
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.texts.forms import Forms
from listserv_py.texts.words import Words, read_own

FORMS = Forms.load()
GERMAN = "".join(
    (files("listserv_py") / "templates" / "de" / f"{name}.mailtpl").read_text(encoding="utf-8")
    for name in ("commands", "summaries", "details", "options")
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def say(stage: Stage, text: str, site: str = "") -> str:
    turn = replace(stage.turn(), forms=replace(FORMS, site=read_own(site)))
    return run_job(turn, parse_mailbox("joe@example.net"), text)[0]


def test_help_is_in_english_where_nobody_says_otherwise(stage: Stage) -> None:
    assert "\n    Join a list\n" in say(stage, "HELP")
    assert "\n    Join a list (also JOIN, SIGNUP)\n" in say(stage, "INFO REFCARD")
    assert "\nJoin a list.\n" in say(stage, "HELP SUBSCRIBE")


def test_a_site_with_german_forms_helps_in_german(stage: Stage) -> None:
    told = say(stage, "HELP", GERMAN)
    assert "\n    Trägt Sie in eine Liste ein\n" in told
    assert "Join" not in told
    assert "\nTrägt Sie in eine Liste ein.\n" in say(stage, "HELP SUBSCRIBE", GERMAN)
    told = say(stage, "INFO REFCARD", GERMAN)
    assert "GROSSBUCHSTABEN" in told
    assert "    Trägt Sie in eine Liste ein (auch JOIN" in told
    assert "\nMail        Sie bekommen die Mail dieser Liste\n" in say(stage, "HELP SET", GERMAN)


@pytest.mark.parametrize("own", [".EB", ".IM SUMMARY_SET", ".IM NONE"])
def test_a_summary_that_cannot_be_filled_is_passed_over(stage: Stage, own: str) -> None:
    assert "Change your options" in say(stage, "HELP", f">>> SUMMARY_SET\n{own}")


def test_every_command_has_its_summary_and_every_summary_its_command() -> None:
    ours = {name for name in FORMS.by_name if name.startswith("SUMMARY_")}
    assert ours == {unit.summary_form for unit in COMMANDS.units}


def test_what_help_tells_in_detail_is_of_a_command_and_in_german_too(stage: Stage) -> None:
    ours = {name for name in FORMS.by_name if name.startswith("DETAILS_")}
    assert ours <= {unit.details_form for unit in COMMANDS.units}
    assert len(ours) > len(COMMANDS.units) / 2
    for name in ours:
        assert FORMS.languages["de"][name].body != FORMS.by_name[name].body
    assert "There is no more to it" not in say(stage, "HELP SIGNOFF")
    assert "Dieser Server steht allein" in say(stage, "HELP SIGNOFF", GERMAN).replace("\n", " ")


def test_no_summary_is_the_same_in_both_languages() -> None:
    for unit in COMMANDS.units:
        german = FORMS.languages["de"][unit.summary_form].body
        assert german != FORMS.by_name[unit.summary_form].body
        assert not german.endswith(".")


def test_the_german_card_names_all_commands() -> None:
    told = card(COMMANDS, Words(FORMS, language="German"))
    assert all(unit.line in told for unit in COMMANDS.units)
