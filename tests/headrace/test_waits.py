"""What a running job says it waits for."""

import asyncio
from datetime import timedelta

from headrace.waits import Waits

MINUTE = timedelta(minutes=1)


def test_a_job_without_a_call_waits_for_nothing() -> None:
    waits = Waits()
    with waits.call():
        pass

    assert waits.longest() is None


def test_a_call_under_way_is_a_wait_for_the_provider() -> None:
    waits = Waits()
    with waits.call():
        waited = waits.longest()

    assert waited is not None
    assert (waited.on, waited.left) == ("provider", None)


def test_a_call_that_has_no_room_yet_is_a_wait_for_the_rate_limit() -> None:
    """And for the provider after that."""
    waits = Waits()
    with waits.call():
        with waits.rate_limit(MINUTE):
            waited = waits.longest()
        after = waits.longest()

    assert waited is not None
    assert waited.on == "rate_limit"
    assert waited.left is not None
    assert timedelta(seconds=59) < waited.left <= MINUTE
    assert after is not None
    assert after.on == "provider"


async def test_as_long_as_one_call_is_made_the_job_waits_for_the_provider() -> None:
    waits = Waits()
    begun, done = asyncio.Barrier(3), asyncio.Event()

    async def limited() -> None:
        with waits.call(), waits.rate_limit(MINUTE):
            await begun.wait()
            await done.wait()

    async def made() -> None:
        with waits.call():
            await begun.wait()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(made())
        group.create_task(limited())
        with waits.call():
            waited = waits.longest()
            await begun.wait()
        await first
        left = waits.longest()
        done.set()

    assert waited is not None
    assert waited.on == "provider"
    assert left is not None
    assert left.on == "rate_limit"
