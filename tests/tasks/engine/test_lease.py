"""The lease thread: it renews, hears of a cancel at once, and gives up before anyone else can have the job."""

import asyncio
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cli.embedded_redis import EmbeddedRedis
from headrace.waits import Waited
from jobs import keys, kinds
from jobs.errors import LeaseLost
from jobs.leases import Claim
from jobs.new_job import NewJob
from jobs.renewals import Renewal
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.lease import LeaseThread
from tasks.engine.loop_watch import LoopWatch
from tests.support.fault_proxy import FaultProxy
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings.model_validate({"redis_url": redis_url, "lease": "5s", "heartbeat": "200ms"})


@contextmanager
def _held(
    settings: Settings, claim: Claim, *, waiting: Waited | None = None, asked_ago: float = 0
) -> Generator[list[str]]:
    """Keeps the lease, asked for that many seconds ago; collects what the thread says of its loss."""
    lost: list[str] = []
    thread = LeaseThread(settings)
    try:
        claim = replace(claim, requested_at=time.monotonic() - asked_ago)
        watch = LoopWatch()
        with watch.ticking(), thread.hold(claim, on_lost=lost.append, waiting=lambda: waiting, loop=watch):
            yield lost
    finally:
        thread.close()


@pytest.mark.slow
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
    slow = settings.model_copy(update={"lease": timedelta(minutes=10), "heartbeat": timedelta(minutes=3)})
    with _held(slow, claim) as lost:
        watch = Stopwatch()
        await store.cancel(claim.job.id)
        await wait_until(lambda: lost, within=60, what="the cancel is heard")
        assert watch.took.net < 1.5
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


@pytest.mark.slow
async def test_connections_that_go_silent_once_do_not_cost_the_lease(
    redis_server: EmbeddedRedis, claim: Claim, store: JobStore
) -> None:
    """The signal's and the renewal's are dead, new ones work; half the default times."""

    async def lease_until() -> float:
        return float(await store.redis.zscore(keys.LEASES, claim.job.id) or 0)

    async def renewed_after(before: float) -> bool:
        return await lease_until() > before

    proxy = FaultProxy(redis_server.port)
    proxy.start()
    settings = Settings.model_validate({"redis_url": proxy.url, "lease": "4s", "heartbeat": "1250ms"})
    try:
        with _held(settings, claim) as lost:
            # Claimed with the default lease, which is longer; this one's first renewal sets its own.
            first = await lease_until()

            async def renewed() -> bool:
                return await lease_until() != first

            await wait_until(renewed, within=5, what="the lease was renewed")
            proxy.blackhole(new=False)
            last = await lease_until()
            await wait_until(lambda: renewed_after(last), within=5, what=f"the lease is renewed again: {lost}")
            assert lost == []
    finally:
        proxy.stop()


@pytest.mark.slow
async def test_a_slow_network_does_not_cost_the_lease(
    redis_server: EmbeddedRedis, claim: Claim, store: JobStore
) -> None:
    """Every reply comes 0.3 s late, those that open a connection too, and so the claim took long already."""
    proxy = FaultProxy(redis_server.port)
    proxy.start()
    proxy.delay(0.3)
    settings = Settings.model_validate({"redis_url": proxy.url})
    asked_ago = 2.4  # later than that, the claim itself renews
    try:
        with _held(settings, claim, asked_ago=asked_ago) as lost:
            first = float(await store.redis.zscore(keys.LEASES, claim.job.id) or 0)

            async def renewed_or_lost() -> bool:
                return bool(lost) or float(await store.redis.zscore(keys.LEASES, claim.job.id) or 0) > first

            await wait_until(renewed_or_lost, within=8, what="the lease is renewed")
            assert lost == []
            await store.cancel(claim.job.id)
            await wait_until(lambda: lost, within=5, what="the cancel is heard")
            assert lost == ["cancelled"]
    finally:
        proxy.stop()


async def test_a_lease_counts_from_when_it_was_asked_for(settings: Settings, claim: Claim) -> None:
    slow = settings.model_copy(update={"lease": timedelta(seconds=30), "heartbeat": timedelta(seconds=10)})
    with _held(slow, claim, asked_ago=29.8) as lost:
        await wait_until(lambda: lost, within=3, what="the loss is noticed")
        assert lost == ["not renewed in time"]


async def test_a_renewal_counts_from_before_it_was_sent(
    settings: Settings, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply that comes late makes the lease no longer here than it is in Redis."""
    renew, timeout_at = JobStore.renew_all, asyncio.timeout_at
    sent: list[float] = []
    until: list[float] = []

    async def answer_late(store: JobStore, renewals: Sequence[Renewal]) -> list[LeaseLost | None]:
        sent.append(time.monotonic())
        answer = await renew(store, renewals)
        await asyncio.sleep(0.2)  # the way back
        return answer

    def note(when: float) -> asyncio.Timeout:
        until.append(when)
        return timeout_at(when)

    monkeypatch.setattr(JobStore, "renew_all", answer_late)
    monkeypatch.setattr(asyncio, "timeout_at", note)
    with _held(settings, claim):
        await wait_until(lambda: len(until) == 2, within=30, what="the lease was renewed")
    assert until[1] <= sent[0] + settings.lease.total_seconds()


@pytest.mark.slow
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
            watch = Stopwatch()
            server.kill()
            await wait_until(lambda: lost, within=5, what="the loss is noticed")
            assert watch.took.net < 2.4, "it waited for the store's patience of 5 s"
            assert lost == ["not renewed in time"]
    finally:
        await store.aclose()
        server.stop()
