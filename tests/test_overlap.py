"""Reading, computing and writing at the same time: in order, bounded, and with every error seen."""

import threading

import pytest

from arbsr_jax.overlap import overlapped
from tests.conftest import PATIENCE


def test_results_arrive_in_order_from_threads_of_their_own():
    threads, written = {"work": set()}, []

    def source():
        for number in range(20):
            threads.setdefault("read", set()).add(threading.current_thread().name)
            yield number

    def work(number):
        threads["work"].add(threading.current_thread().name)
        return number**2

    def sink(result):
        threads.setdefault("write", set()).add(threading.current_thread().name)
        written.append(result)

    overlapped(source(), work, sink)
    assert written == [number**2 for number in range(20)]
    assert threads == {"work": {threading.current_thread().name}, "read": {"read_0"}, "write": {"write_0"}}


def test_all_three_are_busy_at_once():
    """Item 2 is read, item 1 computed and item 0 written: each waits for the other two."""
    together = threading.Barrier(3, timeout=PATIENCE)

    def source():
        yield from (0, 1)
        together.wait()
        yield 2

    overlapped(source(), lambda n: (n == 1 and together.wait(), n)[1], lambda n: n == 0 and together.wait())


@pytest.mark.parametrize("where", ["read", "work", "write"])
def test_an_error_anywhere_ends_all_and_is_raised(where):
    done = []

    def fail(place, number):
        if place == where and number == 3:
            raise ValueError(place)
        return number

    source = (fail("read", number) for number in range(1000))
    with pytest.raises(ValueError, match=where):
        overlapped(source, lambda number: fail("work", number), lambda number: done.append(fail("write", number)))
    assert done == [0, 1, 2]
