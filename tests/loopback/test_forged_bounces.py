"""A flood of forged bounces to a running server: nobody goes, nobody is answered, all is read."""

import re
import signal
import smtplib
import sqlite3
from collections.abc import Callable
from contextlib import closing

from loopback_rig import DOMAIN, Server, wait_for

JOE, OLGA = "joe@example.net", "olga@example.org"
MANY = 100


def report(number: int, message_id: str) -> bytes:
    hostile = "a@" * 20_000 if number == 7 else ""
    text = (
        f"From: MAILER-DAEMON@example.net\nSubject: failure notice\nMessage-ID: <{number}@x>\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\n\nGone {hostile}\n\n--b\nContent-Type: message/delivery-status\n\n"
        f"Final-Recipient: rfc822; {JOE}\nAction: failed\nStatus: 5.1.1\n\n"
        f"--b\nContent-Type: message/rfc822\n\nMessage-ID: {message_id}\n\nx\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def test_a_flood_of_forged_bounces(make_server: Callable[..., Server]) -> None:
    server = make_server().start().wait_up()
    server.run("create", "TEST-L", "--owner", OLGA, "--set", "Send= Public")
    server.run("import", "TEST-L", "-", given=f"{JOE}\n")
    server.mail(OLGA, f"test-l@{DOMAIN}", "Hello all", "Hello")
    (copy,) = server.received(JOE, 1)
    raw = server.inbox(JOE)[0].read_text()
    stolen = re.search(rf"owner-test-l\+[0-9a-z]+@{DOMAIN}", raw)
    assert stolen is not None
    addresses = [stolen[0], f"owner-test-l@{DOMAIN}", f"owner-test-l+{'a' * 24}@{DOMAIN}"]
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
        for number in range(MANY):
            client.sendmail("", [addresses[number % 3]], report(number, str(copy["message-id"])))
    server.stop(signal.SIGKILL)
    server.start().wait_up()

    def judged() -> bool:
        with closing(
            sqlite3.connect(f"file:{server.data_dir}/listserv.db?mode=ro", uri=True)
        ) as db:
            return not db.execute("SELECT 1 FROM spool WHERE state = 'ready'").fetchone()

    wait_for(judged, "all is worked off")
    with closing(sqlite3.connect(f"file:{server.data_dir}/listserv.db?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT subscriber_id IS NULL, count(*) FROM bounce GROUP BY 1"
        ).fetchall()
    assert dict(rows) == {0: 1, 1: 66}
    assert JOE in server.run("export", "TEST-L")
    assert len(server.inbox(JOE)) == 1
    assert server.inbox(OLGA) == []
