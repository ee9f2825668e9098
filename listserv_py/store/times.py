"""Times as the store keeps them: whole seconds since 1970, UTC."""

from datetime import UTC, datetime


def stamp(when: datetime) -> int:
    """A time as it is stored."""
    return int(when.timestamp())


def moment(stored: int) -> datetime:
    """A stored time as everybody else knows it."""
    return datetime.fromtimestamp(stored, UTC)
