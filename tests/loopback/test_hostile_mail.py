"""Hostile words to the running server: what leaves at the smarthost, and what the log has of it."""

import re
import smtplib
import socket
from collections.abc import Callable

from loopback_rig import DOMAIN, Server, Sink, wait_for

EVE, JOE, OLGA = "eve@example.com", "joe@example.net", "olga@example.org"
SECRET = "Sesame-Open-1"  # noqa: S105 - of nobody
LISTSERV, OPEN, MODERATED = (f"{name}@{DOMAIN}" for name in ("listserv", "open-l", "mod-l"))
NAUGHTY = [
    "=?utf-8?q?x=0D=0ABcc:_third=40example.com?=",
    "x\x0bBcc: third@example.com",
    "x\x1b[2J\x07",
    "\u2028Bcc: third@example.com",
    "2026-11-22T12:00:00Z info mail.accepted id=forged",
    "' OR 1=1; DROP TABLE subscriber;--",
    "../../../etc/passwd {{7*7}} ${7*7} %(x)s &LISTNAME;",
    "<script>alert(1)</script>",
    "x" * 900,
]
SMUGGLED = [
    b"MAIL FROM:<eve@example.com>\rRCPT TO:<third@example.com>\r\n",
    b"MAIL FROM:<eve@example.com\n>\r\n",
    b"MAIL FROM:<eve@example.com> BODY=8BITMIME RCPT TO:<third@example.com>\r\n",
    b'MAIL FROM:<"a\\\r\nb"@example.com>\r\n',
    b"RCPT TO:<open-l@lists.example.org>,<third@example.com>\r\n",
    b"RCPT TO:<third@example.com>\r\n",
    b"RCPT TO:<open-l%example.com@lists.example.org>\r\n",
    b"EHLO \x1b[2J\x07 2026-11-22T12:00:00Z info mail.accepted id=forged\r\n",
]
OURS = re.compile(
    r"(?:DKIM-Signature|Received|From|To|Subject|Date|Message-ID|In-Reply-To|References|Reply-To"
    r"|Auto-Submitted|X-Auto-Response-Suppress|X-LSV-ListID|MIME-Version|Content-Type"
    r"|Content-Transfer-Encoding|Sender|Precedence|List-[A-Z][a-z]+): "
)


def talk(client: smtplib.SMTP, to: str, subject: str, name: str, body: str) -> None:
    raw = (
        f'From: "{name}" <{EVE}>\r\nTo: {to}\r\nSubject: {subject}\r\n'
        f"Message-ID: <{abs(hash((to, subject, name, body)))}@client.example>\r\n\r\n{body}\r\n"
    ).encode()
    client.sendmail(EVE, [to], raw)


def smuggle(server: Server) -> None:
    """Each is refused, and none of them is read as a recipient."""
    for line in SMUGGLED:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            client.sendall(
                b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n" * line.startswith(b"R")
            )
            client.sendall(b"EHLO client.example\r\n" * line.startswith(b"M") + line + b"QUIT\r\n")
            said = b"".join(iter(lambda: client.recv(4096), b""))
        assert b"250 2.1.5" not in said, (line, said)
        assert b"\r\n5" in said or line.startswith(b"E"), (line, said)


def settle(sink: Sink, many: int) -> None:
    wait_for(lambda: len(sink.copies()) >= many, "all of it leaves")


def test_what_leaves_is_what_we_meant(make_server: Callable[..., Server], sink: Sink) -> None:
    server = (
        make_server(
            transport="smtp", relay=sink.address, extra="[limits]\nanswers_per_address = 1000"
        )
        .start()
        .wait_up()
    )
    server.run("create", "OPEN-L", "--owner", OLGA, "--set", "Send= Public")
    server.run("create", "MOD-L", "--owner", OLGA, "--set", "Send= Editor,Hold")
    server.run("import", "OPEN-L", "-", given=f"{JOE}\n")
    smuggle(server)
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
        for text in NAUGHTY:
            quoted = text.replace('"', "").replace("\\", "")
            talk(client, OPEN, text, quoted, f"Hello {text}")
            talk(client, MODERATED, text, quoted, f"Hello {text}")
            talk(client, LISTSERV, text, quoted, f"REGISTER {text}\r\nSIGNOFF OPEN-L PW={SECRET}")
        talk(client, LISTSERV, "x", "Eve", f"SUBSCRIBE OPEN-L Eve\r\nPW ADD {SECRET}")
    settle(sink, 3 * len(NAUGHTY))
    copies = sink.copies()
    assert {copy.rcpt for copy in copies} <= {JOE, OLGA, EVE}
    for copy in copies:
        head = copy.content.partition(b"\r\n\r\n")[0].decode()
        fields = [line for line in head.split("\r\n") if line[:1] not in " \t"]
        assert all(OURS.match(line) for line in fields), head
        names = [line.partition(":")[0].lower() for line in fields]
        assert len(set(names) - {"received"}) == len([name for name in names if name != "received"])
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", copy.content)
        assert SECRET.encode() not in copy.content
    codes = {code for copy in copies for code in re.findall(r"\(([0-9A-F]{16})\)", copy.subject)}
    assert codes
    server.stop()
    log = (server.folder / "log").read_text(encoding="utf-8")
    lines = log.splitlines()
    assert all(
        re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+\S* (?:info|warning|error) ", one) for one in lines
    )
    assert not [one for one in lines if "mail.accepted id=forged" in one.split(" ", 2)[2][:30]]
    assert log.isascii() or log.replace("\n", "").isprintable()
    assert not [code for code in codes if code in log]
    assert SECRET not in log
