"""A map: its order and limits, and what becomes of the other items when one fails."""

import asyncio

import pytest

from headrace import JobContext, Step
from headrace.errors import (
    Rejected,
    StepNameReused,
    Unavailable,
)
from jobs.leases import Claim
from tasks.engine.backend import Tools
from tests.support.next_attempt import never, next_attempt


async def test_two_maps_of_one_name_are_refused(context: JobContext) -> None:
    async def number(_: Step, item: int) -> int:
        return item

    await context.map("page", [1, 2], number)
    with pytest.raises(StepNameReused, match="two maps are named 'page'"):
        await context.map("page", [3], number)


async def test_a_map_keeps_order_and_its_limit(context: JobContext, tools: Tools) -> None:
    running: set[int] = set()
    most = 0

    async def call(_: Step, item: int) -> int:
        nonlocal most
        running.add(item)
        most = max(most, len(running))
        # Later items end first.
        for _turn in range(20 - item):
            await asyncio.sleep(0)
        running.discard(item)
        return item * item

    assert await context.map("square", range(12), call, int) == [item * item for item in range(12)]
    assert most == tools.settings.concurrency


async def test_a_map_may_have_a_limit_of_its_own_and_hand_out_every_result(
    context: JobContext, claim: Claim, tools: Tools
) -> None:
    """Saved ones of an earlier attempt too; telling progress is then left to the caller."""
    in_flight, most = 0, 0

    async def call(_: Step, item: int) -> int:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0)
        in_flight -= 1
        return item

    each: list[int] = []
    await context.map("item", range(20), call, int, limit=10, each=each.append)
    again = await next_attempt(claim, tools)
    await again.map("item", range(20), call, int, limit=10, each=each.append)
    assert (most, sorted(each)) == (10, sorted([*range(20)] * 2))
    assert (await tools.store.get(claim.job.id)).progress.phase == ""


async def test_after_a_failure_calls_in_flight_are_still_saved(context: JobContext, claim: Claim, tools: Tools) -> None:
    """They are paid for. No other call begins."""
    in_flight = asyncio.Barrier(4)
    begun: list[int] = []

    async def call(_: Step, item: int) -> int:
        begun.append(item)
        await in_flight.wait()
        if item == 0:
            raise Rejected("no")
        return item

    with pytest.raises(Rejected):
        await context.map("page", range(10), call, int)
    assert begun == [0, 1, 2, 3]
    again = await next_attempt(claim, tools)
    assert [await again.step(f"page:{number}", never, int) for number in (2, 3, 4)] == [1, 2, 3]


async def test_of_several_failures_the_one_that_no_retry_mends_counts(context: JobContext) -> None:
    """Though another came first: the job would wait, only to fail then."""
    in_flight, failed = asyncio.Barrier(2), asyncio.Event()

    async def call(_: Step, item: int) -> int:
        await in_flight.wait()
        if item == 0:
            failed.set()
            raise Unavailable("away")
        await failed.wait()
        raise Rejected("no")

    with pytest.raises(Rejected):
        await context.map("page", range(2), call, int)
