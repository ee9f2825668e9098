"""The site's own forms: `templates/site.mailtpl` in the data folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from listserv_py.maillog import get_logger
from listserv_py.texts.forms import Forms
from listserv_py.texts.words import read_own

log = get_logger("texts")

PLACE = "templates/site.mailtpl"


def load(data_dir: Path) -> Forms:
    """The forms of the program, and the site's own in front of them where there are any."""
    text, problem = read(data_dir)
    if problem:
        log.error("site_forms.unreadable", file=PLACE, error=problem)
    return replace(Forms.load(), site=read_own(text)) if text else Forms.load()


def read(data_dir: Path) -> tuple[str, str]:
    """The text of the site's forms, "" without any; and why it cannot be read."""
    try:
        return (data_dir / PLACE).read_text(encoding="utf-8"), ""
    except FileNotFoundError:
        return "", ""
    except UnicodeDecodeError:
        return "", "it is not UTF-8"
    except OSError as exc:
        return "", exc.strerror or "it cannot be read"
