"""Telling systemd how we are: readiness, stopping, the watchdog (sd_notify(3))."""

import os
import socket


def tell(state: str) -> None:
    """Send one state line to the supervisor; does nothing where there is none."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where:
        return
    address = "\0" + where[1:] if where.startswith("@") else where
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.connect(address)
            channel.send(state.encode())
        except OSError:
            # A supervisor that does not listen is no reason to stop serving mail.
            return


def watchdog_interval() -> float | None:
    """How often the watchdog wants to hear of us, in seconds: half of what it allows."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if not (mine and microseconds.isascii() and microseconds.isdigit()):
        return None
    return int(microseconds) / 2_000_000
