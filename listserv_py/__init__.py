"""listserv_py: an independent, LISTSERV-compatible mailing list server."""

__version__ = "0.1.0"
