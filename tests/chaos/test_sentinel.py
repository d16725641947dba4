"""Redis fails over under load: a primary, two replicas and three sentinels, each a process of its own.

`CHAOS_JOBS=200 .venv/bin/pytest tests/chaos/test_sentinel.py` is the long drill.
"""

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
import redis

from tests.chaos.conftest import Measure, NewPlatform
from tests.support.client import STORY
from tests.support.debian_redis import DebianRedis, NewRedis, started, until_answers
from tests.support.fault_proxy import FaultProxy
from tests.support.platform import Platform
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import pause, wait_until

JOBS = int(os.environ.get("CHAOS_JOBS", "16"))
SERVICE = "headrace"
OPTIONS = "appendonly yes\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\nreplica-announce-ip 127.0.0.1"
CONFIRMED = {"HEADRACE_REDIS_WAIT": "1"}
SAFE = "\nmin-replicas-to-write 1\nmin-replicas-max-lag 10"


@dataclass
class Sentinels:
    servers: dict[int, DebianRedis]
    """By port; at first the first is the primary."""
    ports: list[int]
    proxy: FaultProxy
    """Before the first primary, for whoever asks for it: sentinels, replicas and clients."""

    @property
    def url(self) -> str:
        return f"sentinel://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{SERVICE}/0"

    def primary(self) -> int:
        """As clients get to hear it."""
        with redis.Redis(port=self.ports[0], socket_timeout=2) as client:
            _, port = cast("tuple[bytes, bytes]", client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", SERVICE))
            return int(port)

    def first(self) -> DebianRedis:
        return next(iter(self.servers.values()))

    def agree(self) -> bool:
        """One of the servers that answer is the primary; a former one still shows what it has until it is none."""
        return sum(_role(port) == "master" for port in self.servers) == 1

    def know_all(self) -> bool:
        """Each knows both replicas and the other two, so that they can agree on a failover."""
        for port in self.ports:
            with redis.Redis(port=port, decode_responses=True, socket_timeout=2) as client:
                known = cast("dict[str, int]", client.sentinel_master(SERVICE))
                if (known["num-slaves"], known["num-other-sentinels"]) != (2, 2):
                    return False
        return True


def _role(port: int) -> str | None:
    try:
        with redis.Redis(port=port, decode_responses=True, socket_timeout=2) as client:
            return client.role()[0]
    except redis.RedisError:
        return None


@pytest.fixture
def new_redis(tmp_path: Path) -> Iterator[NewRedis]:
    yield from started(tmp_path / "servers")


@pytest.fixture(params=["confirmed", "unconfirmed"])
def confirmed(request: pytest.FixtureRequest) -> bool:
    """Whether Redis refuses writes without a replica, and Headrace waits for replicas."""
    return request.param == "confirmed"


@pytest.fixture
async def sentinels(new_redis: NewRedis, *, confirmed: bool) -> AsyncIterator[Sentinels]:
    ports = [free_port() for _ in range(3)]
    proxy = FaultProxy(ports[0])
    proxy.start()
    options = OPTIONS + (SAFE if confirmed else "")
    servers = {
        port: new_redis(
            f"port {port}\n{options}"
            + (f"\nreplicaof 127.0.0.1 {proxy.port}" if port != ports[0] else f"\nreplica-announce-port {proxy.port}")
        )
        for port in ports
    }
    for port in ports:
        await until_answers(port)
    watchers = [free_port() for _ in range(3)]
    for port in watchers:
        new_redis(
            f"port {port}\nsentinel monitor {SERVICE} 127.0.0.1 {proxy.port} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} 2000\nsentinel failover-timeout {SERVICE} 10000",
            sentinel=True,
        )
    for port in watchers:
        await until_answers(port)
    found = Sentinels(servers, watchers, proxy)
    await wait_until(found.know_all, within=30, what="the sentinels know all")
    yield found
    proxy.stop()


def _killed(sentinels: Sentinels) -> None:
    sentinels.first().kill()


def _frozen(sentinels: Sentinels) -> None:
    sentinels.first().signal(SIGSTOP)


def _planned(sentinels: Sentinels) -> None:
    with redis.Redis(port=sentinels.ports[1], socket_timeout=2) as client:
        client.execute_command("SENTINEL FAILOVER", SERVICE)


def _cut_from_sentinels(sentinels: Sentinels) -> None:
    """Replicas and clients still reach it."""
    sentinels.proxy.cut_off(b"sentinel-")


class _Load:
    """Posts stories one after another, each until it is accepted: all of them, and on until there was enough of it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.accepted: dict[str, float] = {}
        """When each was, by its id."""
        self.enough = False

    async def run(self) -> None:
        while len(self.accepted) < JOBS or not self.enough:
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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [_killed, _frozen, _planned, _cut_from_sentinels])
async def test_a_failover_under_load_costs_seconds(  # fixtures
    new_platform: NewPlatform,
    sentinels: Sentinels,
    measure: Measure,
    record_property: Callable[[str, object], None],
    fault: Callable[[Sentinels], None],
    *,
    confirmed: bool,
) -> None:
    """Injected, with a third of the jobs accepted. A frozen primary, and one cut off, come back later.

    Bound: jobs are accepted and completed again within 15 s of the promotion, and none that the new primary has is
    left undone. With confirmed writes none is lost, and none finished twice; without, that is counted: replication
    waits for nobody.
    """
    platform = new_platform(REDIS_URL=sentinels.url, HEADRACE_OFFLINE_DELAY="0.02", **(CONFIRMED if confirmed else {}))
    await platform.start(workers=2)
    load = _Load(platform)
    posting = asyncio.create_task(load.run())
    await wait_until(lambda: len(load.accepted) >= JOBS // 3, within=60, what="a third of the jobs is accepted")

    before = sentinels.primary()
    began = time.monotonic()
    fault(sentinels)
    await wait_until(lambda: sentinels.primary() != before, within=30, what="a replica is promoted")
    promoted, watch = time.monotonic(), Stopwatch()
    done = _done(platform, load)
    kind = f"primary {fault.__name__.strip('_')}, {'' if confirmed else 'un'}confirmed"
    record_property("measured", f"{kind}: promoted after {promoted - began:.1f} s")
    await wait_until(lambda: _first_since(load, promoted) is not None, within=60, what="a job is accepted again")
    measure(f"{kind}, from the promotion until a job is accepted", watch.took, bound=15)
    await wait_until(lambda: _done(platform, load) - done, within=60, what="one more is completed")
    measure(f"{kind}, from the promotion until one more job is done", watch.took, bound=15)
    if fault is _frozen:
        sentinels.first().signal(SIGCONT)
    if fault is _cut_from_sentinels:
        sentinels.proxy.heal()

    load.enough = True
    await posting
    await wait_until(sentinels.agree, within=60, what="the former primary is a replica")
    lost = await _settle(platform, list(load.accepted))
    twice = [job_id for job_id, ends in _ends_by_workers(platform).items() if ends > 1]
    counted = f"{len(lost)} of {len(load.accepted)} accepted jobs lost, {len(twice)} finished twice"
    record_property("measured", f"{kind}: {counted}")
    kept = [job_id for job_id in load.accepted if job_id not in lost]
    assert [job_id for job_id in kept if not _in_order(await platform.events(job_id))] == []
    if confirmed:
        assert (lost, twice) == ([], [])


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


def _ends_by_workers(platform: Platform) -> Counter[str]:
    """How often workers were told that they had completed each job."""
    logs = "".join(worker.output() for worker in platform.workers)
    return Counter(re.findall(r"job left .*\bjob=(\S+) .*outcome=completed", logs))


def _in_order(events: list[dict[str, Any]]) -> bool:
    """One end, as the last, and nothing written for a job that does not run."""
    runs = False
    for position, event in enumerate(events, 1):
        if event["event"] in {"step", "progress", "call"} and not runs:
            return False
        if event["event"] in {"queued", "running", "scheduled", "completed"}:
            runs = event["event"] == "running"
        if (event["event"] == "completed") != (position == len(events)):
            return False
    return True
