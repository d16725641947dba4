"""How many jobs the workers of a queue could run at once: what is released, and what a queued job is told."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs import keys
from jobs.fleet import Fleet, WorkerReport
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claimed, queued
from tests.support.time_travel import sweep


def _report(worker: str, slots: int) -> WorkerReport:
    now = datetime.now(UTC)
    return WorkerReport(
        id=worker,
        host="h",
        pid=1,
        version="0",
        queues=["default"],
        started_at=now,
        seen_at=now,
        jobs=[],
        slots=slots,
    )


@pytest.mark.parametrize(("slots", "messages"), [([5], 5), ([1, 5], 6), ([5, 5, 3], 13), ([1, 1], 2)])
async def test_there_are_messages_for_all_slots(
    without_workers: JobStore, held: Inspector, slots: list[int], messages: int
) -> None:
    for _ in range(20):
        await queued(without_workers)
    for number, has in enumerate(slots):
        await without_workers.report(_report(f"w{number}", has))
    assert len(await held.messages(LANE)) == messages


async def test_a_job_that_runs_takes_a_slot(without_workers: JobStore, held: Inspector) -> None:
    await claimed(without_workers, await queued(without_workers))
    await without_workers.report(_report("w", 3))
    for _ in range(5):
        await queued(without_workers)
    assert len(await held.messages(LANE)) == 2


async def test_a_worker_that_leaves_takes_its_slots_along(without_workers: JobStore, held: Inspector) -> None:
    await without_workers.report(_report("w", 3))
    await Fleet(without_workers.redis, patience=timedelta(seconds=5)).forget("w")
    await queued(without_workers)
    assert await held.messages(LANE) == []


async def test_slots_of_workers_that_are_silent_are_forgotten(without_workers: JobStore, held: Inspector) -> None:
    await without_workers.report(_report("w", 3))
    silent = await held.now() - 61_000
    for key in (keys.SLOTS, f"{keys.SLOTS}:3"):
        await without_workers.redis.zadd(keys.queue("default", key), {"w": silent})
    await queued(without_workers)
    assert await held.messages(LANE) == []
    await sweep(without_workers)
    assert await held.names(f"{keys.queue('default', keys.SLOTS)}*") == []
    assert await held.names(keys.queue("default", keys.SHARES)) == []


async def test_a_report_says_how_many_a_worker_runs_at_once(without_workers: JobStore) -> None:
    await without_workers.report(_report("w", 50))
    [worker] = await Fleet(without_workers.redis, patience=timedelta(seconds=5)).workers()
    assert worker.slots == 50


async def test_a_job_with_a_free_slot_before_it_starts_at_once(without_workers: JobStore) -> None:
    await without_workers.report(_report("w", 3))
    await without_workers.complete((await claimed(without_workers, await queued(without_workers))).lease, result={})
    await claimed(without_workers, await queued(without_workers))
    job = await without_workers.get(await queued(without_workers))
    assert job.waiting is not None
    assert job.waiting.on == "worker"
    assert job.queue.estimated_start_at is not None
    assert job.queue.estimated_start_at <= datetime.now(UTC) + timedelta(seconds=1)
