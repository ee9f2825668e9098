"""Golden mails: each MIME shape, as HTML and as text, byte for byte.

A folder of `stories/formats` is a shape: `in.eml` as it came in, the two others as they go out.
"""

import re
from pathlib import Path

import pytest

from listserv_py.delivery.render import render
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import read

FORMATS = Path(__file__).parent.parent / "stories" / "formats"
SHAPES = sorted(path.name for path in FORMATS.iterdir() if path.is_dir())
ENCODED_ANEW = {"long-lines"}
FACTS = ListFacts(
    listname="TEST-L",
    title="Tests for all",
    domain="lists.example.org",
    command_address="listserv@lists.example.org",
    subject_tag="TEST-L",
    stamp=1791190800,
)


def rendered(raw: bytes, *, plain: bool, style: HeaderStyle = HeaderStyle.FULL) -> bytes:
    variant = render(raw, FACTS, plain=plain, style=style)
    return variant.head + b"\r\n" + variant.body


@pytest.mark.parametrize("plain", [False, True], ids=["html", "nohtml"])
@pytest.mark.parametrize("shape", SHAPES)
def test_golden_mail(shape: str, plain: bool, update_golden: bool) -> None:
    mail = rendered((FORMATS / shape / "in.eml").read_bytes(), plain=plain)
    golden = FORMATS / shape / ("nohtml.eml" if plain else "html.eml")
    if update_golden:
        golden.write_bytes(mail)
    assert mail == golden.read_bytes()


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - ENCODED_ANEW))
def test_html_variant_keeps_the_body(shape: str) -> None:
    raw = (FORMATS / shape / "in.eml").read_bytes()
    assert read(rendered(raw, plain=False)).body == read(raw).body


@pytest.mark.parametrize("shape", SHAPES)
def test_nohtml_variant_has_no_html_to_read(shape: str) -> None:
    mail = read(rendered((FORMATS / shape / "in.eml").read_bytes(), plain=True))
    assert mail.fault is None
    if shape.startswith(("signed", "encrypted", "report")):
        return
    html = [part for part in mail.root.walk() if part.content_type == "text/html"]
    assert all(part.disposition == "attachment" for part in html)


# What is signed is not touched, however long its lines are.
@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"long-lines-signed"}))
@pytest.mark.parametrize("plain", [False, True], ids=["html", "nohtml"])
def test_no_line_is_too_long(shape: str, plain: bool) -> None:
    mail = rendered((FORMATS / shape / "in.eml").read_bytes(), plain=plain)
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.replace(b"\r\n", b"")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("plain", [False, True], ids=["html", "nohtml"])
def test_seven_bit_form_is_ascii(shape: str, plain: bool) -> None:
    raw = (FORMATS / shape / "in.eml").read_bytes()
    variant = render(raw, FACTS, plain=plain, style=HeaderStyle.FULL, seven_bit=True)
    assert variant.head.isascii()
    assert variant.body.isascii()
    eight = rendered(raw, plain=plain)
    if eight.isascii():
        assert variant.head + b"\r\n" + variant.body == eight
    texts = [part.as_text().rstrip("\n") for part in read(eight).root.walk() if not part.children]
    seven = read(variant.head + b"\r\n" + variant.body)
    assert [p.as_text().rstrip("\n") for p in seven.root.walk() if not p.children] == texts


def test_every_shape_is_in_the_docs() -> None:
    page = (FORMATS.parents[2] / "docs" / "formats.md").read_text()
    assert sorted(set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE))) == SHAPES
