"""Copies with header fields of their own: put in and signed when they are sent, by both keys."""

import base64
import re
import time
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from rsa_key import KEY as RSA

from listserv_py.config import Dkim
from listserv_py.delivery import personal
from listserv_py.delivery.form import SIGNED_ROOM, Caps, wire_of
from listserv_py.delivery.render import render
from listserv_py.delivery.sign import Signer, load
from listserv_py.delivery.wire import Letter
from listserv_py.errors import ConfigError
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import read
from listserv_py.mail.token import Tokens

ED = ed25519.Ed25519PrivateKey.generate()
SIGNERS = (Signer("lists.test", "one", RSA), Signer("lists.test", "two", ED))
RAW, PEM = serialization.Encoding.Raw, serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
RECORDS = {
    b"one": b"v=DKIM1; k=rsa; p="
    + b"".join(RSA.public_key().public_bytes(PEM, SPKI).split(b"\n")[1:-2]),
    b"two": b"v=DKIM1; k=ed25519; p="
    + base64.b64encode(ED.public_key().public_bytes(RAW, serialization.PublicFormat.Raw)),
}
FACTS = ListFacts(
    listname="NEWS-L",
    title="News",
    domain="lists.test",
    command_address="listserv@lists.test",
    stamp=int(time.time()),
    one_click="https://lists.test/a-rather-long-prefix/of-the-proxy/u/",
)
TOKENS = Tokens(bytes(32))
POST = (
    b"Received: from a by b\r\n.odd: a field that begins with a dot\r\n"
    b"From: J\xc3\xb6rg <joe@example.org>\r\nTo: news-l@lists.test\r\n"
    b"Subject: News\r\nDate: Mon, 5 Oct 2026 09:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n"
    b"List-Unsubscribe: <mailto:elsewhere@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b".Gr\xc3\xbc\xc3\x9fe\r\n..\r\n"
)


def letter(
    style: HeaderStyle = HeaderStyle.FULL,
    facts: ListFacts = FACTS,
    signers: tuple[Signer, ...] = SIGNERS,
) -> Letter:
    def make(seven_bit: bool):  # type: ignore[no-untyped-def]
        return render(POST, facts, plain=False, style=style, seven_bit=seven_bit)

    return Letter(make, signers, facts.stamp)


def copy(
    style: HeaderStyle = HeaderStyle.FULL,
    number: int = 1,
    facts: ListFacts = FACTS,
    *,
    seven_bit: bool = False,
) -> bytes:
    """A copy as its reader gets it."""
    own = personal.fields(facts, TOKENS.token_for)(style, "ann@example.net", number)
    made = letter(style, facts)
    if seven_bit:
        made.make_seven()
    form = made.form(Caps()) if seven_bit else made.main
    assert form
    wire = wire_of(form, own, made.signers)
    assert len(wire) <= form.size <= len(wire) + SIGNED_ROOM
    assert wire.endswith(b"\r\n.\r\n")
    return re.sub(rb"(?m)^\.", b"", wire.removesuffix(b".\r\n"))


def verifies(mail: bytes) -> list[bool]:
    """What dkimpy says of each of the two signatures."""

    def holds(at: int) -> bool:
        try:
            return bool(
                dkim.DKIM(mail).verify(
                    idx=at, dnsfunc=lambda name, **_: RECORDS[name.split(b".")[0]]
                )
            )
        except dkim.DKIMException:
            return False

    return [holds(0), holds(1)]


@pytest.mark.parametrize("seven_bit", [False, True])
@pytest.mark.parametrize("style", list(HeaderStyle))
def test_both_signatures_hold(style: HeaderStyle, seven_bit: bool) -> None:
    mail = copy(style, seven_bit=seven_bit)
    assert verifies(mail) == [True, True]
    fields = read(mail).fields
    [link] = [one.value for one in fields if one.name == "list-unsubscribe"]
    [post] = [one.value for one in fields if one.name == "list-unsubscribe-post"]
    assert b"/u/" + TOKENS.token_for(1).encode() + b">," in link
    assert b"<mailto:news-l-unsubscribe-request@lists.test>" in link
    assert post == b"List-Unsubscribe=One-Click"
    assert max(map(len, mail.partition(b"\r\n\r\n")[0].split(b"\r\n"))) < 200


@pytest.mark.parametrize("name", ["list-unsubscribe", "list-unsubscribe-post", "to", "from"])
def test_what_is_the_copys_own_is_inside_both(name: str) -> None:
    mail = copy(HeaderStyle.FULL822)
    tags = re.findall(rb" h=([^;]*);", mail)
    for one in tags:
        assert one.split().count(name.encode()) == 2
    assert verifies(name.encode() + b": on top\r\n" + mail) == [False, False]
    field = next(one.raw for one in read(mail).fields if one.name == name)
    assert verifies(mail.replace(field, field.replace(b"e", b"x"))) == [False, False]


def test_each_copy_differs_from_the_others_by_its_fields_and_signatures() -> None:
    one, two = copy(number=1), copy(number=2)
    assert one == copy(number=1)
    assert one.partition(b"\r\n\r\n")[2] == two.partition(b"\r\n\r\n")[2]
    ours = {"dkim-signature", "list-unsubscribe"}
    rest = [
        [field.raw for field in read(mail).fields if field.name not in ours] for mail in (one, two)
    ]
    assert rest[0] == rest[1]


def test_where_all_copies_are_the_same_they_are_signed_once() -> None:
    facts = ListFacts("NEWS-L", "News", "lists.test", "listserv@lists.test", stamp=1)
    form = letter(facts=facts).main
    assert wire_of(form, b"", ()) is form.wire
    assert form.wire.count(b"DKIM-Signature:") == 2
    assert b"List-Unsubscribe-Post" not in form.wire


def test_without_keys_it_goes_out_unsigned() -> None:
    form = letter(signers=()).main
    own = personal.fields(FACTS, TOKENS.token_for)(HeaderStyle.FULL, "ann@example.net", 1)
    wire = wire_of(form, own, ())
    assert b"DKIM-Signature" not in wire
    assert own in wire


def test_a_form_is_plain_data() -> None:
    form = letter().main
    assert form.sealed
    values = [getattr(form.sealed, name) for name in form.sealed.__slots__]
    values += [getattr(form, name) for name in form.__slots__ if name not in ("sealed", "program")]
    assert {type(one) for one in values} <= {bytes, str, int, bool}


def test_keys_are_read_and_refused_by_what_they_are(tmp_path: Path) -> None:
    def written(name: str, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> Path:
        pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (tmp_path / name).write_bytes(key.private_bytes(PEM, pkcs8, plain))
        return tmp_path / name

    first, second = written("rsa", RSA), written("ed", ED)
    both = load("lists.test", Dkim(key_file=first, ed25519_key_file=second))
    assert [one.selector for one in both] == ["lists", "lists-ed25519"]
    assert len(load("lists.test", Dkim(ed25519_key_file=second))) == 1
    assert load("lists.test", Dkim(ed25519_key_file=tmp_path / "absent")) == ()
    with pytest.raises(ConfigError, match=r"dkim\.ed25519_key_file"):
        load("lists.test", Dkim(key_file=first, ed25519_key_file=first))
    with pytest.raises(ConfigError, match=r"dkim\.key_file"):
        load("lists.test", Dkim(key_file=second))
