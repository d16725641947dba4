"""The lease thread: it renews, hears of a cancel at once, and gives up before anyone else can have the job."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cli.embedded_redis import EmbeddedRedis
from jobs import keys, kinds
from jobs.settings import Settings
from jobs.store import Claim, JobStore, NewJob
from tasks.lease import LeaseThread
from tasks.waits import Waited
from tests.support.ports import free_port
from tests.support.waiting import wait_until


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings.model_validate({"redis_url": redis_url, "lease": "1.2s", "heartbeat": "200ms"})


@contextmanager
def _held(settings: Settings, claim: Claim, *, waiting: Waited | None = None) -> Generator[list[str]]:
    """Keeps the lease; collects what the thread says of its loss."""
    lost: list[str] = []
    thread = LeaseThread(settings)
    try:
        with thread.hold(claim.lease, on_lost=lost.append, waiting=lambda: waiting):
            yield lost
    finally:
        thread.close()


async def test_a_held_lease_outlives_its_length(settings: Settings, claim: Claim, store: JobStore) -> None:
    async def lease_until() -> float:
        return float(await store.redis.zscore(keys.LEASES, claim.job.id) or 0)

    with _held(settings, claim) as lost:
        first = await lease_until()

        async def renewed_often() -> bool:
            return await lease_until() > first + 2000

        await wait_until(renewed_often, within=5, what="the lease was renewed for 2 s")
        assert lost == []


async def test_a_cancel_is_heard_at_once(settings: Settings, claim: Claim, store: JobStore) -> None:
    """By the blocking read, well before the next heartbeat."""
    slow = settings.model_copy(update={"lease": timedelta(seconds=30), "heartbeat": timedelta(seconds=10)})
    with _held(slow, claim) as lost:
        started = time.monotonic()
        await store.cancel(claim.job.id)
        await wait_until(lambda: lost, within=5, what="the cancel is heard")
        assert time.monotonic() - started < 1.5
        assert lost == ["cancelled"]


async def test_an_old_fence_is_heard_with_the_next_heartbeat(settings: Settings, claim: Claim, store: JobStore) -> None:
    await store.lose(claim.lease)
    await store.claim(claim.job.id, worker="other", token="other")  # noqa: S106  # not a secret
    with _held(settings, claim) as lost:
        await wait_until(lambda: lost, within=3, what="the loss is heard")
        assert lost == ["running"]


async def test_what_the_job_waits_for_is_told_with_each_heartbeat(
    settings: Settings, claim: Claim, store: JobStore
) -> None:
    with _held(settings, claim, waiting=Waited("provider", timedelta(seconds=41))):

        async def told() -> bool:
            return (await store.get(claim.job.id)).waiting is not None

        await wait_until(told, within=3, what="the job says what it waits for")
    waiting = (await store.get(claim.job.id)).waiting
    assert waiting is not None
    assert waiting.on == "provider"


async def test_a_worker_that_cannot_reach_redis_gives_up_by_the_end_of_its_lease(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path, port=free_port())
    server.start()
    settings = Settings.model_validate({"redis_url": server.url, "lease": "1.2s", "heartbeat": "200ms"})
    store = JobStore.open(settings, name="tests", patience=timedelta(seconds=5))
    try:
        created = await store.create(NewJob(kinds.get("story"), {}))
        claim = await store.claim(created.job_id, worker="tests", token="tests")  # noqa: S106  # not a secret
        assert isinstance(claim, Claim)
        with _held(settings, claim) as lost:
            started = time.monotonic()
            server.kill()
            await wait_until(lambda: lost, within=5, what="the loss is noticed")
            assert time.monotonic() - started < 1.7
            assert lost == ["not renewed in time"]
    finally:
        await store.aclose()
        server.stop()
