"""What only these rooms refuse: CHANGE, SERVE, FOR, DISTRIBUTE and passwords.

They belong to the family of `listserv_py/errors.py`, and are worded by forms like all of it.
"""

from __future__ import annotations

from listserv_py.errors import UserError


class ChangeNotAsked(UserError):
    """The new address cannot be asked now: too much was asked of it, or by this sender, lately."""

    fields = ("address",)


class ChangeTooLate(UserError):
    """None of the subscriptions that were to move is there any more."""

    fields = ("address",)


class ChangeClash(UserError):
    """The new address is on the list already."""

    fields = ("listname", "address")


class ListMoved(UserError):
    """A command for a list whose `New-List=` leads to another server."""

    fields = ("listname", "address")


class OwnService(UserError):
    """SERVE for oneself."""

    fields = ("address",)


class ServedOffForGood(UserError):
    """SERVE for somebody whom a postmaster has served off."""

    fields = ("address",)


class NotForAnother(UserError):
    """A command that nobody can give in somebody else's place."""

    fields = ("command",)


class NotDistributor(UserError):
    """DISTRIBUTE by somebody whom the site does not name for it."""


class NeedsPassword(UserError):
    """A command that only a password proves, without one that could be tried."""

    fields = ("command",)


class OtherDistribution(UserError):
    """DISTRIBUTE in a way that is not here, or from a database."""

    fields = ("what",)


class OtherSender(UserError):
    """DISTRIBUTE whose bounces would go to somebody else, or to a list that is not here."""

    fields = ("address", "site")


class BadRecipients(UserError):
    """A dataset of recipients that cannot be used as a whole."""

    fields = ("fault",)


class TooManyRecipients(UserError):
    """More recipients than a job may have."""

    fields = ("limit",)


class BadJobMail(UserError):
    """The mail of a DISTRIBUTE cannot go out as it is."""

    fields = ("fault",)


class WrongPassword(UserError):
    """`PW=` with another word than the sender's password."""


class BadPassword(UserError):
    """PW or PWC with other words than it takes, or a password that is none."""


class TooManyPasswords(UserError):
    """More new passwords than one address may set in an hour."""


class PasswordExists(UserError):
    """PW ADD by somebody who has a password."""


class NoPassword(UserError):
    """PW CHANGE, DELETE or RESET where there is no password."""

    fields = ("address",)


class GuiNotSubscribed(UserError):
    """A program's QUERY by somebody who is not there; programs know its first words."""

    fields = ("address",)


class GuiNoEntry(UserError):
    """A program's QUERY about somebody who is not there; programs know its first words."""


class GuiTooMany(UserError):
    """A program's QUERY about more people than fit into an answer."""

    fields = ("limit",)
