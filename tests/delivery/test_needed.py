"""How many workers a smarthost's posts go to."""

from listserv_py.delivery.needed import Needed


def test_one_more_only_when_all_in_use_are_full() -> None:
    needed = Needed()
    needed.limit(3, all_at_once=False)
    changes = [needed.look(busy) for busy in ([0.5], [0.9], [0.9, 0.7], [0.9, 0.9], [1.0] * 3)]
    assert changes == [False, True, False, True, False]
    assert needed.many == 3


def test_one_less_when_the_others_could_do_it_all() -> None:
    needed = Needed()
    needed.limit(2, all_at_once=True)
    assert needed.many == 2
    assert not needed.look([0.4, 0.4])
    assert needed.look([0.2, 0.3])
    assert not needed.look([0.1])
    assert needed.many == 1


def test_none_that_died_makes_another_needed() -> None:
    needed = Needed()
    needed.limit(2, all_at_once=False)
    assert not needed.look([])
    assert needed.many == 1


def test_who_is_not_needed_keeps_a_place() -> None:
    needed = Needed()
    needed.limit(3, all_at_once=False)
    assert needed.share(18) == 16
    needed.limit(3, all_at_once=True)
    assert needed.share(18) == 6
    assert needed.share(3) == 1
