"""Behind a real Postfix by LMTP, and in front of one as our smarthost."""

import os
import shutil
import smtplib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback_rig import CODE, DOMAIN, Server, Sink, read_mail, wait_for
from postfix_rig import Postfix

LISTSERV = f"listserv@{DOMAIN}"
ANNA = "anna@example.net"
BERT = "bert@example.net"


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a Postfix")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the user postfix can enter, as it cannot the tests' own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def postfix(
    open_folder: Path, sink: Sink, make_server: Callable[..., Server]
) -> Iterator[tuple[Postfix, Server]]:
    made = Postfix(open_folder / "postfix", open_folder / "lmtp", sink.address)
    server = make_server(transport="smtp", relay=f"127.0.0.1:{made.behind}")
    text = server.config.read_text().replace(
        f"unix:{server.folder}/lmtp", f"unix:{open_folder}/lmtp"
    )
    server.config.write_text(text)
    server.run("dkim")
    server.start().wait_up()
    shutil.chown(open_folder / "lmtp", "postfix")
    yield made.start(), server
    made.stop()


def send(postfix: Postfix, sender: str, to: list[str], text: str) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.front) as client:
        client.sendmail(sender, to, text.replace("\n", "\r\n").encode())


def test_through_postfix_and_back(postfix: tuple[Postfix, Server], sink: Sink) -> None:
    mta, server = postfix
    server.run("create", "PARTY-L", "--owner", "owner@example.org", "--set", "Send= Public")
    server.run("cmd", "QUIET", "ADD", "PARTY-L", BERT, "Bert", "Berg")
    head = f"From: Anna Arm <{ANNA}>\nTo: listserv\nMessage-ID: <a1@example.net>\n\n"
    send(mta, ANNA, [LISTSERV], f"{head}SUBSCRIBE PARTY-L\n")
    [request] = mails(sink, ANNA, 1)
    found = CODE.search(request)
    assert found
    assert "DKIM-Signature" in request
    send(mta, ANNA, [LISTSERV], head.replace("a1", "a2") + f"OK {found[1]}\n")
    mails(sink, ANNA, 3)
    assert ANNA in server.run("export", "PARTY-L")

    two = [f"party-l@{DOMAIN}", f"nobody-l@{DOMAIN}"]
    send(mta, ANNA, two, head.replace("a1", "a3") + "Hello, all.\n")
    post = mails(sink, BERT, 1)[0]
    assert "Message-ID: <a3@example.net>" in post
    bounced = wait_for(
        lambda: [one for one in mails(sink, ANNA, 4) if "550 5.1.1" in one],
        "Postfix bounces the recipient that we refused, and only that one",
    )
    assert len(bounced) == 1
    consent = server.run("personal-data", ANNA)
    assert '"asked_host": "127.0.0.1"' in consent


def mails(sink: Sink, address: str, many: int) -> list[str]:
    """The mails that the smarthost behind Postfix took for an address."""

    def look() -> list[str]:
        found = [one.content.decode() for one in sink.copies() if one.rcpt == address]
        return found if len(found) >= many else []

    found = wait_for(look, f"{many} mails to {address}")
    assert isinstance(found, list)
    assert all(read_mail(one.encode()) is not None for one in found)
    return found
