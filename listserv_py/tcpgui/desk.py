"""Carries a caller's command out: one turn of the store, in words whatever happens.

Every command of a program brings a password, and comparing one takes long on purpose. So that is
done before the turn and off the loop, one after the other: mail does not wait for it. What counts,
and the count itself, is the turn's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from listserv_py.commands.secret import Compared, compare, to_compare
from listserv_py.errors import Broken
from listserv_py.maillog import get_logger
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store
from listserv_py.store.turn import Turns
from listserv_py.tcpgui.caller import answer, claimed
from listserv_py.tcpgui.port import Answer
from listserv_py.tcpgui.protocol import Call

log = get_logger("tcpgui")

LATER = "The server cannot carry that out now. Nothing has been done; call again later."


def answers(store: Store, turns: Turns, decided: Callable[[], None]) -> Answer:
    """What a port answers with; `decided` hears that there may be something to send."""
    one_at_a_time = asyncio.Lock()

    async def compared(call: Call) -> Compared | None:
        person = claimed(call)
        if person is None:
            return None
        async with one_at_a_time:
            kept = store.peek(lambda tx: to_compare(turns.at(tx), person))
            if kept is None:
                return None
            return Compared(kept, await asyncio.to_thread(compare, kept, call.password))

    async def carry_out(call: Call) -> str:
        known = await compared(call)

        def act(tx: Tx) -> str:
            return answer(turns.at(tx), call, known)

        try:
            said = await store.run(act)
        except Broken as exc:
            log.warning("tcpgui.waits", reason=str(exc))
            return LATER
        decided()
        return said

    return carry_out
