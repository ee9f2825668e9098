"""What is in hand: the order of recording, and copies that leave their page."""

from collections.abc import Collection
from pathlib import Path

import pytest
from delivery_rig import NOW

from listserv_py.delivery import hand as module
from listserv_py.delivery.copies import Batch, Copy
from listserv_py.delivery.hand import Hand, Page, Post
from listserv_py.delivery.journal import BEGUN
from listserv_py.delivery.render import Variant
from listserv_py.delivery.replies import Reply, own
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.wire import Letter
from listserv_py.store.outbox import Kind
from listserv_py.store.outcomes import Fate, RestingHost
from listserv_py.store.sending import Mailing


class Nobody:
    """A courier who keeps what he is given."""

    spills_waiting = False
    is_probing = False

    def carry(self, copies: Collection[Copy], *, urgent: bool) -> None: ...

    def recall(self, copies: Collection[Copy], fate: Fate, reply: Reply, next_at: int) -> None: ...

    def resting(self) -> list[RestingHost]:
        return []

    def stands_still(self) -> None: ...

    def revive(self, names: Collection[str]) -> None: ...

    def tick(self) -> None: ...

    async def close(self, grace: float) -> None: ...


LETTER = Letter(lambda _: Variant(b"Subject: x\r\n", b""), (), 0)
MAILING = Mailing(1, Kind.POST, 1, "{}", "", int(NOW.timestamp()), 4, 0)
SENT = own("2.0.0", "taken")


def pages_of(hand: Hand, *sizes: int) -> list[tuple[Page, list[Copy]]]:
    post = hand.posts[1] = Post(MAILING, 0, is_read=True)
    made, last_id = [], 0
    for size in sizes:
        batch = hand.batch(size, urgent=False)
        ids = range(last_id + 1, last_id + size + 1)
        copies = [_copy(number, batch) for number in ids]
        last_id += size
        page = Page(1, last_id, False, batch)
        post.pages.append(page)
        hand.send(batch, copies)
        made.append((page, copies))
    return made


def _copy(number: int, batch: Batch) -> Copy:
    rcpt = f"reader{number}@example.test"
    return Copy(1, number, rcpt, b"owner@lists.test", LETTER, MAILING.created_at, batch)


def new_hand(folder: Path) -> Hand:
    now = int(NOW.timestamp())
    return Hand(folder, Nobody(), Patience((60,), 1000), lambda: now, lambda: None)


async def test_pages_are_recorded_in_their_order(tmp_path: Path) -> None:
    hand = new_hand(tmp_path)
    (first, some), (second, others) = pages_of(hand, 1, 1)
    others[0].batch.settle(others[0], Fate.SENT, SENT)
    assert hand.recordable() == ([], [])
    some[0].batch.settle(some[0], Fate.SENT, SENT)
    assert hand.recordable() == ([first, second], [])
    hand.recorded([first, second], [])
    assert hand.is_empty
    assert hand.posts == {}
    hand.close()
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240


async def test_what_left_a_page_is_recorded_after_it_even_when_done_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPILL_AFTER", 0.0)
    hand = new_hand(tmp_path)
    (first, (waiting,)), (second, (stuck, done)) = pages_of(hand, 1, 2)
    done.batch.settle(done, Fate.SENT, SENT)
    stuck.batch.mark(stuck, BEGUN)
    hand._spill()
    assert [one.fate for one in second.batch.settled] == [Fate.SENT, Fate.UNTRIED]
    assert hand.keys == {(1, 2)}
    stuck.batch.settle(stuck, Fate.SENT, SENT)
    hand.done.clear()
    assert hand.recordable() == ([], [])
    waiting.batch.settle(waiting, Fate.SENT, SENT)
    pages, rows = hand.recordable()
    assert (pages, rows) == ([first, second], [])
    hand.done.clear()
    hand.recorded(pages, rows)
    assert hand.done.is_set()
    pages, rows = hand.recordable()
    assert [one.batch.settled[0].fate for one in rows] == [Fate.SENT]
    hand.recorded(pages, rows)
    assert hand.is_empty
    assert hand.keys == set()
