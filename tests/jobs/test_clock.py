"""The clock of Redis jumps: no sweep is kept back for longer than a moment, and no healthy worker loses its job."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.embedded_redis import EmbeddedRedis
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import running
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

LEASE = 4.0
"""s. Long enough for a busy machine to renew it in time."""


class Clock:
    """Of a redis-server under libfaketime."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """So far ahead of the true time."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def jumping(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedRedis]:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("faketime is not installed: apt-get install faketime")
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(found[0]))
        patch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock.file))
        patch.setenv("FAKETIME_NO_CACHE", "1")
        patch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        server = EmbeddedRedis(tmp_path / "redis", port=free_port(), aof=False)
        server.start()
    yield server
    server.stop()


@pytest.fixture
async def sweepers(jumping: EmbeddedRedis, settings: Settings) -> AsyncIterator[list[JobStore]]:
    """Those of two workers, which have swept."""
    changes = {
        "redis_url": SecretStr(jumping.url),
        "lease": timedelta(seconds=LEASE),
        "heartbeat": timedelta(seconds=1),
        "sweep": timedelta(seconds=0.2),
    }
    short = settings.model_copy(update=changes)
    async with AsyncExitStack() as stack:
        patience = timedelta(seconds=5)
        stores = [
            await stack.enter_async_context(aclosing(JobStore.open(short, name=f"w{number}", patience=patience)))
            for number in range(2)
        ]
        for store in stores:
            await store.sweep()
        yield stores


async def _sweep_until_queued(sweepers: list[JobStore], job_id: str) -> float:
    """Seconds until the job was queued again, net of those that the machine had no core for us."""
    watch = Stopwatch()

    async def queued_again() -> bool:
        for store in sweepers:
            await store.sweep()
        return (await sweepers[0].get(job_id)).state is State.QUEUED

    await wait_until(queued_again, within=60, what="the job of the dead worker is queued again")
    return watch.took.net


@pytest.mark.parametrize("seconds", [-600, 600], ids=["back", "forward"])
async def test_a_jump_keeps_a_dead_workers_job_for_one_lease_more(
    sweepers: list[JobStore], clock: Clock, seconds: int
) -> None:
    """Not for as long as the clock has jumped, and not for each of the sweepers."""
    lost = await running(sweepers[0])

    clock.set(seconds)

    assert await _sweep_until_queued(sweepers, lost.job.id) < 2 * LEASE
    assert await Inspector(sweepers[0].redis).counter("clock_jumps") == 1


@pytest.mark.parametrize("seconds", [-600, 1, 60, 3600])
async def test_a_healthy_worker_keeps_its_job(sweepers: list[JobStore], clock: Clock, seconds: int) -> None:
    """It renews its lease as often as it ought to, and every worker sweeps all the time."""
    claim = await running(sweepers[0])
    clock.set(seconds)
    until = asyncio.get_running_loop().time() + 1.5 * LEASE
    while asyncio.get_running_loop().time() < until:
        await sweepers[0].renew(claim.lease)
        swept = [await store.sweep() for store in sweepers]
        assert sum(found.leases_expired for found in swept) == 0
        await asyncio.sleep(0.1)

    assert (await sweepers[0].get(claim.job.id)).attempt == 1


async def test_a_clock_that_jumps_forth_and_back_costs_two_leases_at_most(
    sweepers: list[JobStore], clock: Clock
) -> None:
    lost = await running(sweepers[0])
    clock.set(3600)
    assert not any([await store.sweep() for store in sweepers])
    clock.set(0)

    assert await _sweep_until_queued(sweepers, lost.job.id) < 3 * LEASE
    assert await Inspector(sweepers[0].redis).counter("clock_jumps") == 2
