"""A running server, and a smarthost behind it, for each test its own."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fresh_rig import put_database
from loopback_rig import Server, Sink


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def make(**settings: str) -> Server:
        folder = tmp_path / f"server{len(made)}"
        folder.mkdir()
        server = Server(folder, **settings)  # type: ignore[arg-type]
        server.configure()
        server.data_dir.mkdir(mode=0o700)
        put_database(server.data_dir)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop(signal.SIGKILL)


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    return make_server().start().wait_up()


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()
