"""What jobs cost when a thousand, and when a million of them are queued: figures of docs/scaling.md.

    .venv/bin/python -m tests.scaling.million [JOBS]

It starts a private redis-server and queues jobs of 70 bytes of input, of 100 users, 1,000,000 unless told otherwise
(about ten minutes, 2 GB). At each power of ten it measures operations, and asks SLOWLOG for the longest command.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis

from cli.embedded_redis import EmbeddedRedis
from jobs import keys, kinds
from jobs.batches import BatchStore, Item
from jobs.fleet import Fleet
from jobs.leases import Claim
from jobs.listing import Filter, JobList
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tests.support.ports import free_port

STORY = {"title": "My Story", "prompt": "A magical adventure in the woods"}
USERS = 100
AT_ONCE = 64
"""Creates in flight: as many clients of the API."""
REPEATS = 200
PATIENCE = timedelta(seconds=60)


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder) / "redis", port=free_port(), aof=False)
        server.start()
        try:
            with redis.Redis(port=server.port, decode_responses=True) as client:
                asyncio.run(_grow(client, Settings.model_validate({"redis_url": server.url}), jobs))
        finally:
            server.stop()


async def _grow(client: Any, settings: Settings, jobs: int) -> None:  # noqa: ANN401  # redis-py answers with untyped dicts
    client.config_set("slowlog-log-slower-than", 500)
    client.config_set("slowlog-max-len", 10_000)
    store = JobStore.open(settings, name="scale", patience=PATIENCE)
    empty = client.info("memory")["used_memory"]
    queued, target = 0, 1000
    try:
        while target <= jobs:
            client.slowlog_reset()
            began = time.perf_counter()
            await _queue(store, target - queued)
            rate = (target - queued) / (time.perf_counter() - began)
            held = client.info("memory")["used_memory"] - empty
            _say(f"-- {target:,} queued: {held / target:,.0f} B a job, {held / 1e9:.2f} GB; created at {rate:,.0f}/s")
            await _operations(client, store, settings)
            longest = max(client.slowlog_get(10_000), key=lambda entry: entry["duration"], default=None)
            _say(f"   longest command: {_described(longest)}")
            queued = client.zcard(keys.queue("default", keys.WAITING))
            target *= 10
    finally:
        await store.aclose()


async def _queue(store: JobStore, count: int) -> None:
    numbers = iter(range(count))

    async def create() -> None:
        for number in numbers:
            await store.create(NewJob(kinds.get("story"), STORY, user_id=f"user-{number % USERS}"))

    await asyncio.gather(*(create() for _ in range(AT_ONCE)))


async def _operations(client: Any, store: JobStore, settings: Settings) -> None:  # noqa: ANN401
    """The batch, of a tenth of what is queued and at most 10,000, stays; all else leaves as many jobs as there were."""
    fleet, listing = Fleet(store.redis, patience=PATIENCE), JobList(store.redis, store.scripts, patience=PATIENCE)
    story = kinds.get("story")
    size = min(10_000, client.zcard(keys.queue("default", keys.WAITING)) // 10)

    async def create_and_cancel() -> None:
        created = await store.create(NewJob(story, STORY, user_id="user-1"))
        await store.cancel(created.job_id)

    async def claim_and_hand_back() -> None:
        job_id = client.zrange(keys.queue("default", keys.ORDER), 0, 0)[0]
        claim = await store.claim(job_id, worker="scale", token="scale")  # noqa: S106  # not a secret
        assert isinstance(claim, Claim)
        await store.hand_back(claim.lease)

    async def sweep() -> None:
        client.delete(keys.SWEPT)
        await store.sweep()

    async def batch() -> None:
        items = [Item(str(number), NewJob(story, STORY, user_id="user-2")) for number in range(size)]
        await BatchStore(store, settings, patience=PATIENCE).create(items, user_id="user-2")

    for name, operation, repeats in (
        ("create, then cancel", create_and_cancel, REPEATS),
        ("claim, then hand back", claim_and_hand_back, REPEATS),
        ("list 50 of a user", lambda: listing.page(Filter(user_id="user-1")), REPEATS),
        ("list of user and state, none", lambda: listing.page(Filter(user_id="user-1", state=State.FAILED)), REPEATS),
        ("counters for /metrics", fleet.counters, REPEATS),
        ("sweep", sweep, 20),
        (f"batch of {size:,}, accepted and made", batch, 1),
    ):
        await _time(name, operation, repeats)


async def _time(name: str, operation: Callable[[], Awaitable[object]], repeats: int) -> None:
    took: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        await operation()
        took.append((time.perf_counter() - began) * 1000)
    _say(f"   {name:<36} {statistics.median(took):8.2f} ms, at most {max(took):.1f}")


def _described(entry: Any) -> str:  # noqa: ANN401
    if entry is None:
        return "under 0.5 ms"
    return f"{entry['duration'] / 1000:.1f} ms, {entry['command'][:60]!r}"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
