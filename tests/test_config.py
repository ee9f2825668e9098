from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from listserv_py import config
from listserv_py.cli.settings_text import commented_toml, rows
from listserv_py.config import Settings
from listserv_py.daemon.folders import folder_faults
from listserv_py.daemon.remarks import remarks
from listserv_py.errors import ConfigFaults
from listserv_py.units import HostPort, SystemdName, UnixPath

CONTRACT = """
[site]
domain = "lists.example.org"
postmasters = ["admin@example.org"]
data_dir = "/var/lib/listserv-py"
name = "listserv"

[[listen]]
protocol = "smtp"
address = "127.0.0.1:2525"

[delivery]
transport = "smtp"
relay = "127.0.0.1:25"
tls = "opportunistic"
connections = 20
max_message_age = "5d"
retry = ["1m", "5m", "15m", "30m", "1h", "2h", "4h"]
port = 25
workers = 0
username = ""
password_file = ""

[tls]
certificate = ""
key = ""

[dkim]
selector = "lists"
key_file = "/var/lib/listserv-py/dkim.pem"

[dns]
servers = []
timeout = "5s"

[trust]
dkim = true
authserv_ids = []

[web]
listen = ""
base_url = ""

[metrics]
listen = ""

[tcpgui]
listen = ""

[limits]
message_size = "10MB"
confirmation_age = "48h"
connections = 1000
connections_per_host = 20
confirmations_per_address = 3
answers_per_address = 20
"""

MINIMAL = '[site]\ndomain = "lists.example.org"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "listserv.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    """What is said about a configuration, each fault behind `LINE: KEY`."""
    path = write(folder, text)
    with pytest.raises(ConfigFaults) as caught:
        config.load(path)
    for fault in caught.value.faults:
        assert str(fault).startswith(str(path))
        assert "\n" not in str(fault)
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def test_every_setting_of_the_contract_is_read(tmp_path: Path) -> None:
    settings = config.load(write(tmp_path, CONTRACT))

    assert settings.site.command_address == "listserv@lists.example.org"
    assert settings.delivery.relay == HostPort("127.0.0.1", 25)
    assert settings.delivery.retry[-1] == timedelta(hours=4)
    assert settings.limits.message_size == 10_000_000
    assert remarks(settings) == (
        "dkim.key_file: /var/lib/listserv-py/dkim.pem does not exist; outgoing mail is not signed",
    )


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    written = config.load(write(tmp_path, CONTRACT))
    minimal = config.load(write(tmp_path, MINIMAL))

    assert minimal.delivery == written.delivery.model_copy(update={"relay": None})
    assert minimal.dkim == written.dkim.model_copy(update={"key_file": None})
    assert minimal.site == written.site.model_copy(update={"postmasters": ()})
    for table in ("listen", "tls", "dns", "trust", "web", "metrics", "tcpgui", "limits"):
        assert getattr(minimal, table) == getattr(written, table)


def test_the_sample_is_the_defaults(tmp_path: Path) -> None:
    sample = config.load(write(tmp_path, commented_toml()))

    assert sample == config.load(write(tmp_path, MINIMAL))


def test_the_sample_takes_each_commented_line(tmp_path: Path) -> None:
    keys = {row.name for _, _, settings in rows() for row in settings}
    lines = []
    for line in commented_toml().splitlines():
        bare = line.removeprefix("# ")
        is_setting = bare == "[[listen]]" or bare.partition(" = ")[0] in keys
        lines.append(bare if is_setting else line)

    assert config.load(write(tmp_path, "\n".join(lines))) == config.load(write(tmp_path, MINIMAL))


def test_the_sample_takes_values(tmp_path: Path) -> None:
    text = commented_toml({"listen.address": '"unix:/run/x/lmtp"', "listen.protocol": '"lmtp"'})

    (listener,) = config.load(write(tmp_path, text)).listen
    assert (listener.protocol, listener.address) == ("lmtp", UnixPath(Path("/run/x/lmtp")))


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    line: int
    key: str
    says: str


