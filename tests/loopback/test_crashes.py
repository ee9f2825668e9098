"""What a 250 promised holds though the server dies; a planned stop neither loses nor repeats."""

import signal
import smtplib
from collections import Counter
from collections.abc import Callable

from loopback_rig import DOMAIN, Server, Sink, wait_for

OWNER = "owner@example.org"
LISTSERV = f"listserv@{DOMAIN}"


def fill(server: Server, many: int) -> list[str]:
    people = [f"reader{number}@example.net" for number in range(many)]
    rows = "".join(f"{one},,{'NOHTML' if n % 2 else ''},\n" for n, one in enumerate(people))
    server.run("import", "BIG-L", "-", given="address,name,options,subscribed\n" + rows)
    return people


def post(server: Server, number: int = 1) -> None:
    server.mail(
        OWNER,
        f"big-l@{DOMAIN}",
        "Hello.\n",
        "A post",
        Message_ID=f"<post-{number}@example.org>",
    )


def behind(sink: Sink) -> Callable[[], Counter[str]]:
    return lambda: Counter(copy.rcpt for copy in sink.copies() if copy.subject == "A post")


def test_a_stop_in_the_middle_neither_loses_nor_repeats(
    make_server: Callable[..., Server], sink: Sink
) -> None:
    server = make_server(transport="smtp", relay=sink.address).start().wait_up()
    server.run("create", "BIG-L", "--owner", OWNER, "--set", "Send= Public")
    people = fill(server, 1500)
    counted = behind(sink)
    server.mail("stranger@example.com", f"big-l@{DOMAIN}", "Hello.\n", "A post")
    wait_for(lambda: len(counted()) > 100, "the first copies")
    assert server.stop() == 0
    halfway = counted()
    assert max(halfway.values()) == 1
    server.start().wait_up()
    wait_for(lambda: len(counted()) == len(people), "all copies")
    assert set(counted()) == set(people)
    assert max(counted().values()) == 1


def test_a_kill_in_the_middle_repeats_only_what_was_in_flight(
    make_server: Callable[..., Server], sink: Sink
) -> None:
    extra = ""
    server = make_server(transport="smtp", relay=sink.address, extra=extra).start().wait_up()
    server.run("create", "BIG-L", "--owner", OWNER, "--set", "Send= Public")
    people = fill(server, 1500)
    counted = behind(sink)
    server.mail("stranger@example.com", f"big-l@{DOMAIN}", "Hello.\n", "A post")
    wait_for(lambda: len(counted()) > 100, "the first copies")
    server.stop(signal.SIGKILL)
    server.start().wait_up()
    wait_for(lambda: len(counted()) == len(people), "all copies")
    again = [rcpt for rcpt, many in counted().items() if many > 1]
    assert len(again) <= 20, "no more than there were connections"
    assert max(counted().values()) <= 2
    same = {(copy.rcpt, copy.digest, copy.sender) for copy in sink.copies()}
    assert len(same) == len(people), "a copy sent twice is the same to the byte"


def test_what_was_answered_with_250_survives_kill_9(server: Server) -> None:
    for number in range(10):
        server.mail(f"joe{number}@example.net", LISTSERV, "THANKS\n")
    server.stop(signal.SIGKILL)
    server.start().wait_up()
    for number in range(10):
        [answer] = server.received(f"joe{number}@example.net", 1, "the answer")
        assert "You're welcome!" in answer.get_content()


def test_a_mail_sent_again_is_acted_on_once(server: Server) -> None:
    raw = b"From: joe@example.net\r\nTo: listserv\r\nMessage-ID: <1@example.net>\r\n\r\nTHANKS\r\n"
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        client.sendmail("joe@example.net", LISTSERV, raw)
        client.sendmail("joe@example.net", LISTSERV, raw)
    server.mail("joe@example.net", LISTSERV, "RELEASE\n", "the last one")
    found = server.received("joe@example.net", 2, "an answer each")
    assert sum("You're welcome!" in one.get_content() for one in found) == 1
    assert len(server.inbox("joe@example.net")) == 2


def test_a_second_server_on_the_folder_is_refused(server: Server) -> None:
    other = Server(server.folder)
    other.config.write_text(other.config.read_text().replace(str(server.port), str(other.port)))
    other.start()
    assert other.process is not None
    assert other.process.wait(30) == 1
    assert "in use" in (server.folder / "log").read_text()
    assert server.is_up()
