"""Where an operation is carried out: in the running server, or in the command line alone.

Whatever a person may mend comes back as `Refused`, in words; a transaction that refused changed
nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from listserv_py.control.operation import A, Operation, R, Refused
from listserv_py.errors import HeaderFaults, UserError
from listserv_py.store.people import StillNamed
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms


@dataclass(frozen=True, slots=True)
class Desk:
    """What carrying out needs; `decided` hears that there may be something to send."""

    store: Store
    turns: Turns
    decided: Callable[[], None] = lambda: None

    async def carry_out(self, operation: Operation[A, R], question: A) -> R:
        """Do one thing and return its answer, once it is on stable storage."""
        asked = await asyncio.to_thread(operation.ahead, question) if operation.ahead else question

        def act(tx: Tx) -> R:
            try:
                return operation.act(self.turns.at(tx), asked)
            except UserError as exc:
                raise Refused(_worded(exc, self.turns.forms)) from exc
            except StillNamed as exc:
                raise Refused(str(exc)) from exc

        if operation.reads:
            return await self.store.read(act)
        answer = await self.store.run(act)
        if operation.scrubs:
            await self.store.scrub()
        self.decided()
        return answer


def _worded(exc: UserError, forms: Forms) -> str:
    """The error's form on one line, for a terminal; a header's faults, a line each."""
    if isinstance(exc, HeaderFaults):
        return exc.values[0]
    return " ".join(forms.fill(exc.form, exc.slots()).body.split())
