"""Redis fails over under load: a primary, two replicas and three sentinels, each a process of its own."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import cast
from uuid import uuid4

import httpx
import pytest
import redis

from tests.chaos.conftest import Measure, NewPlatform
from tests.support.client import STORY
from tests.support.debian_redis import DebianRedis, NewRedis, started, until_answers
from tests.support.platform import Platform
from tests.support.ports import free_port
from tests.support.waiting import pause, wait_until

JOBS = int(os.environ.get("CHAOS_JOBS", "16"))
SERVICE = "headrace"
OPTIONS = "appendonly yes\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\nreplica-announce-ip 127.0.0.1"


@dataclass
class Sentinels:
    servers: dict[int, DebianRedis]
    """By port; at first the first is the primary."""
    ports: list[int]

    @property
    def url(self) -> str:
        return f"sentinel://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{SERVICE}/0"

    def primary(self) -> int:
        with redis.Redis(port=self.ports[0], socket_timeout=2) as client:
            _, port = cast("tuple[bytes, bytes]", client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", SERVICE))
            return int(port)

    def know_all(self) -> bool:
        """Each knows both replicas and the other two, so that they can agree on a failover."""
        for port in self.ports:
            with redis.Redis(port=port, decode_responses=True, socket_timeout=2) as client:
                known = cast("dict[str, int]", client.sentinel_master(SERVICE))
                if (known["num-slaves"], known["num-other-sentinels"]) != (2, 2):
                    return False
        return True


@pytest.fixture
def new_redis(tmp_path: Path) -> Iterator[NewRedis]:
    yield from started(tmp_path / "servers")


@pytest.fixture
async def sentinels(new_redis: NewRedis) -> Sentinels:
    ports = [free_port() for _ in range(3)]
    servers = {
        port: new_redis(f"port {port}\n{OPTIONS}" + (f"\nreplicaof 127.0.0.1 {ports[0]}" if port != ports[0] else ""))
        for port in ports
    }
    for port in ports:
        await until_answers(port)
    watchers = [free_port() for _ in range(3)]
    for port in watchers:
        new_redis(
            f"port {port}\nsentinel monitor {SERVICE} 127.0.0.1 {ports[0]} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} 2000\nsentinel failover-timeout {SERVICE} 10000",
            sentinel=True,
        )
    for port in watchers:
        await until_answers(port)
    found = Sentinels(servers, watchers)
    await wait_until(found.know_all, within=30, what="the sentinels know all")
    return found


def _killed(sentinels: Sentinels, primary: int) -> None:
    sentinels.servers[primary].kill()


def _frozen(sentinels: Sentinels, primary: int) -> None:
    sentinels.servers[primary].signal(SIGSTOP)


class _Load:
    """Posts stories one after another, each until it is accepted."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.accepted: dict[str, float] = {}
        """When each was, by its id."""

    async def run(self) -> None:
        while len(self.accepted) < JOBS:
            self.accepted[await self._post()] = time.monotonic()
            await pause(0.1)

    async def _post(self) -> str:
        key = str(uuid4())

        async def post() -> str | None:
            try:
                answer = await self._platform.client.post("/stories", json=STORY, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                return None
            return answer.json()["id"] if answer.status_code == 202 else None

        job_id = await wait_until(post, within=60, what="a story is accepted")
        assert job_id
        return job_id


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", [_killed, _frozen])
async def test_a_failover_under_load_costs_seconds(
    new_platform: NewPlatform,
    sentinels: Sentinels,
    measure: Measure,
    record_property: Callable[[str, object], None],
    fault: Callable[[Sentinels, int], None],
) -> None:
    """Injected, with a third of the jobs accepted: the primary is killed, or frozen (and comes back).

    Bound: jobs are accepted and completed again within 15 s of the promotion, and none that the new primary has is
    left undone. What it never had is lost, for replication waits for nobody: that is counted.
    """
    platform = new_platform(REDIS_URL=sentinels.url, HEADRACE_OFFLINE_DELAY="0.02")
    await platform.start(workers=2)
    load = _Load(platform)
    posting = asyncio.create_task(load.run())
    await wait_until(lambda: len(load.accepted) >= JOBS // 3, within=60, what="a third of the jobs is accepted")

    before = sentinels.primary()
    began = time.monotonic()
    fault(sentinels, before)
    await wait_until(lambda: sentinels.primary() != before, within=30, what="a replica is promoted")
    promoted = time.monotonic()
    done = _done(platform, load)
    kind = fault.__name__.strip("_")
    record_property("measured", f"primary {kind}: promoted after {promoted - began:.1f} s")
    await wait_until(lambda: _first_since(load, promoted) is not None, within=60, what="a job is accepted again")
    first = _first_since(load, promoted)
    assert first
    measure(f"primary {kind}, from the promotion until a job is accepted", load.accepted[first] - promoted, bound=15)
    await wait_until(lambda: _done(platform, load) - done, within=60, what="one more is completed")
    measure(f"primary {kind}, from the promotion until one more job is done", time.monotonic() - promoted, bound=15)
    if fault is _frozen:
        sentinels.servers[before].signal(SIGCONT)

    await posting
    lost = await _settle(platform, list(load.accepted))
    record_property("measured", f"primary {kind}: {len(lost)} of {JOBS} accepted jobs lost")
    assert len(lost) <= JOBS // 10
    assert all(load.accepted[job_id] <= promoted for job_id in lost)
    twice = [job_id for job_id in load.accepted if job_id not in lost and await _ends(platform, job_id) != 1]
    assert twice == []


def _first_since(load: _Load, moment: float) -> str | None:
    return next((job_id for job_id, at in load.accepted.items() if at > moment), None)


def _done(platform: Platform, load: _Load) -> set[str]:
    return {job_id for job_id in list(load.accepted) if _state(platform, job_id) == "completed"}


def _state(platform: Platform, job_id: str) -> str | None:
    try:
        answer = httpx.get(f"{platform.api.url}/jobs/{job_id}", timeout=5)
    except httpx.TransportError:
        return None
    if answer.status_code == 404:
        return "lost"
    return answer.json()["state"] if answer.is_success else None


async def _settle(platform: Platform, jobs: list[str]) -> list[str]:
    """Waits until every job has completed; returns those that nobody knows."""
    lost: list[str] = []
    for job_id in jobs:
        await wait_until(
            lambda job_id=job_id: _state(platform, job_id) in {"completed", "lost"}, within=60, what=f"{job_id} ends"
        )
        if _state(platform, job_id) == "lost":
            lost.append(job_id)
    return lost


async def _ends(platform: Platform, job_id: str) -> int:
    """How often it completed."""
    return sum(event["event"] == "completed" for event in await platform.events(job_id))
