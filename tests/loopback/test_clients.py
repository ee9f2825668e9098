"""Real mail clients subscribe and confirm: swaks by flags, mutt by its own reply."""

import subprocess
from pathlib import Path

from loopback_rig import CODE, DOMAIN, Server

LISTSERV = f"listserv@{DOMAIN}"
ANNA = "anna@example.net"


def subscribed(server: Server) -> bool:
    return ANNA in server.run("export", "PARTY-L")


def test_swaks(server: Server) -> None:
    server.run("create", "PARTY-L", "--owner", "owner@example.org")

    def swaks(body: str, subject: str) -> None:
        subprocess.run(
            [
                "swaks", "--server", "127.0.0.1", "--port", str(server.port), "--from", ANNA,
                "--to", LISTSERV, "--header", f"Subject: {subject}", "--body", body,
            ],
            check=True, capture_output=True,
        )  # fmt: skip

    swaks("SUBSCRIBE PARTY-L Anna Arm", "hello")
    [request] = server.received(ANNA, 1)
    assert not subscribed(server)
    found = CODE.search(str(request["Subject"]))
    assert found
    swaks(f"OK {found[1]}", "no matter")
    server.received(ANNA, 3)
    assert subscribed(server)


def test_mutt(server: Server, tmp_path: Path) -> None:
    """Mutt writes a mail, then replies to the request with its own quoting below the ok."""
    server.run("create", "PARTY-L", "--owner", "owner@example.org")
    rc = tmp_path / "muttrc"
    rc.write_text(
        f"""
set from = "{ANNA}"
set realname = "Anna Arm"
set use_from = yes
set smtp_url = "smtp://127.0.0.1:{server.port}"
set ssl_starttls = no
set ssl_force_tls = no
set copy = no
set folder = "{server.data_dir}/maildir"
set mbox_type = Maildir
set header_cache = ""
set editor = "{tmp_path}/editor"
set include = yes
set fast_reply = yes
set autoedit = yes
set edit_headers = no
set sig_on_top = no
set confirmappend = no
set move = no
set recall = no
set crypt_use_gpgme = no
"""
    )
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\n(echo ok; echo; cat "$1") > "$1.new" && cat "$1.new" > "$1"\n')
    editor.chmod(0o755)
    subprocess.run(
        ["mutt", "-F", str(rc), "-s", "join", LISTSERV],
        input="JOIN PARTY-L Anna Arm\n", text=True, check=True, capture_output=True,
    )  # fmt: skip
    server.received(ANNA, 1)
    inbox = server.data_dir / "maildir" / ANNA
    keys = "push <first-entry><reply><send-message><exit>"
    subprocess.run(
        ["script", "-qec", f"mutt -F {rc} -f {inbox} -e '{keys}'", "/dev/null"],
        check=True, capture_output=True, timeout=30, stdin=subprocess.DEVNULL,
        env={"TERM": "xterm", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    server.received(ANNA, 3)
    assert subscribed(server)
