"""/metrics as a scraper reads it."""

import subprocess
from collections.abc import Sequence

import pytest
from prometheus_client.parser import text_string_to_metric_families
from web_rig import Reply, ask_door

from listserv_py.daemon.figures import sending_processes
from listserv_py.delivery.tally import OTHER, REASONS_MAX, Tally
from listserv_py.errors import Broken
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.units import HostPort
from listserv_py.web.listener import HttpDoor
from listserv_py.web.metrics import Collect, Figure, metrics

FIGURES = [
    Figure("mailings", "Mails", {("running",): 2, ('odd "one"\n',): 1}, labels=("state",)),
    Figure("bounces", "Bounces", {(): 7}, only_grows=True),
]


async def get(collect: Collect, path: str = "/metrics", method: str = "GET") -> Reply:
    door = HttpDoor(metrics(collect))
    await door.open(HostPort("127.0.0.1", 0))
    try:
        return await ask_door(door, method, path)
    finally:
        await door.close(30)


async def collected() -> Sequence[Figure]:
    return FIGURES


async def test_a_scraper_reads_what_was_collected() -> None:
    reply = await get(collected)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain; version=")
    found = {family.name: family for family in text_string_to_metric_families(reply.body)}
    mailings = found["listserv_py_mailings"]
    assert mailings.type == "gauge"
    assert {one.labels["state"]: one.value for one in mailings.samples} == {
        "running": 2.0,
        'odd "one"\n': 1.0,
    }
    [bounces] = found["listserv_py_bounces"].samples
    assert (bounces.name, bounces.value) == ("listserv_py_bounces_total", 7.0)
    assert "listserv_py_process_open_fds" in found


@pytest.mark.parametrize("path", ["/", "/u/x", "/metrics/", "/metrics/x"])
async def test_nothing_else_is_there(path: str) -> None:
    assert (await get(collected, path)).status == 404


async def test_it_cannot_be_written_to() -> None:
    reply = await get(collected, method="POST")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
    assert reply.headers["connection"] == "close"


async def test_a_store_that_does_not_answer_is_told() -> None:
    async def broken() -> Sequence[Figure]:
        raise Broken("no store")

    assert (await get(broken)).status == 503


def settled(fate: Fate, status: str = "") -> Settled:
    return Settled(1, 1, "a@b.test", fate, 450, status, "", 0, blames=False)


def test_strange_hosts_cannot_make_figures_without_end() -> None:
    tally = Tally()
    tally.note([settled(Fate.SENT), settled(Fate.LATER, "4.2.2"), settled(Fate.LATER, "4.2.2")])
    tally.note(settled(Fate.LATER, f"4.{one % 8}.{one}") for one in range(200))
    tally.note(settled(Fate.LATER, odd) for odd in ("", "5.1.1", "4.9.1", '4.2.2"} 1', "4.2.٣"))
    assert tally.outcomes["sent"] == 1
    assert tally.outcomes["later"] == 207
    assert tally.deferrals["4.2.2"] == 3
    assert tally.deferrals.total() == 207
    assert len(tally.deferrals) <= REASONS_MAX + 1
    assert tally.deferrals[OTHER] >= 5


def test_copies_for_a_host_that_is_left_alone_were_put_off_too() -> None:
    tally = Tally()
    tally.note(settled(Fate.UNTRIED, "4.4.1") for _ in range(3))
    assert tally.deferrals == {"4.4.1": 3}
    assert tally.outcomes["untried"] == 3


def test_each_sending_process_has_its_cpu_and_memory() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        cpu, memory = sending_processes()
        who = (str(child.pid),)
        assert cpu.values[who] >= 0
        assert memory.values[who] > 0
    assert all(who not in one.values for one in sending_processes())
