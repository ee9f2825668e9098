"""The settings: one table, from which the sample configuration and `docs/settings.md` are written.

`load` reports every fault at once, each with file, line, key and what is allowed there. A field's
description is the sentence that people read; a setting without effect in this version says so. What
a folder or a file on disk makes wrong is found by `daemon/folders.py`, not by `load`: the file may
be checked on another machine than the one that serves.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from listserv_py import tomlfaults, units
from listserv_py.errors import ConfigFaults
from listserv_py.retention import Retention
from listserv_py.tomlfaults import Location
from listserv_py.units import HostPort, Table

DEFAULT_FILE = Path("/etc/listserv-py/listserv.toml")


class Site(Table):
    """Who this server is."""

    domain: units.Domain = Field(description="The host part of every address of this server.")
    postmasters: tuple[units.Address, ...] = Field(
        default=(), description="The site's maintainers: they may do everything and get its mail."
    )
    data_dir: units.Folder = Field(
        default=Path("/var/lib/listserv-py"), description="All state lies here."
    )
    name: units.Name = Field(
        default="listserv", description="The local part of the address for commands."
    )
    distribute: tuple[units.Address, ...] = Field(
        default=(),
        description="Who may have mail sent to anybody at all by DISTRIBUTE, with a password and"
        " nothing else; empty: nobody.",
    )
    timezone: units.Zone = Field(
        default="UTC",
        description="Whose clock the hours and days of lists go by, such as Europe/Vienna.",
    )
    language: units.Tongue = Field(
        default="English", description="Of answers, and of lists that say no `Language=`."
    )

    @property
    def command_address(self) -> str:
        """Where people mail their commands."""
        return f"{self.name}@{self.domain}"


class Listen(Table):
    """One table per listener, where mail comes in."""

    protocol: units.Language = Field(
        default="smtp", description="Which of the two is spoken there."
    )
    address: units.Anywhere = Field(
        default=HostPort("127.0.0.1", 2525),
        description="Where it listens; systemd:NAME takes a socket by socket activation.",
    )


class Delivery(Table):
    """How mail goes out."""

    transport: units.Transport = Field(
        default="smtp", description="With maildir, outgoing mail becomes files, for trying out."
    )
    relay: units.Peer = Field(
        default=None, description="The smarthost; left out: straight to the MX of each domain."
    )
    tls: units.Secrecy = Field(
        default="opportunistic",
        description="Whether sessions are encrypted; required also checks the relay's certificate.",
    )
    connections: units.Whole = Field(default=20, description="At most so many at once to one host.")
    rate: units.Amount = Field(
        default=0,
        description="Copies of posts a minute to one domain, or to the relay; 0: as fast as they"
        " are taken. Answers and confirmation requests do not wait for it.",
    )
    max_message_age: units.Duration = Field(
        default=timedelta(days=5),
        description="A mail that could not be delivered for so long bounces.",
    )
    retry: Annotated[tuple[units.Duration, ...], Field(min_length=1, max_length=100)] = Field(
        default=tuple(map(units.duration, ("1m", "5m", "15m", "30m", "1h", "2h", "4h"))),
        description="Pauses after a temporary failure, each ± 20 %; the last one repeats.",
    )
    port: units.Port = Field(
        default=25, description="Where MX hosts are dialled when there is no relay."
    )
    workers: units.Count = Field(
        default=0,
        description="Processes that send posts; 0: one for each core. With `connections` at 1 the"
        " server sends them itself, as it always does small mails such as answers.",
    )
    username: units.Word = Field(
        default="",
        description="SMTP AUTH at the relay; empty: none. Beyond loopback it waits for TLS, unless"
        " `tls` is never.",
    )
    password_file: units.File = Field(
        default=None, description="The file whose first line is the password."
    )


class Tls(Table):
    """STARTTLS for those who come in; empty: it is not offered."""

    certificate: units.File = Field(default=None, description="The certificate chain, PEM.")
    key: units.File = Field(default=None, description="Its private key, PEM.")


class Dkim(Table):
    """Our signature on what goes out."""

    selector: units.Selector = Field(
        default="lists", description="The name under _domainkey in the DNS."
    )
    key_file: units.File = Field(
        default=None,
        description="The private key, PEM; left out, or the file absent: nothing is signed, and"
        " `check` says so.",
    )
    ed25519_selector: units.Selector = Field(
        default="lists-ed25519",
        description="The name under _domainkey of the second key; not the first one's.",
    )
    ed25519_key_file: units.File = Field(
        default=None,
        description="A private Ed25519 key, PEM: each mail gets a second signature with it, which"
        " is shorter and newer, and for whose sake no reader is without the first.",
    )


class Dmarc(Table):
    """Posts by people whose domains want mail refused that is not their own."""

    rewrite: units.Switch = Field(
        default=True,
        description="Whether such domains are looked up, and the From of a copy becomes an alias"
        " where the list's changes break the author's own signature.",
    )
    no_rewrite: tuple[units.Word, ...] = Field(
        default=(),
        description='Domains whose From stays all the same, such as "example.com" or'
        ' "*.example.com".',
    )
    alias_age: units.Duration = Field(
        default=timedelta(days=730),
        description="How long after an author's last post mail to his alias is forwarded to him.",
    )
    forwards: units.Whole = Field(
        default=20, description="Mails an hour that are forwarded to one author."
    )
    forward_size: units.Size = Field(
        default=5_000_000, description="Larger mail to an alias is refused."
    )


class Arc(Table):
    """Our ARC set on what the lists have changed: it tells hosts what we had verified before."""

    seal: units.Switch = Field(
        default=False,
        description="Whether copies are sealed in which no signature of the author's holds.",
    )
    selector: units.OtherSelector = Field(
        default="", description="The name under _domainkey in the DNS; empty: that of [dkim]."
    )
    key_file: units.File = Field(
        default=None, description="The private key, PEM, RSA; left out: that of [dkim]."
    )


class Dns(Table):
    """Name service; every look-up of ours goes there."""

    servers: tuple[units.Resolver, ...] = Field(
        default=(), description="Resolvers; empty: the system's."
    )
    timeout: units.Duration = Field(
        default=timedelta(seconds=5), description="How long a look-up may take."
    )


class Trust(Table):
    """What proves a sender, besides an answered code."""

    dkim: units.Switch = Field(
        default=True,
        description="A mail that the domain of its From line has signed for us proves its sender:"
        " what he asks for needs no code, but for joining a list.",
    )
    authserv_ids: tuple[units.Word, ...] = Field(
        default=(),
        description="Whose Authentication-Results prove a sender, in mail that our own MTA brought"
        " by LMTP or from this machine; it must remove that name from what comes in.",
    )


class Web(Table):
    """The pages behind the links for one-click unsubscription; see `docs/web.md`."""

    listen: units.Door = Field(
        default=None,
        description="Where HTTP is answered, for a proxy in front of us that speaks HTTPS; empty:"
        " no HTTP at all.",
    )
    base_url: units.Url = Field(
        default="",
        description="The pages' address as people reach it, with https; empty: no links are"
        " written.",
    )


class Metrics(Table):
    """Figures for Prometheus; see `docs/web.md`."""

    listen: units.Door = Field(
        default=None,
        description="Where /metrics is answered, to anybody who reaches it; empty: nowhere.",
    )


class Tcpgui(Table):
    """LISTSERV's TCPGUI, by which programs give commands (docs/tcpgui.md)."""

    listen: units.Door = Field(
        default=None,
        description="Where it is answered, LISTSERV's own is 127.0.0.1:2306; empty: nowhere."
        " Passwords and answers travel in the clear: keep it on this machine.",
    )


