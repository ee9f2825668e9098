"""The one exception family; the class of an error says who can mend it.

ListservError
├─ UserError            the writer of the mail      → a reply, worded by the form of the same name
├─ Refusal              the sending server          → an SMTP reply: code, enhanced code, text
├─ DeliveryError        nobody yet / nobody         → Transient: retry, Permanent: bounce handling
├─ ConfigError          the operator                → file, key, what is expected; nothing starts
└─ Broken               we                          → logged; tried again, then set aside
"""

from __future__ import annotations

import re
from typing import ClassVar


class ListservError(Exception):
    """Whatever we raise ourselves."""


class UserError(ListservError):
    """What the writer of a command mail can mend; `fields` are the slots of its form, in order."""

    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *values: str) -> None:
        if len(values) != len(self.fields):
            raise Broken(f"{type(self).__name__} takes {self.fields}, got {len(values)} values")
        super().__init__(*values)
        self.values = values

    @property
    def form(self) -> str:
        """The name of the form that words this error: UnknownList is UNKNOWN_LIST."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).upper()

    def slots(self) -> dict[str, str]:
        """What the form's substitutions stand for."""
        return {field.upper(): value for field, value in zip(self.fields, self.values, strict=True)}


class Refusal(ListservError):
    """An SMTP reply that refuses; `text` is ours, never a foreign exception's."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(f"{code} {enhanced} {text}")
        self.code, self.enhanced, self.text = code, enhanced, text


class DeliveryError(ListservError):
    """A copy that was not taken; `reply` is what the other side said, or what happened to it."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class Transient(DeliveryError):
    """Try again later."""


class Permanent(DeliveryError):
    """Never try again."""


class ConfigError(ListservError):
    """A fault in the configuration, or in the folder that it names."""

    def __init__(self, file: str, key: str, text: str, line: int | None = None) -> None:
        where = file if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {key}: {text}" if key else f"{where}: {text}")
        self.file, self.key, self.text, self.line = file, key, text, line


class ConfigFaults(ConfigError):
    """All that is wrong with a configuration, in the order of its lines; one line of text each."""

    def __init__(self, faults: tuple[ConfigError, ...]) -> None:
        super().__init__(faults[0].file, "", "\n".join(map(str, faults)))
        self.args = ("\n".join(map(str, faults)),)
        self.faults = faults


class Broken(ListservError):
    """We ourselves are at fault, or what we stored is."""


# What a writer of commands can mend, by the room that raises it.


class BadAddress(UserError):
    """No mailbox in the sense of RFC 5321 4.1.2."""

    fields = ("address",)


class UnknownList(UserError):
    """No list of that name here, or none that this person may know of."""

    fields = ("listname",)


class ListExists(UserError):
    """A list of that name stands already."""

    fields = ("listname",)


class HeaderFaults(UserError):
    """A list header with faults; `faults` tells all of them, one a line."""

    fields = ("faults",)


class HeaderDenied(UserError):
    """An owner whom the list's Configuration-Owner= leaves out wants to change its header."""

    fields = ("listname",)


class UnknownFile(UserError):
    """GET or PUT of a file that no list has."""

    fields = ("listname", "filetype")


class ListFull(UserError):
    """The list has as many subscribers as `Limits=` lets it have."""

    fields = ("listname",)


class UnknownOption(UserError):
    """SET knows no such word."""

    fields = ("option",)


class BadOptionValue(UserError):
    """What stands behind a word of SET is none of what may."""

    fields = ("said", "allowed")


class NoDigests(UserError):
    """The list sends no digests."""

    fields = ("listname",)


class PastDay(UserError):
    """NOMAIL UNTIL a day that has begun already."""

    fields = ("date",)


class OwnerOnlyOption(UserError):
    """A word that only an owner may set."""

    fields = ("option",)


# commands


class BadListname(UserError):
    """What stands in a list name's place cannot be one."""

    fields = ("listname",)


class UnknownCommand(UserError):
    """A line that begins with no command word."""

    fields = ("word",)


class NotAnAnswer(UserError):
    """A reply to a request that begins with neither `ok` nor a command."""

    fields = ("word",)


class MissingWord(UserError):
    """A command line that ends too early."""

    fields = ("missing",)


class MissingCode(UserError):
    """An `ok` or `reject` without a code, in its line or in the subject of its mail."""


class ExtraWords(UserError):
    """A command line that goes on too long."""

    fields = ("words",)


class UnknownSwitch(UserError):
    """A word behind the parenthesis that the command does not know."""

    fields = ("switch",)


class NoQuiet(UserError):
    """QUIET in front of a command that notifies nobody."""

    fields = ("command",)


class UnknownTopic(UserError):
    """HELP and INFO have nothing under that word."""

    fields = ("topic",)


class NotOwner(UserError):
    """An owner's command by somebody who owns no such list."""

    fields = ("listname",)


class NotSubscribed(UserError):
    """The sender is not on the list."""

    fields = ("listname", "address")


class NoSubscriptions(UserError):
    """The sender is on no list of this server."""

    fields = ("address",)


class NoSuchSubscriber(UserError):
    """An owner asked about somebody who is not on the list."""

    fields = ("listname", "address")


class NotOnYourLists(UserError):
    """An owner's command for all his lists about somebody who is on none of them."""

    fields = ("address",)


class NoDataset(UserError):
    """A command names a dataset that its mail does not have whole and once."""

    fields = ("dataset",)


class ReviewDenied(UserError):
    """The list shows its subscribers to others only."""

    fields = ("listname",)


class SubClosed(UserError):
    """The list takes no subscriptions by mail."""

    fields = ("listname",)


class MayNotJoin(UserError):
    """The list's `Filter=` names the address, or `Safe=` takes it for a machine's."""

    fields = ("listname", "address")


class OwnAddress(UserError):
    """One of this server's own addresses cannot be a subscriber."""

    fields = ("address",)


class UnknownCode(UserError):
    """A code that was never sent to this address, or is no longer known."""

    fields = ("code",)


class CodeUsed(UserError):
    """A code that has been answered already."""

    fields = ("code",)


class AlreadyDecided(UserError):
    """A held post that somebody else released or returned before."""

    fields = ("outcome",)


class NothingToReject(UserError):
    """REJECT with a code that stands for no held post."""

    fields = ("code",)


class NobodyMatches(UserError):
    """A pattern that means nobody on the sender's lists."""

    fields = ("pattern",)


class TooManyMatch(UserError):
    """A pattern that means more people than one command may change, or may have told by mail."""

    fields = ("count", "limit")


class NotPostmaster(UserError):
    """A postmaster's command by somebody else."""
