"""The desk: turns what the store says is due into copies with sealed letters.

A mailing that cannot be rendered is set aside, held for the operator, so that it keeps nobody
else's mail from going out.
"""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from listserv_py.delivery import personal, plan
from listserv_py.delivery.copies import DIED, SUSPECT, Batch, Copy
from listserv_py.delivery.letters import Content, Letters
from listserv_py.delivery.personal import Own
from listserv_py.delivery.plan import Planned
from listserv_py.delivery.program import with_values
from listserv_py.delivery.variants import VariantKey
from listserv_py.delivery.wire import Letter
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.token import Tokens
from listserv_py.mail.verp import Verp
from listserv_py.maillog import get_logger
from listserv_py.store.sending import Due, Mailing, Reader
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store

log = get_logger("delivery")

T = TypeVar("T")

SINGLES_AT_ONCE = 50
"""So many mails to one person each are read and signed in one go: not more, or whoever else reads
would wait for them all."""


class Desk:
    """Makes copies."""

    def __init__(self, store: Store, letters: Letters) -> None:
        self._store, self._letters = store, letters
        self._keys: tuple[Verp, Tokens] | None = None

    async def of_rows(self, rows: Sequence[Due], batch: Batch) -> list[Copy]:
        """Copies that have rows of their own; those of a mailing dropped meanwhile are left out."""
        singles = [due for due in rows if not due.mailing.facts]
        made = [await self._of_post(due, batch) for due in rows if due.mailing.facts]
        for first in range(0, len(singles), SINGLES_AT_ONCE):
            made += await self._singles(singles[first : first + SINGLES_AT_ONCE], batch)
        return [copy for copy in made if copy is not None]

    async def of_page(
        self, mailing: Mailing, readers: Sequence[Reader], batch: Batch
    ) -> list[Copy] | None:
        """The copies of a page of a post; None: it cannot be rendered, or was dropped."""
        content = await self._content(mailing)
        if content is None:
            return None
        planned = plan.page(readers, content.facts, *await self._marks(mailing, content.facts))
        planned = await self._filled(content.facts, planned)
        letters = await self._or_aside(mailing, self._letters_for(content, planned))
        if letters is None:
            return None
        return [
            Copy(
                mailing.id, one.subscriber_id, one.rcpt, one.sender, letters[id(one.variant)],
                mailing.created_at, batch, one.personal,
            )
            for one in planned
        ]  # fmt: skip

    async def _letters_for(self, content: Content, planned: Sequence[Planned]) -> dict[int, Letter]:
        """The letter of each key by its id, which costs less than its hash; made in a thread."""
        wanted: dict[int, VariantKey] = {id(one.variant): one.variant for one in planned}
        return {number: await self._letters.of_post(content, key) for number, key in wanted.items()}

    async def _singles(self, rows: Sequence[Due], batch: Batch) -> list[Copy | None]:
        """Copies of mails to one person each: read and sealed together, in the reading thread."""
        letters = await self._store.read(self._sealed, rows)
        return [
            await self._single(due, letter, batch)
            for due, letter in zip(rows, letters, strict=True)
        ]

    def _sealed(self, tx: Tx, rows: Sequence[Due]) -> list[Letter | Exception | None]:
        # All are read first: each row that is read gives the interpreter to other threads.
        found = tx.sending.contents([due.mailing.id for due in rows])
        raws = [(due.mailing, found.get(due.mailing.id)) for due in rows]
        return [
            None if raw is None else self._letters.of_single(mailing, raw) for mailing, raw in raws
        ]

    async def _single(
        self, due: Due, letter: Letter | Exception | None, batch: Batch
    ) -> Copy | None:
        mailing = due.mailing
        if isinstance(letter, Exception):
            await self._set_aside(mailing, letter)
        if not isinstance(letter, Letter):
            return None
        return _again(due, mailing.reverse_path.encode(), letter, batch)

    async def _of_post(self, due: Due, batch: Batch) -> Copy | None:
        """One copy of a post, tried once more: the same bytes, the same sender."""
        content = await self._content(due.mailing)
        if content is None or due.subscriber_id is None:
            return None
        marks = await self._marks(due.mailing, content.facts)
        how = content.facts.collected
        planned = plan.copy_of(due.subscriber_id, due.rcpt, due.options, *marks, how)
        one = next(iter(await self._filled(content.facts, [planned])), None)
        if one is None:
            return None
        letter = await self._or_aside(due.mailing, self._letters.of_post(content, one.variant))
        if letter is None:
            return None
        return _again(due, one.sender, letter, batch, one.personal)

    async def _content(self, mailing: Mailing) -> Content | None:
        content = self._letters.find(mailing.id)
        if content is None:
            raw = await self._store.read(lambda tx: tx.sending.content(mailing.id))
            if raw is not None:
                content = await self._or_aside(mailing, self._letters.keep(mailing, raw))
        return content

    async def _marks(self, mailing: Mailing, facts: ListFacts) -> tuple[plan.Sender, Own]:
        """What makes the sender and the own fields of each copy."""
        if self._keys is None:
            self._keys = await self._store.read(lambda tx: (tx.verp, tx.tokens))
        verp, tokens = self._keys
        return plan.senders(verp, mailing, facts), personal.fields(facts, tokens.token_for)

    async def _filled(self, facts: ListFacts, planned: list[Planned]) -> list[Planned]:
        """Those who are still there, each with what fills his copy in."""
        if not facts.merge:
            return planned
        people = [one.subscriber_id for one in planned]
        said = await self._store.read(lambda tx: tx.sending.said(people))
        return [
            one._replace(personal=with_values(one.personal, (one.rcpt, *said[one.subscriber_id])))
            for one in planned
            if one.subscriber_id in said
        ]

    async def _or_aside(self, mailing: Mailing, making: Awaitable[T]) -> T | None:
        """What was made; None: it cannot be made, and the mailing is held."""
        try:
            return await making
        except Exception as exc:  # noqa: BLE001 - it must not keep anybody else's mail here
            await self._set_aside(mailing, exc)
        return None

    async def _set_aside(self, mailing: Mailing, fault: Exception) -> None:
        log.error("delivery.set_aside", mailing=mailing.id, exc_info=fault)
        await self._store.run(lambda tx: tx.outbox.hold(mailing.id))


def _again(due: Due, sender: bytes, letter: Letter, batch: Batch, personal: bytes = b"") -> Copy:
    mailing = due.mailing
    return Copy(
        mailing.id, due.subscriber_id, due.rcpt, sender, letter, mailing.created_at, batch,
        tries=due.tries, blames=due.blames, personal=personal,
        deaths=SUSPECT if DIED in due.last_reply else 0,
    )  # fmt: skip
