"""A platform whose workers sit behind a proxy each, and are replaced when they end, as they would be in production."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import redis

from jobs import keys
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.counting_provider import CountingProvider
from tests.support.fault_proxy import FaultProxy
from tests.support.platform import STORY, Platform
from tests.support.processes import Worker
from tests.support.waiting import pause, wait_until

SETTINGS = {
    "HEADRACE_PROVIDER": "openai",
    "OPENAI_API_KEY": "counting",
    "HEADRACE_CONCURRENCY": "2",
    # More faults hit a job here than any deployment would see in its life; none may fail for that.
    "HEADRACE_MAX_ATTEMPTS": "100",
}
HURRIED = {
    "HEADRACE_LEASE": "3s",
    "HEADRACE_HEARTBEAT": "1s",
    "HEADRACE_SWEEP": "500ms",
    "HEADRACE_MESSAGE_GRACE": "2s",
    "HEADRACE_GRACE": "1s",
    "HEADRACE_WATCHDOG": "8s",
}
"""For a short run, in which nobody can wait for the leases of a real one."""


@dataclass
class Member:
    """A place for a worker: the proxy stays, workers come and go."""

    proxy: FaultProxy
    worker: Worker


class Fleet:
    def __init__(self, folder: Path, *, workers: int, call_seconds: float, settings: Mapping[str, str]) -> None:
        self.provider = CountingProvider(
            ledger=folder / "provider-ledger", log=folder / "provider.log", delay=call_seconds
        )
        self.platform = Platform(folder, SETTINGS | {"OPENAI_BASE_URL": self.provider.url, **settings})
        here = Settings.model_validate({"redis_url": self.platform.redis.url})
        self._store = JobStore.open(here, name="chaos", patience=timedelta(seconds=5))
        self.redis = redis.Redis.from_url(self.platform.redis.url, decode_responses=True, socket_timeout=5)
        self.members: list[Member] = []
        self.accepted: list[str] = []
        self.cancelled: set[str] = set()
        self.replaced: dict[int, int] = {}
        """Workers that ended, by exit status."""
        self._size = workers

    async def start(self) -> None:
        await wait_until(self.provider.answers, within=15, what="the provider answers")
        await self.platform.start(workers=0)
        for _ in range(self._size):
            proxy = FaultProxy(self.platform.redis.port)
            proxy.start()
            self.members.append(Member(proxy, self.platform.spawn_worker(REDIS_URL=proxy.url)))
        for member in self.members:
            await wait_until(member.worker.ready, within=20, what="a worker is ready")

    async def stop(self) -> None:
        """Ends whatever has been started, also where the start failed half-way."""
        await self._store.aclose()
        self.redis.close()
        await self.platform.stop()
        self.provider.end()
        for member in self.members:
            member.proxy.stop()

    async def replace_the_dead(self) -> None:
        """For as long as it runs: a worker that ended gets a successor behind the same proxy."""
        while True:
            for member in self.members:
                status = member.worker.exit_code
                if status is not None:
                    self.replaced[status] = self.replaced.get(status, 0) + 1
                    # Its orphans die with it: on a platform they share its container.
                    member.worker.end()
                    member.worker = self.platform.spawn_worker(REDIS_URL=member.proxy.url)
            await pause(0.3)

    async def post(self, *, pages: int) -> str:
        """Posts a story until it is accepted; a repeat after an answer that was lost makes no second job."""
        key = str(uuid4())

        async def accepted() -> str | None:
            try:
                answer = await self.platform.client.post(
                    "/stories", json=STORY | {"pages": pages}, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                return None
            return answer.json()["id"] if answer.status_code == 202 else None

        job_id = await wait_until(accepted, within=60, what="a story is accepted")
        assert job_id is not None
        self.accepted.append(job_id)
        return job_id

    async def cancel(self, job_id: str) -> None:
        self.cancelled.add(job_id)
        await self.platform.client.post(f"/jobs/{job_id}/cancel")

    async def sweep_at_once(self, times: int) -> None:
        async def sweep() -> None:
            self.redis.delete(keys.SWEPT)
            await self._store.sweep()

        await asyncio.gather(*(sweep() for _ in range(times)), return_exceptions=True)

    async def all_jobs(self) -> list[str]:
        """Every job that there is, as the API lists them; also those whose 202 was lost on the way."""
        found: list[str] = []
        cursor = None
        while True:
            page = (
                await self.platform.client.get("/jobs", params={"limit": 200} | ({"cursor": cursor} if cursor else {}))
            ).json()
            found += [job["id"] for job in page["jobs"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found
