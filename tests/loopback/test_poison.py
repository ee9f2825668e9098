"""A mail that no turn can be finished for: three tries, then it is set aside; the rest flows."""

import sqlite3
from contextlib import closing

from loopback_rig import DOMAIN, Server, wait_for

LISTSERV = f"listserv@{DOMAIN}"
POISON = "poison@example.net"


def test_a_poisonous_mail_is_set_aside_after_three_tries(server: Server) -> None:
    with closing(sqlite3.connect(server.data_dir / "listserv.db", timeout=20)) as db:
        # The one thing that makes a sound program fail at one mail again and again.
        db.execute(
            "CREATE TRIGGER poison BEFORE DELETE ON spool"
            f" WHEN OLD.reverse_path LIKE '%{POISON}%' BEGIN SELECT RAISE(ABORT, 'poison'); END"
        )
        db.commit()
        server.mail(POISON, LISTSERV, "THANKS\n")
        server.mail("anna@example.net", LISTSERV, "THANKS\n")
        assert len(server.received("anna@example.net", 1)) == 1
        wait_for(lambda: "intake.set_aside" in log(server), "it is set aside")
        assert log(server).count("intake.failed") == 3
        db.execute("DROP TRIGGER poison")
        db.commit()
    assert server.inbox(POISON) == [], "a turn that fails sends nothing"
    server.run("queue", "retry")
    assert len(server.received(POISON, 1)) == 1


def log(server: Server) -> str:
    return (server.folder / "log").read_text(errors="replace")
