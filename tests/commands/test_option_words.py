"""What QUERY, SET and HELP SET say of the options: in the words of the list, or the site's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.lists.options import OPTIONS
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.texts.forms import Forms
from listserv_py.texts.words import ROW_MAX

FORMS = Forms.load()
OLGA, JOE = "olga@example.org", "joe@example.net"
PEOPLE = ["joe@example.net | Joe Doe", "ann@example.de | Ann Mid | NOPOST"]
TOPICS = "Topics= News,Jobs"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    set_ = ["Language= German", "Digest= Yes,Same,Daily", "Validate= No", TOPICS]
    made.create("DE-L", {"subscribers": PEOPLE, "set": set_})
    made.create("EN-L", {"subscribers": PEOPLE, "set": ["Validate= No", TOPICS]})
    yield made
    made.close()


def say(stage: Stage, text: str, who: str = JOE) -> str:
    return run_job(stage.turn(), parse_mailbox(who), text)[0]


def own_words(stage: Stage, text: str) -> None:
    found = stage.tx.lists.get("DE-L")
    stage.tx.templates.put(found.id, "MAILTPL", text, stage.now)


def test_query_speaks_the_language_of_each_list(stage: Stage) -> None:
    english, german = say(stage, "QUERY EN-L"), say(stage, "QUERY DE-L")
    assert "\nMAIL       You get this list's mail\n" in english
    assert "\nMAIL       Sie bekommen die Mail dieser Liste\n" in german
    assert "\nTOPICS:    Sie bekommen Beiträge zu diesen Themen: All\n" in german
    assert "You" not in german
    both = say(stage, "QUERY *")
    assert "You get this list's mail" in both
    assert "Sie bekommen die Mail dieser Liste" in both


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("NOMAIL", "Sie bekommen vorerst keine Mail dieser Liste\n"),
        ("NOMAIL UNTIL 2030-01-02", "keine Mail dieser Liste, bis 2030-01-02"),
        ("DIGESTS AT 07:00", "gesammelt in Digests, um 07:00"),
        ("INDEX AT 07:00", "ohne ihren Text, um 07:00"),
        ("MAX 3/DAY", "MAX 3/DAY  Was nach 3 Beiträgen am Tag noch kommt"),
    ],
)
def test_set_says_what_holds_now(stage: Stage, options: str, shown: str) -> None:
    said = say(stage, f"SET DE-L {options}")
    assert shown in said
    assert "You" not in said


def test_an_owner_words_an_option_anew(stage: Stage) -> None:
    own_words(stage, ">>> OPTION_MAIL\nMail von\n&LISTNAME\n\n>>> OPTION_ACK\n.QQ\n")
    assert "\nMAIL       Mail von DE-L\n" in say(stage, "QUERY DE-L")
    assert "You get this list's mail" in say(stage, "QUERY EN-L")


@pytest.mark.parametrize("own", [".EB", ".IM OPTION_MAIL", "&DATE" + "\n.IM NONE"])
def test_an_option_that_cannot_be_filled_is_passed_over(stage: Stage, own: str) -> None:
    own_words(stage, f">>> OPTION_MAIL\n{own}")
    assert "Sie bekommen die Mail dieser Liste" in say(stage, "QUERY DE-L")


def test_an_option_stays_one_row(stage: Stage) -> None:
    own_words(stage, ">>> OPTION_MAIL\n.FO OFF\n" + "word\n" * 4000)
    [row] = [line for line in say(stage, "QUERY DE-L").splitlines() if line.startswith("MAIL ")]
    assert len(row) <= len("MAIL       ") + ROW_MAX


def test_help_names_every_option_with_its_meaning(stage: Stage) -> None:
    said = say(stage, "HELP SET")
    for option in OPTIONS:
        meaning = " ".join(FORMS.by_name[option.form].body.split())
        assert f"{option.syntax:<11} {meaning}" in said


def test_every_form_of_an_option_has_its_option() -> None:
    ours = {name for name in FORMS.by_name if name.startswith("OPTION_")}
    timed = {"NOMAIL_UNTIL", "DIGESTS_AT", "INDEX_AT", "MAX_DAY", "TOPICS"}
    assert ours == {option.form for option in OPTIONS} | {f"OPTION_{one}" for one in timed}


def test_no_meaning_is_the_same_in_both_languages() -> None:
    for name, form in FORMS.languages["de"].items():
        if name.startswith("OPTION_"):
            assert form.body != FORMS.by_name[name].body, name