CASES = [
    Case("unknown key", MINIMAL + 'domian = "x"', 3, "site.domian", "did you mean domain?"),
    Case("unknown table", MINIMAL + "[nonsense]\na = 1", 3, "nonsense", "allowed: site, listen"),
    Case("type", MINIMAL + '[delivery]\nport = "25"', 4, "delivery.port", "from 1 to 65535"),
    Case("range", MINIMAL + "[delivery]\nport = 70000", 4, "delivery.port", "from 1 to 65535"),
    Case("bool", MINIMAL + '[trust]\ndkim = "yes"', 4, "trust.dkim", "allowed: true or false"),
    Case("choice", MINIMAL + '[delivery]\ntls = "tls"', 4, "delivery.tls", '"required"'),
    Case(
        "address", '[site]\npostmasters = ["a@b@c d"]\ndomain="x"', 2, "site.postmasters[0]", "e-"
    ),
    Case("one address", '[site]\npostmasters = "a@b.c"\ndomain="x"', 2, "site.postmasters", "list"),
    Case("domain", '[site]\ndomain = "ex ample"', 2, "site.domain", "host name"),
    Case("ip as domain", '[site]\ndomain = "192.0.2.1"', 2, "site.domain", "not an IP address"),
    Case("idn", '[site]\ndomain = "bücher.example"', 2, "site.domain", "xn--"),
    Case("name", MINIMAL + 'name = "a b"', 3, "site.name", "letters"),
    Case("reserved", MINIMAL + 'name = "postmaster"', 3, "site.name", "reserved"),
    Case("listener", MINIMAL + '[[listen]]\naddress = ":"', 4, "listen[0].address", "unix:/path"),
    Case(
        "second listener",
        MINIMAL + "[[listen]]\n[[listen]]\naddress = 'unix:x'",
        5,
        "listen[1].address",
        "begins with /",
    ),
    Case(
        "the same listener",
        MINIMAL + "[[listen]]\naddress = '[::1]:25'\n[[listen]]\naddress = '[::1]:25'",
        6,
        "listen[1].address",
        "listen[0]",
    ),
    Case("no folder", MINIMAL + 'data_dir = ""', 3, "site.data_dir", "name a folder"),
    Case("huge", MINIMAL + '[limits]\nmessage_size = "1.1GB"', 4, "limits.message_size", "1GB, "),
    Case("v6", MINIMAL + '[[listen]]\naddress = "::1:25"', 4, "listen[0].address", "brackets"),
    Case("no listener", "listen = []\n" + MINIMAL, 1, "listen", "[[listen]] tables"),
    Case("duration", MINIMAL + '[dns]\ntimeout = "5"', 4, "dns.timeout", "s, m, h or d"),
    Case("no duration", MINIMAL + '[dns]\ntimeout = "0s"', 4, "dns.timeout", "more than nothing"),
    Case("pauses", MINIMAL + '[delivery]\nretry = ["1m", 5]', 4, "delivery.retry[1]", "30s, 5m"),
    Case("no pauses", MINIMAL + "[delivery]\nretry = []", 4, "delivery.retry", "list"),
    Case("size", MINIMAL + "[limits]\nmessage_size = 10", 4, "limits.message_size", "10MB"),
    Case("relay", MINIMAL + '[delivery]\nrelay = "mx:0"', 4, "delivery.relay", "from 1 to 65535"),
    Case("resolver", MINIMAL + '[dns]\nservers = ["ns:53"]', 4, "dns.servers[0]", "IP address"),
    Case("url", MINIMAL + '[web]\nbase_url = "x.org"', 4, "web.base_url", "https://"),
    Case("table", 'site = "x"', 1, "site", "a table"),
    Case("control character", MINIMAL + 'name = "a\\nb"', 3, "site.name", "control characters"),
    Case(
        "password without name",
        MINIMAL + '[delivery]\nrelay="r:25"\npassword_file="p"',
        3,
        "delivery.username",
        "together",
    ),
    Case("login nowhere", MINIMAL + '[delivery]\nusername="u"', 4, "delivery.username", "relay"),
    Case("half of TLS", MINIMAL + '[tls]\ncertificate="c.pem"', 3, "tls.key", "together"),
    Case(
        "itself as postmaster",
        '[site]\npostmasters = ["LISTSERV@x.example"]\ndomain = "x.example"',
        2,
        "site.postmasters[0]",
        "a person",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_named(tmp_path: Path, case: Case) -> None:
    said = faults(tmp_path, case.text)

    assert any(
        line.startswith(f"{case.line}: {case.key}: ") and case.says in line and "allowed: " in line
        for line in said
    ), said


def test_all_faults_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    said = faults(tmp_path, '[site]\nname = ""\nx = 1\n[delivery]\nport = 0\n[limits]\ny = 2\n')

    assert [line.partition(": ")[2].partition(":")[0] for line in said] == [
        "site.domain", "site.name", "site.x", "delivery.port", "limits.y",
    ]  # fmt: skip


def test_one_bad_listener_is_one_fault(tmp_path: Path) -> None:
    bad = "[[listen]]\naddress = 'x'\n"

    assert len(faults(tmp_path, MINIMAL + bad)) == 1
    assert len(faults(tmp_path, MINIMAL + bad * 3)) == 3


def test_an_empty_file_lacks_its_site(tmp_path: Path) -> None:
    path = write(tmp_path, "")

    with pytest.raises(ConfigFaults, match="site: is missing; allowed: a table"):
        config.load(path)


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"[site]\ndomain = \n", 2), (b"[site]\n\nx = '\xff'\n", 3), (b"[site\n", 1)],
    ids=["syntax", "encoding", "bracket"],
)
def test_what_is_not_toml_is_named_with_its_line(tmp_path: Path, data: bytes, line: int) -> None:
    path = tmp_path / "listserv.toml"
    path.write_bytes(data)

    with pytest.raises(ConfigFaults) as caught:
        config.load(path)
    assert caught.value.faults[0].line == line


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match=r"absent\.toml: cannot be read: No such file"):
        config.load(tmp_path / "absent.toml")


