"""The settings that concern a worker, as plain data and back.

Keys and passwords are not among them: a worker reads their files itself.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from listserv_py.config import Delivery, Dkim, Dns, Settings, Site
from listserv_py.delivery.client import Timeouts
from listserv_py.delivery.messages import Terms
from listserv_py.units import HostPort


def terms(settings: Settings, timeouts: Timeouts, workers: int = 1) -> Terms:
    """What a worker is told; so many share the smarthost and its rate."""
    delivery, dkim, dns = settings.delivery, settings.dkim, settings.dns
    relay = delivery.relay
    return Terms(
        {
            "domain": settings.site.domain,
            "tls": delivery.tls,
            "relay": [relay.host, relay.port] if relay is not None else None,
            "port": delivery.port,
            "connections": delivery.connections,
            "rate": delivery.rate / (workers if relay is not None else 1),
            "username": delivery.username,
            "password_file": _text(delivery.password_file),
            "retry": [pause.total_seconds() for pause in delivery.retry],
            "max_message_age": delivery.max_message_age.total_seconds(),
            "selector": dkim.selector,
            "key_file": _text(dkim.key_file),
            "ed25519_selector": dkim.ed25519_selector,
            "ed25519_key_file": _text(dkim.ed25519_key_file),
            "servers": [[server.host, server.port] for server in dns.servers],
            "dns_timeout": dns.timeout.total_seconds(),
            "timeouts": asdict(timeouts),
        }
    )


def settings_of(message: Terms) -> tuple[Settings, Timeouts]:
    """The same as settings; they were found good where they came from."""
    told = message.values
    delivery = Delivery.model_construct(
        relay=HostPort(*told["relay"]) if told["relay"] else None,
        tls=told["tls"],
        port=told["port"],
        connections=told["connections"],
        rate=told["rate"],
        username=told["username"],
        password_file=_path(told["password_file"]),
        retry=tuple(timedelta(seconds=pause) for pause in told["retry"]),
        max_message_age=timedelta(seconds=told["max_message_age"]),
    )
    dkim = Dkim.model_construct(
        selector=told["selector"],
        key_file=_path(told["key_file"]),
        ed25519_selector=told["ed25519_selector"],
        ed25519_key_file=_path(told["ed25519_key_file"]),
    )
    dns = Dns.model_construct(
        servers=tuple(HostPort(*server) for server in told["servers"]),
        timeout=timedelta(seconds=told["dns_timeout"]),
    )
    site = Site.model_construct(domain=told["domain"])
    settings = Settings.model_construct(site=site, delivery=delivery, dkim=dkim, dns=dns)
    return settings, Timeouts(**told["timeouts"])


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _path(file: Any) -> Path | None:
    return None if file is None else Path(file)
