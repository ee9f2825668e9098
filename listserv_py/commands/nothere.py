"""LISTSERV's commands that have no meaning here: whoever gives one is told so in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from listserv_py.commands.command import abbreviates
from listserv_py.commands.syntax import fold
from listserv_py.errors import UserError


class NoFileService(UserError):
    """A command of LISTSERV's about sending files by itself."""

    fields = ("command",)


class NoPeers(UserError):
    """A command of LISTSERV's about lists that several servers share."""

    fields = ("command",)


class NoMaintenance(UserError):
    """A command of LISTSERV's that maintains a server's program or network by mail."""

    fields = ("command",)


class NoConsole(UserError):
    """A command of LISTSERV's for the operating system."""

    fields = ("command",)


class NoLicense(UserError):
    """A command of LISTSERV's about its licence."""

    fields = ("command",)


REFUSALS = (NoFileService, NoPeers, NoMaintenance, NoConsole, NoLicense)
"""Robots say some of these words, too."""

NOT_HERE: Mapping[str, type[UserError]] = {
    "AFD": NoFileService,
    "FUI": NoFileService,
    "GIVE": NoFileService,
    "EXPLODE": NoPeers,
    "MOVE": NoPeers,
    "PEERS": NoPeers,
    "GLOBAL": NoPeers,
    "NETWIDE": NoPeers,
    "NODESGEN": NoMaintenance,
    "INSTALL": NoMaintenance,
    "UPDATE": NoMaintenance,
    "GETCHNG": NoMaintenance,
    "STOP": NoMaintenance,
    "SHUTDOWN": NoMaintenance,
    "RELOAD": NoMaintenance,
    "REFRESH": NoMaintenance,
    "DEBUG": NoMaintenance,
    "SPAM": NoMaintenance,
    "CMS": NoConsole,
    "CP": NoConsole,
    "LICense": NoLicense,
}
"""By their names, capitals for the shortest abbreviation: why each is not done."""


def refusal(word: str) -> UserError | None:
    """Why a word is no command here, where LISTSERV has it as one; None for any other."""
    word = fold(word)
    for name, why in NOT_HERE.items():
        if abbreviates(word, name):
            return why(fold(name))
    return None
