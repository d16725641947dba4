"""jobs/diagnosis.py: what is stuck, and which settings of Redis endanger jobs."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.diagnosis import FleetReport, RedisReport, examine_fleet
from jobs.fleet import Fleet, WorkerReport
from jobs.model import JobError
from jobs.recurrence import Recurrence
from jobs.schedules import Overlap, ScheduleStore
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from tests.support.jobs_at_hand import BUSY, ended, queued, running, scheduled, story
from tests.support.time_travel import PAST, end_lease, make_retry_due, make_schedule_due, wait_since

SAFE = RedisReport(
    version="7.2.4",
    memory_bytes=50,
    memory_limit_bytes=100,
    eviction="noeviction",
    append_only=True,
    last_save_failed=False,
    clients=3,
)


@pytest.fixture
def fleet(redis: Redis) -> Fleet:
    return Fleet(redis, patience=timedelta(seconds=2))


async def _reports(store: JobStore, *, jobs: list[str]) -> None:
    now = datetime.now(UTC)
    worker = WorkerReport(
        id="w1", host="h", pid=1, version="0.1.0", queues=["default"], started_at=now, seen_at=now, jobs=jobs
    )
    await store.report(worker)


async def _examine(redis: Redis, fleet: Fleet) -> FleetReport:
    return await examine_fleet(redis, fleet, patience=timedelta(seconds=2))


def _stuck(report: FleetReport) -> list[tuple[bool, str]]:
    """What was found but for Redis itself: the tests' server has no append-only file."""
    return [(finding.wrong, finding.what) for finding in report.findings if "Redis" not in finding.what]


# -- Redis -------------------------------------------------------------------------------------------------------------


def test_a_safe_redis_has_no_findings() -> None:
    assert SAFE.findings() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "6.0.16"}, "too old"),
        ({"eviction": "allkeys-lru"}, "maxmemory-policy allkeys-lru"),
        ({"append_only": False}, "appendonly no"),
        ({"last_save_failed": True}, "could not save"),
        ({"memory_bytes": 95}, "95% full"),
    ],
)
def test_what_endangers_jobs_is_wrong(change: dict[str, object], said: str) -> None:
    (finding,) = SAFE.model_copy(update=change).findings()
    assert finding.wrong
    assert said in finding.what
    assert finding.remedy


def test_an_eviction_policy_without_a_limit_evicts_nothing_yet() -> None:
    (finding,) = SAFE.model_copy(update={"eviction": "volatile-lru", "memory_limit_bytes": 0}).findings()
    assert not finding.wrong


async def test_redis_is_read_as_it_is(redis: Redis, fleet: Fleet) -> None:
    report = (await _examine(redis, fleet)).redis
    assert tuple(int(part) for part in report.version.split(".")) >= (6, 2)
    assert report.eviction == "noeviction"
    assert not report.append_only
    assert report.memory_bytes > 0


# -- The fleet ---------------------------------------------------------------------------------------------------------


async def test_an_idle_fleet_has_nothing_stuck(store: JobStore, redis: Redis, fleet: Fleet) -> None:
    await _reports(store, jobs=[])
    assert _stuck(await _examine(redis, fleet)) == []


async def test_jobs_without_a_worker_are_wrong(redis: Redis, store: JobStore, fleet: Fleet) -> None:
    await queued(store)
    report = await _examine(redis, fleet)
    assert not report.healthy
    ((wrong, what),) = _stuck(report)
    assert wrong
    assert what.endswith("and no worker.")


async def test_a_job_that_waits_beside_an_idle_worker_is_wrong(redis: Redis, store: JobStore, fleet: Fleet) -> None:
    job_id = await queued(store)
    await _reports(store, jobs=[])
    assert _stuck(await _examine(redis, fleet)) == [], "it was queued just now"
    await wait_since(redis, job_id, PAST)
    ((wrong, what),) = _stuck(await _examine(redis, fleet))
    assert wrong
    assert "although a worker is idle" in what


async def test_a_long_wait_for_busy_workers_is_a_note(redis: Redis, store: JobStore, fleet: Fleet) -> None:
    await wait_since(redis, await queued(store), PAST)
    await _reports(store, jobs=["another"])
    ((wrong, what),) = _stuck(await _examine(redis, fleet))
    assert not wrong
    assert "its worker is busy" in what


async def test_a_lease_that_ended_long_ago_means_that_nobody_sweeps(
    redis: Redis, store: JobStore, fleet: Fleet
) -> None:
    claim = await running(store)
    report = await _examine(redis, fleet)
    assert (report.running, report.leases_ended) == (1, 0)
    assert _stuck(report) == []
    await end_lease(redis, claim.lease.job_id)
    report = await _examine(redis, fleet)
    assert (report.running, report.leases_ended) == (1, 1)
    ((wrong, what),) = _stuck(report)
    assert wrong
    assert "Jobs that lost their worker: 1" in what


async def test_a_retry_that_is_overdue_is_wrong(redis: Redis, store: JobStore, fleet: Fleet) -> None:
    claim = await scheduled(store)
    report = await _examine(redis, fleet)
    assert (report.scheduled, _stuck(report)) == (1, [])
    await make_retry_due(redis, claim.lease.job_id)
    ((wrong, what),) = _stuck(await _examine(redis, fleet))
    assert wrong
    assert "overdue" in what


async def test_a_schedule_that_nobody_fires_is_wrong(
    redis: Redis, store: JobStore, settings: Settings, fleet: Fleet
) -> None:
    schedules = ScheduleStore(store, settings, patience=timedelta(seconds=5))
    hourly = Recurrence(interval=timedelta(hours=1))
    schedule_id = (await schedules.create(story(), hourly, overlap=Overlap.SKIP)).job_id
    report = await _examine(redis, fleet)
    assert (report.schedules.total, _stuck(report)) == (1, [])
    await make_schedule_due(redis, schedule_id)
    ((wrong, what),) = _stuck(await _examine(redis, fleet))
    assert wrong
    assert "Schedules whose job was not made at its time: 1" in what


async def test_dead_letters_are_a_note(redis: Redis, store: JobStore, fleet: Fleet) -> None:
    await store.fail((await running(store)).lease, BUSY)
    report = await _examine(redis, fleet)
    assert report.dead == 1
    assert _stuck(report) == [(False, "Jobs that failed for good: 1.")]


# -- Jobs --------------------------------------------------------------------------------------------------------------


async def test_jobs_that_no_worker_can_run_are_wrong(redis: Redis, store: JobStore, fleet: Fleet) -> None:
    for _ in range(2):
        claim = await running(store)
        error = JobError(reason=Reason.NO_CAPABLE_WORKER, message="A worker cannot run it: it lacks stories.")
        await store.retry_later(claim.lease, error, wait=timedelta(minutes=1))
    assert _stuck(await _examine(redis, fleet)) == [
        (True, "Jobs of kind story that no worker can run: 2. A worker cannot run it: it lacks stories.")
    ]


async def test_faults_of_pipelines_are_wrong_for_an_hour(redis: Redis, store: JobStore, fleet: Fleet) -> None:
    failed = [await ended(store, State.FAILED) for _ in range(3)]
    fault = "Jobs of kind story that failed of a fault in their pipeline within the last hour: {}. KeyError: 'pages'"
    assert (True, fault.format(3)) in _stuck(await _examine(redis, fleet))
    await redis.zadd(keys.DEAD, {failed[0]: PAST})
    assert (True, fault.format(2)) in _stuck(await _examine(redis, fleet))
