"""What only callers of TCPGUI are refused for; worded by forms like all refusals."""

from __future__ import annotations

from listserv_py.errors import UserError


class CallNeedsPassword(UserError):
    """A command that takes proof, by somebody who gave none."""

    fields = ("myaddress",)


class CallWrongPassword(UserError):
    """A password that is not that of the address, or an address that has none: no word on which."""

    fields = ("myaddress",)


class CallTooManyWrong(UserError):
    """More wrong passwords lately than are looked at."""

    fields = ("myaddress",)


class CallTakesNoPassword(UserError):
    """A list whose `Validate=` says that passwords prove nobody there."""

    fields = ("listname", "myaddress")


class CallNotServed(UserError):
    """An address that is served off."""
