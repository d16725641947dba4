"""jobs/pipelining.py: one connection for all, and whoever asks gets the answer to what was asked."""

import asyncio
from typing import Any

from jobs.store import JobStore


async def test_many_at_once_get_their_own_answers(store: JobStore) -> None:
    client: Any = store.redis
    numbers = range(500)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(client.execute_command("ECHO", number)) for number in numbers]
        connections = [group.create_task(client.client_id()) for _ in numbers]
    assert [int(task.result()) for task in asked] == list(numbers)
    assert len({task.result() for task in connections}) == 1


async def test_one_that_no_longer_waits_leaves_the_others_their_answers(store: JobStore) -> None:
    client: Any = store.redis
    asked = [asyncio.create_task(client.execute_command("ECHO", number)) for number in range(20)]
    await asyncio.sleep(0)
    for task in asked[1::2]:
        task.cancel()
    assert [int(await task) for task in asked[::2]] == list(range(0, 20, 2))


async def test_a_loop_that_ends_its_tasks_can_still_ask(store: JobStore) -> None:
    """As the last act of a worker's thread, which takes the worker off the list."""
    assert await store.redis.ping()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    assert await store.redis.ping()
