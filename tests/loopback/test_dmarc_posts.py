"""Posts from a domain with p=reject, judged as a strict host would: by dkimpy and by Mail::DKIM."""

from __future__ import annotations

import asyncio
import email.utils
import os
import smtplib
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from loopback_rig import DOMAIN, Copy, Server, Sink, wait_for
from name_server import NameServer
from rsa_key import KEY

FORMATS = Path(__file__).parent.parent / "stories/formats"
AS_IT_CAME = (
    *("text-plain", "text-flowed", "text-iso-8859-1", "text-gb18030", "text-without-mime"),
    *("signed-smime", "signed-pgp", "encrypted-smime", "text-with-attachment"),
)
OTHERWISE_TEXT = (
    *("alternative", "alternative-base64", "html-alone", "related-in-alternative"),
    *("inline-image-in-mixed", "alternative-calendar", "charset-windows-1251", "forwarded"),
)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
# What Gmail signs, or nearly so: nothing that a list puts in.
COVERED = "from to cc subject date message-id mime-version content-type in-reply-to references"
HTML, TEXT = "hanna@example.com", "theo@example.com"
_PERL = r"""
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ["127.0.0.1"], port => $ARGV[0]));
shift;
for my $file (@ARGV) {
    my $verifier = Mail::DKIM::Verifier->new(); open(my $mail, "<:raw", $file);
    while (<$mail>) { $verifier->PRINT($_); } $verifier->CLOSE;
    print join(" ", map { $_->domain . "=" . $_->result } $verifier->signatures), "\n";
}
"""


def record(key: rsa.RSAPrivateKey) -> list[str]:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    public = b64encode(der).decode()
    return [f'"v=DKIM1; p={public[:200]}" "{public[200:]}"']


def post(name: str) -> bytes:
    raw = (FORMATS / name / "in.eml").read_bytes().replace(b"joe@example.org", b"joe@example.net")
    at = raw.index(b"From:")  # what stands above it has come on later ways
    signature = dkim.sign(
        raw[at:], b"s1", b"example.net", PEM, include_headers=COVERED.encode().split()
    )
    return bytes(signature) + raw[at:]


async def test_copies_pass_with_the_authors_signature_or_under_the_alias(
    make_server: Callable[..., Server], sink: Sink, tmp_path: Path
) -> None:
    zone: dict[tuple[str, str], list[str] | str] = {
        ("_dmarc.example.net", "TXT"): ['"v=DMARC1; p=reject"'],
        ("s1._domainkey.example.net", "TXT"): record(KEY),
    }
    async with NameServer(zone).listening() as names:
        extra = f'[dns]\nservers = ["127.0.0.1:{names.port}"]'
        server = make_server(extra=extra, transport="smtp", relay=sink.address)
        copies = await asyncio.to_thread(play, server, sink, tmp_path)
        ours = load_pem_private_key((server.folder / "dkim.pem").read_bytes(), None)
        assert isinstance(ours, rsa.RSAPrivateKey)
        zone[f"lists._domainkey.{DOMAIN}", "TXT"] = record(ours)
        await asyncio.to_thread(judge, copies, zone, names.port, tmp_path)


def play(server: Server, sink: Sink, folder: Path) -> list[Copy]:
    server.run("dkim")
    server.start().wait_up()
    server.run("create", "TEST-L", "--owner", "olga@example.com", "--set", "Send= Public")
    rows = folder / "rows.csv"
    rows.write_text(
        "address,name,options,subscribed\n" + f"{HTML},,,\n{TEXT},,NOHTML,\n", encoding="utf-8"
    )
    server.run("import", "TEST-L", str(rows))
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
        for name in (*AS_IT_CAME, *OTHERWISE_TEXT):
            client.sendmail("joe@example.net", [f"test-l@{DOMAIN}"], post(name))

    def arrived() -> list[Copy]:
        return [one for one in sink.copies() if one.rcpt in (HTML, TEXT)]

    wait_for(lambda: len(arrived()) == 2 * len((*AS_IT_CAME, *OTHERWISE_TEXT)), "all copies")
    answer(server, sink, arrived())
    return arrived()


def answer(server: Server, sink: Sink, copies: list[Copy]) -> None:
    """Somebody answers an alias, and a stranger tries one that nobody has."""
    found = {email.utils.parseaddr(from_line(one.content))[1] for one in copies}
    (alias,) = found - {"joe@example.net"}
    text = f"From: {TEXT}\r\nTo: {alias}\r\nMessage-ID: <a@example.com>\r\n\r\nJust for you.\r\n"
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
        client.sendmail(TEXT, [alias], text.encode())
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.1\.1"):
            client.sendmail(TEXT, [f"0123456789abcdef-dmarc-request@{DOMAIN}"], text.encode())
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.3\.4"):
            client.sendmail(TEXT, [alias], b"X: y\r\n" * 1_000_000)
    wait_for(lambda: any(one.rcpt == "joe@example.net" for one in sink.copies()), "the answer")
    (passed_on,) = (one for one in sink.copies() if one.rcpt == "joe@example.net")
    assert passed_on.sender == f"owner-listserv@{DOMAIN}"
    assert passed_on.content.endswith(b"\r\n\r\nJust for you.\r\n")
    assert b"DKIM-Signature" not in passed_on.content


def judge(
    copies: list[Copy], zone: dict[tuple[str, str], list[str] | str], port: int, folder: Path
) -> None:
    files = []
    for number, one in enumerate(copies):
        name = one.message_id.strip("<>").partition("@")[0]
        is_as_it_came = one.rcpt == HTML or name in AS_IT_CAME
        author = email.utils.parseaddr(from_line(one.content))[1]
        assert (author == "joe@example.net") is is_as_it_came, (name, one.rcpt, author)
        assert author == "joe@example.net" or author.endswith(f"-dmarc-request@{DOMAIN}")
        assert verdicts(one.content, zone) == [True, is_as_it_came], (name, one.rcpt)
        files.append(folder / f"{number}.eml")
        files[-1].write_bytes(one.content)
    perl = subprocess.run(["perl", "-MMail::DKIM", "-e1"], capture_output=True, check=False)
    if perl.returncode and "CI" not in os.environ:
        pytest.skip("libmail-dkim-perl is not installed")
    done = subprocess.run(
        ["perl", "-e", _PERL, str(port), *map(str, files)], capture_output=True, check=True
    )
    for one, line in zip(copies, done.stdout.decode().splitlines(), strict=True):
        author = email.utils.parseaddr(from_line(one.content))[1]
        passed = "pass" if author == "joe@example.net" else "fail"
        assert line == f"{DOMAIN}=pass example.net={passed}"


def from_line(content: bytes) -> str:
    head = content.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").decode("utf-8", "replace")
    return next(line[5:] for line in head.split("\r\n") if line.startswith("From:"))


def verdicts(content: bytes, zone: dict[tuple[str, str], list[str] | str]) -> list[bool]:
    def find(name: bytes, **_: float) -> bytes:
        found = zone[name.decode().rstrip("."), "TXT"]
        return "".join(found).replace('" "', "").strip('"').encode()

    found = []
    for index in (0, 1):
        try:
            found.append(bool(dkim.DKIM(content).verify(index, dnsfunc=find)))
        except dkim.ValidationError:
            found.append(False)
    return found
