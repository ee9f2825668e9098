"""The DNS records that an operator publishes, in the form of a zone file.

Pure. A TXT record's strings hold at most 255 octets (RFC 1035 3.3), so that a key needs two.
"""

import base64
import ipaddress
from collections.abc import Mapping

from listserv_py.cli.keyfile import PublicKey
from listserv_py.config import Settings

STRING_MAX = 255


def all_records(settings: Settings, host: str, keys: Mapping[str, PublicKey]) -> str:
    """MX, SPF, DKIM and a suggestion for DMARC.

    `host` is this machine's name; `keys` by their selectors.
    """
    domain = settings.site.domain
    lines = [
        f"; to be published in the zone of {domain}; look each line through",
        f"; where its mail comes in: the MTA in front of us, on {host} as it seems",
        _line(domain, "MX", f"10 {host}."),
        "; who may send its mail (SPF, RFC 7208)",
        _line(domain, "TXT", _text(f"v=spf1 mx{_relay(settings)} -all")),
    ]
    for selector, key in keys.items():
        lines += [
            "; the key of a signature of ours (DKIM, RFC 6376)",
            dkim_record(settings, selector, key),
        ]
    lines += [
        "; what receivers do with mail that is not ours (DMARC): begin with none, read the reports",
        _line(
            f"_dmarc.{domain}", "TXT", _text(f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}")
        ),
    ]
    return "\n".join(lines)


def dkim_record(settings: Settings, selector: str, key: PublicKey) -> str:
    """The record that a verifier of our signature looks up (RFC 6376 3.6.2)."""
    value = f"v=DKIM1; k={key.kind}; p={base64.b64encode(key.data).decode()}"
    return _line(f"{selector}._domainkey.{settings.site.domain}", "TXT", _text(value))


def _line(name: str, kind: str, value: str) -> str:
    return f"{name}. 3600 IN {kind} {value}"


def _text(value: str) -> str:
    strings = [value[at : at + STRING_MAX] for at in range(0, len(value), STRING_MAX)]
    quoted = " ".join(f'"{one}"' for one in strings)
    return f"( {quoted} )" if len(strings) > 1 else quoted


def _relay(settings: Settings) -> str:
    """The smarthost, where it is another machine: it is the one whom receivers see."""
    relay = settings.delivery.relay
    if relay is None or relay.host == "localhost":
        return ""
    try:
        address = ipaddress.ip_address(relay.host)
    except ValueError:
        return f" a:{relay.host}"
    if address.is_loopback or address.is_private:
        return ""
    return f" ip{address.version}:{address}"
