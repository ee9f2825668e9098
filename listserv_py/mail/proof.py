"""Who really wrote a mail: what of its From line has been shown to be true.

A From line alone is a claim; only what stands here lets it count as an owner's or editor's right.
"""

from enum import StrEnum


class Proof(StrEnum):
    """How the author of a mail is known."""

    NONE = "none"
    """The From line says so, nothing else."""
    CODE = "code"
    """He answered a code that only his mailbox was sent."""
    OPERATOR = "operator"
    """The command came from the server's own command line, or a postmaster gave it for him."""
    PASSWORD = "password"  # noqa: S105 - a name, no password
    """His password stands in the command line."""
    DKIM = "dkim"
    """His domain has signed this very mail for us, and we have verified it."""
    AUTHSERV = "authserv"
    """Our own MTA says that his domain has sent this very mail."""

    @property
    def is_proven(self) -> bool:
        """Whether the author may use a right that his address has."""
        return self is not Proof.NONE

    @property
    def is_by_domain(self) -> bool:
        """Whether his domain vouches for him: it serves once, and a list may refuse it."""
        return self in (Proof.DKIM, Proof.AUTHSERV)
