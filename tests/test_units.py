from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py import units


@given(st.integers(1, 10 * 365 * 86400))
def test_a_duration_is_read_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)

    assert units.duration(units.write_duration(span)) == span


@given(st.integers(1, 10**12))
def test_a_size_is_read_back(many: int) -> None:
    assert units.size(units.write_size(many)) == many


@given(st.one_of(st.ip_addresses().map(str), st.just("mx.example.org")), st.integers(0, 65535))
def test_an_address_is_read_back(host: str, port: int) -> None:
    address = units.HostPort(host, port)

    assert units.host_port(str(address)) == address
    assert units.listen_address(str(address)) == address


READERS = [
    units.text, units.duration, units.size, units.host_port, units.peer, units.resolver,
    units.listen_address, units.domain, units.mail_domain, units.address, units.url,
]  # fmt: skip


@given(
    st.sampled_from(READERS),
    st.one_of(st.text(), st.none(), st.booleans(), st.integers(), st.floats(), st.lists(st.text())),
)
def test_nothing_but_a_value_error_comes_out(reader: object, value: object) -> None:
    assert callable(reader)
    with contextlib.suppress(ValueError):
        reader(value)


@pytest.mark.parametrize("written", ["1d", "90s", "1.5h", "10 m", "0.2s"])
def test_durations(written: str) -> None:
    assert units.duration(written) > timedelta(0)


@pytest.mark.parametrize("written", ["", "5", "s", "-5s", "5w", "1h30m", "0s", "99999d", "1e3s"])
def test_no_durations(written: str) -> None:
    with pytest.raises(ValueError, match="should"):
        units.duration(written)


@pytest.mark.parametrize(
    ("written", "many"), [("10MB", 10_000_000), ("1.5 kb", 1500), ("2gb", 2 * 10**9)]
)
def test_sizes(written: str, many: int) -> None:
    assert units.size(written) == many


@pytest.mark.parametrize(
    "written",
    [
        "a@b.example",
        '"a b"@b.example',
        "o'hara+x@b",
        "josé@b.example",
        "a@[192.0.2.1]",
        "a@[IPv6:::1]",
    ],
)
def test_addresses(written: str) -> None:
    assert units.address(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a",
        "@b",
        "a@",
        "a b@c",
        "a..b@c",
        ".a@c",
        "a@b@c",
        "a@b c",
        "<a@b>",
        "a@-b",
        "a@[1]",
        "a,b@c",
    ],
)
def test_no_addresses(written: str) -> None:
    with pytest.raises(ValueError, match="should"):
        units.address(written)
