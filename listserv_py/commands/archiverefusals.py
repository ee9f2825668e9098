"""What a command about an archive or a list's files is refused for."""

from listserv_py.errors import UserError


class NoArchive(UserError):
    """The list keeps no archive."""

    fields = ("listname",)


class ArchiveDenied(UserError):
    """The list's archive is not for the sender."""

    fields = ("listname",)


class NoFilelist(UserError):
    """INDEX of a list that has no file at all."""

    fields = ("filelist",)


class NoSuchPosts(UserError):
    """The archive has no posts with these numbers."""

    fields = ("listname", "posts")


class BadPostNumbers(UserError):
    """What should be numbers of posts is none."""

    fields = ("listname", "posts")


class SearchNotRead(UserError):
    """A search that cannot be read."""

    fields = ("listname", "reason")


class FileTooLarge(UserError):
    """A file that is too large to be mailed, or to be kept."""

    fields = ("listname", "filetype", "limit")


class BadFilename(UserError):
    """A name that no file can have."""

    fields = ("listname", "filetype")


class NoRoomForFile(UserError):
    """The list's files together would be too large."""

    fields = ("listname", "limit")


class ArchiveNotStored(UserError):
    """What stands in an archive cannot be stored anew, only deleted."""

    fields = ("listname", "filetype")


class TooManyPosts(UserError):
    """So many posts are not deleted at once."""

    fields = ("listname", "filetype", "limit")
