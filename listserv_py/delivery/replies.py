"""What an SMTP reply means for the copy, its recipient and its host.

Pure, and the one place that knows: 421 is about the host, 5xx to RCPT about the recipient, 5xx to
MAIL or DATA about the mail (RFC 5321 4.2, 4.5.4.1).
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from listserv_py.store.outcomes import Fate

TEXT_MAX = 300
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)", re.ASCII)
_PRINTABLE = re.compile(r"[^ -~\u00a0-\uffff]+")


class Stage(IntEnum):
    """Which command a reply answers."""

    MAIL = 1
    RCPT = 2
    DATA = 3
    DOT = 4
    RESET = 5
    """RSET, or the lone dot that ends a mail without recipients: only its order counts."""
    QUIT = 6


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply in one line; `status` is the enhanced code of RFC 2034, "" when there was none."""

    code: int
    status: str
    text: str

    @property
    def is_good(self) -> bool:
        """2xx."""
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code) if self.code else "", self.status, self.text)))


@dataclass(frozen=True, slots=True)
class Judgement:
    """`host_rests`: leave the host alone for a while; `blames`: it is about the recipient."""

    fate: Fate
    host_rests: bool = False
    blames: bool = False


_TAKEN = Judgement(Fate.SENT)


def read_reply(code: int, text: str) -> Reply:
    """A reply's code and text; what is not printable is left out, and so is what is too long."""
    text = _PRINTABLE.sub(" ", text)
    found = _STATUS.match(text)
    if found:
        return Reply(code, found[1], text[found.end() :].strip()[:TEXT_MAX])
    return Reply(code, "", text.strip()[:TEXT_MAX])


def own(status: str, text: str) -> Reply:
    """What we say ourselves where the other side said nothing."""
    return Reply(0, status, text)


def judge(stage: Stage, reply: Reply) -> Judgement:
    """What the reply to a command means; only a 2xx to the final dot hands the mail over."""
    if stage is Stage.DOT and reply.is_good:
        return _TAKEN
    if reply.code == 421:
        return Judgement(Fate.LATER if stage is Stage.DOT else Fate.UNTRIED, host_rests=True)
    if 400 <= reply.code < 500:
        return _put_off(stage, reply)
    if 500 <= reply.code < 600:
        return _refused(stage, reply)
    return Judgement(Fate.LATER, host_rests=True)


def is_too_many(reply: Reply) -> bool:
    """452 to a further RCPT: the rest goes in a new transaction now (RFC 5321 4.5.3.1.10)."""
    return reply.code in (452, 552) and reply.status in ("", "4.5.3", "5.5.3")


def _put_off(stage: Stage, reply: Reply) -> Judgement:
    if stage is Stage.RCPT:
        return Judgement(Fate.LATER, blames=True)
    # 4.3.x is the state of the whole system over there, 452 without more is its full disk.
    full = reply.status.startswith("4.3.") or (stage is Stage.MAIL and reply.code == 452)
    return Judgement(Fate.LATER, host_rests=full)


def _refused(stage: Stage, reply: Reply) -> Judgement:
    if 530 <= reply.code <= 538:
        # It wants a login or encryption: a matter of configuration, not of this mail.
        return Judgement(Fate.UNTRIED, host_rests=True)
    if stage is not Stage.RCPT:
        return Judgement(Fate.REJECTED)
    if reply.code == 552 and is_too_many(reply):
        return Judgement(Fate.LATER)
    return Judgement(Fate.REFUSED, blames=True)
