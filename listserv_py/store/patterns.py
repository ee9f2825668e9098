"""Patterns as people write them, in which `*` stands for any letters, none among them."""

import re


def like(pattern: str) -> str:
    """A pattern as SQL's LIKE has it, whose own signs stand for themselves."""
    return re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%")
