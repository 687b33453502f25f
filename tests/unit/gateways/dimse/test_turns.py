"""Fair turns: a flood of one peer keeps no other waiting (N8)."""

import threading

from heliograph.gateways.dimse.turns import Turns
from tests.conformance.browsing import until


def test_peers_come_in_turn_whoever_has_more_waiting() -> None:
    turns, came = Turns(1), []
    turns.enter("first")

    def come(peer: str) -> None:
        turns.enter(peer)
        came.append(peer)
        turns.leave()

    threads = []
    for count, peer in enumerate(["flood"] * 20 + ["one", "two", "one"], 1):
        thread = threading.Thread(target=come, args=(peer,))
        thread.start()
        threads.append(thread)
        until(lambda count=count: turns.waiting() == count, every_s=0.001)
    turns.leave()
    for thread in threads:
        thread.join(60)
    assert came[:5] == ["flood", "one", "two", "flood", "one"]
    assert came[5:] == ["flood"] * 18


def test_so_many_at_once_and_nobody_waits_for_an_empty_place() -> None:
    turns = Turns(3)
    for peer in ("a", "a", "b"):
        turns.enter(peer)
    late = threading.Thread(target=turns.enter, args=("a",))
    late.start()
    until(lambda: turns.waiting() == 1, every_s=0.001)
    turns.leave()
    late.join(60)
    assert not late.is_alive()
    for _ in range(3):
        turns.leave()
    for _ in range(3):
        turns.enter("c")


def test_a_place_is_given_back_when_the_work_fails() -> None:
    turns = Turns(1)
    for _ in range(3):
        try:
            with turns.of("a"):
                raise ValueError
        except ValueError:
            pass
    with turns.of("b"):
        assert turns.waiting() == 0