class Limits(Table):
    """How much a stranger can make grow."""

    message_size: units.Size = Field(default=10_000_000, description="Larger mail is refused.")
    confirmation_age: units.Duration = Field(
        default=timedelta(hours=48), description="How long a code can be answered."
    )
    connections: units.Whole = Field(
        default=1000, description="Incoming connections at once, in all."
    )
    connections_per_host: units.Whole = Field(
        default=20, description="The same from one host; loopback and Unix sockets are not counted."
    )
    confirmations_per_address: units.Whole = Field(
        default=3, description="Open confirmation requests to one address, over all lists."
    )
    answers_per_address: units.Whole = Field(
        default=20,
        description="Automatic answers an hour to one address, confirmation requests among them."
        " Approval requests, owners' notices and what a proven sender asked for do not count.",
    )
    distribute_recipients: units.Whole = Field(
        default=100_000, description="Recipients of one DISTRIBUTE job."
    )


class Settings(Table):
    """The whole configuration."""

    site: Site
    listen: Annotated[tuple[Listen, ...], Field(min_length=1, max_length=100)] = (Listen(),)
    delivery: Delivery = Delivery()
    tls: Tls = Tls()
    dkim: Dkim = Dkim()
    dmarc: Dmarc = Dmarc()
    arc: Arc = Arc()
    dns: Dns = Dns()
    trust: Trust = Trust()
    web: Web = Web()
    metrics: Metrics = Metrics()
    tcpgui: Tcpgui = Tcpgui()
    limits: Limits = Limits()
    retention: Retention = Retention()


