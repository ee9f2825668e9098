"""What a GET or PUT of a list's header or texts is refused for, beside the errors of all rooms."""

from listserv_py.errors import UserError


class MissingHeader(UserError):
    """PUT without a header below it."""

    fields = ("listname",)


class HeaderLocked(UserError):
    """Somebody else has fetched the header to change it."""

    fields = ("listname", "whom", "until")


class HeaderOvertaken(UserError):
    """The header was changed between a PUT and its confirmation."""

    fields = ("listname",)


class NoOldHeader(UserError):
    """The header has never been changed."""

    fields = ("listname",)


class TemplateFaults(UserError):
    """A mail template with faults; `faults` tells all of them."""

    fields = ("faults",)


class TemplateOvertaken(UserError):
    """Somebody else stored the text after this one was sent."""

    fields = ("listname", "filetype")