def test_relative_paths_start_from_the_configuration(tmp_path: Path) -> None:
    text = MINIMAL + 'data_dir = "state"\n[dkim]\nkey_file = "state/dkim.pem"\n'
    settings = config.load(write(tmp_path, text))

    assert settings.site.data_dir == tmp_path / "state"
    assert settings.dkim.key_file == tmp_path / "state/dkim.pem"


def test_listeners_of_every_kind(tmp_path: Path) -> None:
    text = MINIMAL + "".join(
        f"[[listen]]\naddress = '{address}'\n"
        for address in ("[::1]:0", "unix:/run/a", "systemd:lmtp", "localhost:25")
    )
    settings = config.load(write(tmp_path, text))

    assert [listener.address for listener in settings.listen] == [
        HostPort("::1", 0), UnixPath(Path("/run/a")), SystemdName("lmtp"), HostPort("localhost", 25)
    ]  # fmt: skip
    assert [str(listener.address) for listener in settings.listen] == [
        "[::1]:0", "unix:/run/a", "systemd:lmtp", "localhost:25"
    ]  # fmt: skip


def test_rereading_keeps_listeners_and_folders(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    running = config.load(path)
    write(tmp_path, MINIMAL + 'data_dir = "/b"\nname = "lists"\n[[listen]]\naddress = "[::1]:9"')

    fresh = config.heeded(config.load(path), running)
    assert (fresh.listen, fresh.site.data_dir) == (running.listen, running.site.data_dir)
    assert fresh.site.name == "lists"


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = write(tmp_path, MINIMAL + 'data_dir = "file/state"\n')

    (fault,) = folder_faults(config.load(path), path)
    assert str(fault).startswith(f"{path}:3: site.data_dir: {tmp_path}/file is not a folder")


def test_a_folder_in_which_not_even_root_makes_any(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + 'data_dir = "/proc/data"\n')

    (fault,) = folder_faults(config.load(path), path)
    assert fault.key == "site.data_dir"


def test_a_selector_is_called_so(tmp_path: Path) -> None:
    said = faults(tmp_path, MINIMAL + '[dkim]\nselector = "a b"\n[arc]\nselector = "c d"\n')
    assert all("should be letters, digits and hyphens, dots between" in one for one in said)
    assert len(said) == 2
    assert config.load(write(tmp_path, MINIMAL + '[arc]\nselector = ""\n')).arc.selector == ""


def test_an_absent_folder_will_be_made(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + 'data_dir = "a/b/c"\n')

    assert folder_faults(config.load(path), path) == ()


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    text = MINIMAL + (
        'data_dir = "."\n[delivery]\nrelay = "r:25"\nusername = "u"\npassword_file = "p"\n'
        '[tls]\ncertificate = "c"\nkey = "k"\n[dkim]\nkey_file = "absent"\n'
    )
    path = write(tmp_path, text)

    found = folder_faults(config.load(path), path)
    assert [(fault.line, fault.key) for fault in found] == [
        (7, "delivery.password_file"), (9, "tls.certificate"), (10, "tls.key")
    ]  # fmt: skip


def test_a_certificate_must_fit_its_key(tmp_path: Path) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    ours, other = (authority.issue_cert("lists.example.org") for _ in range(2))
    ours.cert_chain_pems[0].write_to_path(tmp_path / "c")
    path = write(tmp_path, MINIMAL + 'data_dir = "."\n[tls]\ncertificate = "c"\nkey = "k"\n')

    other.private_key_pem.write_to_path(tmp_path / "k")
    (fault,) = folder_faults(config.load(path), path)
    assert (fault.line, fault.key) == (5, "tls.certificate")

    ours.private_key_pem.write_to_path(tmp_path / "k")
    assert folder_faults(config.load(path), path) == ()


def test_the_default_path_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTSERV_PY_CONFIG", "/etc/other.toml")
    assert config.default_path() == Path("/etc/other.toml")
    monkeypatch.delenv("LISTSERV_PY_CONFIG")
    assert config.default_path() == Path("/etc/listserv-py/listserv.toml")


def test_settings_are_frozen_and_described() -> None:
    settings = Settings.model_validate({"site": {"domain": "lists.example.org"}})

    with pytest.raises(ValueError, match="frozen"):
        settings.site.domain = "other.example"  # type: ignore[misc]
    for _, sentence, table in rows():
        assert sentence.endswith(".")
        assert all(row.sentence.endswith(".") for row in table)


def test_links_that_nobody_would_heed_are_remarked_on(tmp_path: Path) -> None:
    text = f'{MINIMAL}\n[web]\nbase_url = "http://lists.example.org"\n'
    found = "\n".join(remarks(config.load(write(tmp_path, text))))

    for word in ("nobody answers them", "not https", "nothing is signed, so nobody"):
        assert word in found


def test_what_has_no_effect_is_remarked_on(tmp_path: Path) -> None:
    text = f'{MINIMAL}\n[web]\nlisten = "127.0.0.1:8080"\n'
    text += '[dmarc]\nno_rewrite = ["a@b.example", "*.b.example"]\n'
    found = "\n".join(remarks(config.load(write(tmp_path, text))))

    assert "no links to it are written" in found
    assert "'a@b.example' is no domain" in found
    assert "'*.b.example'" not in found


def test_more_workers_than_are_allowed_are_told_how_many(tmp_path: Path) -> None:
    [told] = faults(tmp_path, f"{MINIMAL}\n[delivery]\nworkers = 10001\n")

    assert "from 0 to 10000" in told


def test_a_rate_may_be_high(tmp_path: Path) -> None:
    path = write(tmp_path, f"{MINIMAL}\n[delivery]\nrate = 180000\n")

    assert config.load(path).delivery.rate == 180_000


@pytest.mark.parametrize("names", [("web", "metrics"), ("tcpgui", "web")])
def test_each_door_has_an_address_of_its_own(tmp_path: Path, names: tuple[str, str]) -> None:
    tables = "".join(f'[{name}]\nlisten = "127.0.0.1:9464"\n' for name in names)
    [told] = faults(tmp_path, f"{MINIMAL}\n{tables}")

    assert f"{names[1]}.listen" in told
    assert f"that of {names[0]}.listen already" in told


def test_doors_stay_where_they_are_when_it_is_read_again(tmp_path: Path) -> None:
    text = f'{MINIMAL}\n[web]\nlisten = "127.0.0.1:8080"\n[metrics]\nlisten = "127.0.0.1:9464"\n'
    path = write(tmp_path, text)
    running = config.load(path)
    path.write_text(
        text.replace("8080", "8081")
        .replace("9464", "9465")
        .replace("[metrics]", 'base_url = "https://x.example"\n[metrics]')
    )
    fresh = config.heeded(config.load(path), running)

    assert (fresh.web.listen, fresh.metrics) == (running.web.listen, running.metrics)
    assert fresh.web.base_url == "https://x.example"