def default_path() -> Path:
    """Where the configuration lies when `--config` does not say."""
    return Path(os.environ.get("LISTSERV_PY_CONFIG") or DEFAULT_FILE)


def load(path: Path) -> Settings:
    """Read the configuration; raises ConfigFaults with all that is wrong in it."""
    try:
        written = path.read_text(encoding="utf-8")
        data = tomllib.loads(written)
    except (OSError, ValueError) as exc:
        raise ConfigFaults((tomlfaults.unreadable(path, exc),)) from exc
    try:
        settings = Settings.model_validate(data, context={"folder": path.absolute().parent})
    except ValidationError as exc:
        own = tomlfaults.without_echoes(exc.errors())
        found = [(error["loc"], tomlfaults.in_words(error, Settings)) for error in own]
    else:
        found = list(_contradictions(settings))
        if not found:
            return settings
    raise ConfigFaults(tomlfaults.located(path, written, found))


def heeded(fresh: Settings, running: Settings) -> Settings:
    """A fresh configuration, but for listeners and folders, which stay (SIGHUP)."""
    site = fresh.site.model_copy(update={"data_dir": running.site.data_dir})
    web = fresh.web.model_copy(update={"listen": running.web.listen})
    kept = {"site": site, "web": web, "metrics": running.metrics, "tcpgui": running.tcpgui}
    return fresh.model_copy(update=kept | {"listen": running.listen})


def left_for_a_restart(fresh: Settings, running: Settings) -> tuple[str, ...]:
    """The names of the changed settings that are read at the start only."""
    pairs = {
        "site.data_dir": (fresh.site.data_dir, running.site.data_dir),
        "listen": (fresh.listen, running.listen),
        "delivery.transport": (fresh.delivery.transport, running.delivery.transport),
        "web.listen": (fresh.web.listen, running.web.listen),
        "metrics.listen": (fresh.metrics.listen, running.metrics.listen),
        "tcpgui.listen": (fresh.tcpgui.listen, running.tcpgui.listen),
    }
    return tuple(name for name, (new, old) in pairs.items() if new != old)


def _contradictions(settings: Settings) -> Iterator[tuple[Location, str]]:
    site, delivery, tls = settings.site, settings.delivery, settings.tls
    own = {site.name, "postmaster", "abuse", f"owner-{site.name}", f"{site.name}-request"}
    for index, postmaster in enumerate(site.postmasters):
        local, _, domain = postmaster.lower().rpartition("@")
        if domain == site.domain and local in own:
            yield (
                ("site", "postmasters", index),
                f"{postmaster} is this server itself; allowed: the address of a person",
            )
    yield from _door_contradictions(settings)
    dkim = settings.dkim
    if settings.arc.seal and not settings.dmarc.rewrite:
        yield ("arc", "seal"), "verifies nothing without dmarc.rewrite; allowed: together with it"
    if settings.arc.seal and not (settings.arc.key_file or dkim.key_file):
        yield ("arc", "seal"), "has no key; allowed: with arc.key_file or dkim.key_file"
    if dkim.key_file and dkim.ed25519_key_file and dkim.selector == dkim.ed25519_selector:
        yield (
            ("dkim", "ed25519_selector"),
            f"{dkim.ed25519_selector} is that of the other key; allowed: one of its own",
        )
    if bool(delivery.username) != bool(delivery.password_file):
        lacking = "password_file" if delivery.username else "username"
        yield ("delivery", lacking), "is missing; allowed: username and password_file together"
    if delivery.username and delivery.relay is None:
        yield ("delivery", "username"), "has no relay to log in to; allowed: together with relay"
    if bool(tls.certificate) != bool(tls.key):
        yield (
            ("tls", "key" if tls.certificate else "certificate"),
            "is missing; allowed: certificate and key together",
        )


def _door_contradictions(settings: Settings) -> Iterator[tuple[Location, str]]:
    doors: dict[str, int] = {}
    for index, door in enumerate(settings.listen):
        first = doors.setdefault(str(door.address), index)
        if first != index and not str(door.address).endswith(":0"):
            yield (
                ("listen", index, "address"),
                f"{door.address} is that of listen[{first}] already; allowed: one of its own",
            )
    taken = {one: f"listen[{index}]" for one, index in doors.items()}
    for name in ("tcpgui", "web", "metrics"):
        one = str(getattr(settings, name).listen or "")
        if one and one in taken and not one.endswith(":0"):
            yield (
                (name, "listen"),
                f"{one} is that of {taken[one]} already; allowed: one of its own",
            )
        taken[one] = f"{name}.listen"
