"""What an operation is: a name, what it is asked with, what it answers, and the function.

The same function serves a running server's socket and the command line alone; both sides of the
wire read and write by the two types that stand here, so there is no second description of either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from listserv_py.errors import ListservError
from listserv_py.store.turn import Turn

A = TypeVar("A")
R = TypeVar("R")


class Refused(ListservError):
    """What was asked cannot be done; the text, one line a fault, says why."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[A, R]):
    """One thing that the command line can ask for.

    `ahead` completes a question before the transaction, with what needs no store. `act` is one
    transaction. With `reads` it changes nothing and does not wait for the writer;
    with `scrubs` what it deleted must be gone from the file, too, before it counts as done.
    """

    name: str
    asks: TypeAdapter[A]
    answers: TypeAdapter[R]
    act: Callable[[Turn, A], R]
    reads: bool = False
    scrubs: bool = False
    ahead: Callable[[A], A] | None = None
