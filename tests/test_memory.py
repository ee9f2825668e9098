import subprocess
import sys

import pytest

LEFT = """
import re
from pathlib import Path
from listserv_py.daemon.memory import give_back_large_blocks

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

give_back_large_blocks()
del (first := [bytes(30_000_000)])[:]
before = resident()
mixed = [bytes(b"x" * (10_000_000 if number % 2 else 2000)) for number in range(20)]
mixed = mixed[::2]
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_large_mails_leave_no_large_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT], capture_output=True, text=True, check=True, timeout=50
    )
    assert int(done.stdout) < 20_000
