"""A private Postfix on high loopback ports: in front of us by LMTP, and behind us as smarthost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from loopback_rig import DOMAIN, free_port, wait_for

MASTER = """
127.0.0.1:{front} inet n - n - - smtpd
127.0.0.1:{behind} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = {domain}
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
transport_maps = inline:{{ {domain}=lmtp:unix:{lmtp} }}
default_transport = smtp:[127.0.0.1]:{sink}
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
smtputf8_enable = yes
minimal_backoff_time = 2s
queue_run_delay = 2s
"""


class Postfix:
    """One Postfix instance with its own queue."""

    def __init__(self, folder: Path, lmtp: Path, sink: str) -> None:
        self.folder = folder
        self.front, self.behind = free_port(), free_port()
        for name in ("conf", "queue", "data"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix")
        values = {
            "folder": folder,
            "lmtp": lmtp,
            "domain": DOMAIN,
            "sink": sink.rpartition(":")[2],
            "front": self.front,
            "behind": self.behind,
        }
        (folder / "conf" / "main.cf").write_text(MAIN.format(**values))
        (folder / "conf" / "master.cf").write_text(MASTER.format(**values))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Postfix:
        conf = str(self.folder / "conf")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["postfix", "-c", conf, "check"], check=True, **quiet)
        self.process = subprocess.Popen(
            ["/usr/lib/postfix/sbin/master", "-c", conf, "-d"], start_new_session=True, **quiet
        )
        wait_for(self._is_up, "Postfix answers")
        return self

    def stop(self) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGTERM)
            self.process.wait(15)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _is_up(self) -> bool:
        return (
            subprocess.run(
                [
                    "swaks",
                    "--server",
                    "127.0.0.1",
                    "--port",
                    str(self.front),
                    "--quit-after",
                    "EHLO",
                ],
                capture_output=True,
                check=False,
            ).returncode
            == 0
        )
