"""More at once for a host that answers slowly but well, fewer for one in trouble."""

import asyncio
from datetime import timedelta

import pytest

from kinds.warmup.host_limit import FIRST, MAX_AT_ONCE, ClosedForNow, HostLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> HostLimit:
    return HostLimit(clock)


def answers(limit: HostLimit, count: int, seconds: float) -> None:
    """As if the host were always given as much as it may get."""
    for _ in range(count):
        limit.in_flight = limit.limit
        limit.answered(seconds)
    limit.in_flight = 0


def test_a_slow_healthy_host_gets_many_within_a_few_rounds(limit: HostLimit) -> None:
    """Doubled each round: 8, 16, 32, 64."""
    answers(limit, 8, 2.5)
    assert limit.limit == 16
    answers(limit, 16 + 32, 2.5)
    assert limit.limit == MAX_AT_ONCE
    answers(limit, 1000, 2.5)
    assert limit.limit == MAX_AT_ONCE


def test_a_fast_host_needs_few(limit: HostLimit) -> None:
    answers(limit, 1000, 0.01)
    assert limit.limit == FIRST


def test_a_limit_that_is_not_used_does_not_grow(limit: HostLimit) -> None:
    for _ in range(100):
        limit.answered(2.5)
    assert limit.limit == FIRST


def test_answers_that_begin_to_queue_up_end_the_growth(limit: HostLimit) -> None:
    answers(limit, 16, 1.0)
    before = limit.limit
    answers(limit, 15, 6.0)
    assert limit.limit <= before + 5
    answers(limit, 5, 6.0)
    assert limit.limit <= before + 5


@pytest.mark.parametrize("trouble", ["pushed_back", "silent", "troubled"])
def test_trouble_lowers_it_once_a_round(limit: HostLimit, clock: Clock, trouble: str) -> None:
    answers(limit, 24, 2.5)
    started = clock.now
    clock.now += 2
    for _ in range(10):
        match trouble:
            case "pushed_back":
                limit.pushed_back(started, None)
            case "silent":
                limit.silent(started)
            case _:
                limit.troubled(started)
    assert limit.limit == (28 if trouble == "troubled" else 16)


def test_it_never_falls_below_one_and_comes_back(limit: HostLimit, clock: Clock) -> None:
    for _ in range(20):
        clock.now += 1
        limit.silent(clock.now - 0.5)
        clock.now += 1
    assert limit.limit == 1
    answers(limit, 300, 2.5)
    assert limit.limit > 20


def test_retry_after_is_honoured(limit: HostLimit, clock: Clock) -> None:
    limit.pushed_back(clock.now, timedelta(seconds=20))
    assert limit.pause == 20
    clock.now += 15
    assert limit.pause == 5


async def test_a_long_retry_after_closes_the_host(limit: HostLimit, clock: Clock) -> None:
    limit.pushed_back(clock.now, timedelta(hours=1))
    with pytest.raises(ClosedForNow, match="3600 s"):
        async with limit.slot():
            raise AssertionError


async def test_no_more_than_the_limit_are_in_their_slots_at_once() -> None:
    limit = HostLimit()
    most = 0

    async def use() -> None:
        nonlocal most
        async with limit.slot():
            most = max(most, limit.in_flight)
            await asyncio.sleep(0)

    await asyncio.gather(*(use() for _ in range(100)))
    assert (most, limit.in_flight) == (FIRST, 0)


async def test_a_cancelled_wait_takes_no_slot() -> None:
    limit = HostLimit()

    async def hold() -> None:
        async with limit.slot():
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hold()) for _ in range(FIRST + 3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert limit.in_flight == 0
