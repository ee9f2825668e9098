"""Puts the peers into a folder of their own: nothing is installed into the system.

    python bench/peers/install.py [FOLDER]

mlmmj comes as the distribution's package, unpacked and never configured; Mailman from PyPI into a
virtual environment; `nodelay.so` takes Nagle's delay out of mlmmj.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = Path(".peers")
MAILMAN = "mailman==3.3.10"


def install(folder: Path) -> None:
    """What is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "mlmmj").exists():
        subprocess.run(["apt-get", "download", "mlmmj"], cwd=folder, check=True)
        package = next(folder.glob("mlmmj_*.deb"))
        subprocess.run(["dpkg", "-x", package, folder / "mlmmj"], check=True)
    library = folder / "nodelay.so"
    if not library.exists():
        build = ["cc", "-shared", "-fPIC", "-O2", "-o", library, HERE / "nodelay.c", "-ldl"]
        subprocess.run(build, check=True)
    if not (folder / "mailman" / "bin" / "mailman").exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "mailman"], check=True)
        pip = folder / "mailman" / "bin" / "pip"
        subprocess.run([pip, "install", "--quiet", MAILMAN], check=True)


if __name__ == "__main__":
    install(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
