"""Our own programs as processes of their own, forked from one that has everything loaded.

To start one with `subprocess` costs more than most tests: Python and five hundred modules. What is
forked here is a process all the same, with its own exit status, to be killed as any other.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from listserv_py.cli.main import main

PR_SET_PTRACER = 0x59616D61
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["listserv_py.cli.main"])


class Forked:
    """A function in a process; like `subprocess.Popen` as far as the tests go."""

    def __init__(
        self, function: Callable[..., object], *arguments: object, output: Path, errors: Path
    ) -> None:
        """What it says goes to the end of the files `output` and `errors`."""
        given = (function, arguments, output, errors, Path.cwd(), dict(os.environ))
        self._process = _FORKS.Process(target=_run, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0)
        return status

    def send_signal(self, how: signal.Signals) -> None:
        if self.poll() is None:
            # It may be dead already, and not told of yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, how)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def listserv_py(
    *words: str,
    output: Path,
    errors: Path | None = None,
    files: int = 0,
    is_traced: bool = False,
) -> Forked:
    """`listserv-py` with these words; `files`: no more open files than these.

    `is_traced`: it begins once somebody traces it.
    """
    return Forked(_program, words, files, is_traced, output=output, errors=errors or output)


def _program(words: tuple[str, ...], files: int, is_traced: bool) -> None:
    if is_traced:
        # Some kernels let only a process's forebears trace it, unless it says otherwise.
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
        while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
            threading.Event().wait(0.01)
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    sys.argv = ["listserv-py", *words]
    main()


def _run(
    function: Callable[..., object],
    arguments: tuple[object, ...],
    output: Path,
    errors: Path,
    folder: Path,
    environ: dict[str, str],
) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path, how in ((0, os.devnull, os.O_RDONLY), (1, output, mode), (2, errors, mode)):
        file = os.open(path, how, 0o644)
        os.dup2(file, number)
        os.close(file)
    function(*arguments)
