"""The five forms of one issue, whole: `golden/*.eml`, compared byte for byte."""

from __future__ import annotations

from pathlib import Path

from digest_rig import Digests

from listserv_py.delivery.variants import IssueForm

GOLDEN = Path(__file__).parent / "golden"


def test_the_forms_are_those_that_are_kept(tmp_path: Path, update_golden: bool) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", sets=("Notebook= Yes,Same,Monthly,Private",))
    stage.post(1, "Who has a spade?", Subject="Spades")
    stage.post(2, "I have.\r\n\r\n-- \r\nBill", Subject="Re: Spades", From="Bill <bill@x.org>")
    stage.post(
        3,
        "<h1>Roses</h1><p>They <b>bl\u00fchen</b>: <a href='https://roses.example/'>see</a>.</p>"
        "<script>alert(1)</script>",
        Subject="Roses & more",
        Content_Type="text/html; charset=utf-8",
    )
    stage.now = stage.now.replace(day=23, hour=0)
    stage.run_timers()
    for form in IssueForm:
        made = stage.rendered(form).raw.replace(b"\r\n", b"\n")
        path = GOLDEN / f"{form.value.replace(' ', '-')}.eml"
        if update_golden:
            path.write_bytes(made)
        assert made.decode() == path.read_bytes().decode()
