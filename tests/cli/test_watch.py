"""`queue watch` on a terminal: nothing but the list's name is cut, and Ctrl-C is how one leaves."""

from __future__ import annotations

import io
from typing import Any, cast

from rich.console import Console

from listserv_py.cli.operator import Operator
from listserv_py.cli.watch import _live
from listserv_py.store.progress import Progress

POST = Progress(
    1234, "ANNOUNCEMENTS-OF-A-LONG-NAME", "running", False, 1795381505, None, 1_000_000, 612_345,
    12, 4100, 995_900, 1234.5, 9716,
)  # fmt: skip


class Asked:
    """Whom the watch asks; the second time somebody presses Ctrl-C."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, *_: Any) -> list[Progress]:
        self.asked += 1
        if self.asked > 1:
            raise KeyboardInterrupt
        return [POST]


def test_eighty_columns_are_enough() -> None:
    out = io.StringIO()
    asked = Asked()
    _live(cast(Operator, asked), Console(file=out, width=80, force_terminal=True), 0.0)
    shown = out.getvalue()
    assert asked.asked == 2
    for one in ("1234 ", "ANNOUN", "11-22 21:05", "612345", "4100", "995900", "1234.5", "2:41:56"):
        assert one in shown, shown
    assert {line.count("…") for line in shown.splitlines() if "1234.5" in line} == {1}
    assert "…" not in "".join(line for line in shown.splitlines() if "to come" in line)
