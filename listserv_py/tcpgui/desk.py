"""Carries a caller's command out: one turn of the store, in words whatever happens."""

from __future__ import annotations

from collections.abc import Callable

from listserv_py.errors import Broken
from listserv_py.maillog import get_logger
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store
from listserv_py.store.turn import Turns
from listserv_py.tcpgui.caller import answer
from listserv_py.tcpgui.port import Answer
from listserv_py.tcpgui.protocol import Call

log = get_logger("tcpgui")

LATER = "The server cannot carry that out now. Nothing has been done; call again later."


def answers(store: Store, turns: Turns, decided: Callable[[], None]) -> Answer:
    """What a port answers with; `decided` hears that there may be something to send."""

    async def carry_out(call: Call) -> str:
        def act(tx: Tx) -> str:
            return answer(turns.at(tx), call)

        try:
            said = await store.run(act)
        except Broken as exc:
            log.warning("tcpgui.waits", reason=str(exc))
            return LATER
        decided()
        return said

    return carry_out
