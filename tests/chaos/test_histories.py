"""Many clients of one store under faults, each behind a network of its own: no history of theirs is impossible."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis.exceptions import RedisError

import jobs.scripts
from cli.embedded_redis import EmbeddedRedis
from jobs import keys
from jobs.errors import JobNotFound, LeaseLost, StoreUnavailable
from jobs.leases import Claim, Lease, Refusal
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.store import JobStore
from tests.chaos.history import Answer, Kind, Operation, violations
from tests.support.fault_proxy import FaultProxy
from tests.support.jobs_at_hand import story, under_key
from tests.support.time_travel import PAST
from tests.support.waiting import pause, wait_until

pytestmark = pytest.mark.quick

PATIENCE = timedelta(seconds=0.4)
JOBS = 80
WORKERS = 6
STEPS = ("outline", "cover", "page")


class Client:
    """One process with a store of its own; notes what it asks and what it is told."""

    def __init__(self, name: str, server: EmbeddedRedis, history: list[Operation]) -> None:
        self.name = name
        self.proxy = FaultProxy(server.port)
        self.proxy.start()
        self.store = JobStore.open(Settings.model_validate({"redis_url": self.proxy.url}), name=name, patience=PATIENCE)
        self._history = history

    async def aclose(self) -> None:
        await self.store.aclose()
        self.proxy.stop()

    async def create(self) -> str:
        """Until it is accepted, under one key."""
        key = under_key(str(uuid4()))
        while True:
            asked = time.monotonic()
            with suppress(StoreUnavailable):
                created = await self.store.create(story(max_attempts=100), key)
                self._note("create", created.job_id, asked, "ok", state="queued")
                return created.job_id

    async def claim(self, job_id: str) -> Claim | None:
        """Asks again when no answer came, as a worker does."""
        token = str(uuid4())
        for _ in range(3):
            asked = time.monotonic()
            try:
                claim = await self.store.claim(job_id, worker=self.name, token=token)
            except StoreUnavailable:
                self._note("claim", job_id, asked, "unknown", claim=token)
                continue
            if isinstance(claim, Refusal):
                self._note("claim", job_id, asked, "refused")
                return None
            self._note("claim", job_id, asked, "ok", fence=claim.lease.fence, claim=token)
            return claim
        return None

    async def save(self, lease: Lease, step: str) -> None:
        await self._write("save", lease, lambda: self.store.save_step(lease, step, "1"), step=step)

    async def finish(self, lease: Lease) -> None:
        await self._write("finish", lease, lambda: self.store.complete(lease, result={}), state="completed")

    async def _write(self, kind: Kind, lease: Lease, write: Callable[[], Awaitable[None]], **about: str) -> None:
        for _ in range(3):
            asked, answer = time.monotonic(), "ok"
            try:
                await write()
            except LeaseLost:
                answer = "refused"
            except StoreUnavailable:
                answer = "unknown"
            self._note(kind, lease.job_id, asked, answer, fence=lease.fence, claim=lease.claim, **about)
            if answer != "unknown":
                return

    async def cancel(self, job_id: str) -> None:
        asked = time.monotonic()
        try:
            state = await self.store.cancel(job_id)
        except StoreUnavailable:
            self._note("cancel", job_id, asked, "unknown")
        except JobNotFound:
            self._note("read", job_id, asked, "ok", state="gone")
        else:
            self._note("cancel", job_id, asked, "ok", state=state if state in FINAL else "")

    async def read(self, job_id: str) -> None:
        """The record and the names of its steps, of one moment."""
        asked = time.monotonic()
        try:
            async with self.store.redis.pipeline(transaction=True) as pipe:
                pipe.hmget(keys.job(job_id), ["state", "fence"])
                pipe.hkeys(keys.steps(job_id))
                (state, fence), steps = await pipe.execute()
        except RedisError:
            self._note("read", job_id, asked, "unknown")
        else:
            seen: dict[str, Any] = {"fence": int(fence or 0), "steps": frozenset(steps)}
            self._note("read", job_id, asked, "ok", state=state or "gone", **seen)

    def _note(self, kind: Kind, job_id: str, asked: float, answer: Answer, **seen: Any) -> None:  # noqa: ANN401  # fields of the operation
        self._history.append(Operation(self.name, kind, job_id, asked, time.monotonic(), answer, **seen))


class Run:
    def __init__(self, server: EmbeddedRedis, seed: int) -> None:
        self.history: list[Operation] = []
        self._clients = [Client(f"w{number}", server, self.history) for number in range(WORKERS)]
        self._watcher = Client("watcher", server, self.history)
        self._chance = random.Random(seed)  # noqa: S311  # to be repeated
        self._jobs: list[str] = []
        self._over = False

    async def aclose(self) -> None:
        for client in (*self._clients, self._watcher):
            await client.aclose()

    async def go(self) -> None:
        self._jobs = [await self._watcher.create() for _ in range(JOBS)]
        tasks = [asyncio.create_task(one) for one in self._all_at_once()]
        try:
            await wait_until(self._shows_something, within=90, what="enough of each kind has come to pass")
        finally:
            self._over = True
        await asyncio.gather(*tasks)

    def _shows_something(self) -> bool:
        """A history without late writes, lost replies and ends would be good by itself."""
        counts = Counter((one.kind, one.answer) for one in self.history)
        return (
            counts["claim", "ok"] > 50
            and counts["save", "refused"] > 10
            and sum(counts[kind, "unknown"] for kind in ("claim", "save", "finish")) > 5
            and len({one.job for one in self.history if one.state == State.COMPLETED}) > 5
            and len({one.job for one in self.history if one.state == State.CANCELLED}) > 1
        )

    def _all_at_once(self) -> list[Coroutine[Any, Any, None]]:
        return [*map(self._work, self._clients), self._watch(), self._end_leases(), self._break_networks()]

    async def _work(self, client: Client) -> None:
        while not self._over:
            if (claim := await client.claim(self._chance.choice(self._jobs))) is None:
                continue
            for step in STEPS:
                # Some are slow: their lease ends meanwhile, and they go on all the same.
                await pause(self._chance.choice([0, 0.02, 0.3]))
                await client.save(claim.lease, step)
            if self._chance.random() < 0.2:
                await client.finish(claim.lease)

    async def _watch(self) -> None:
        while not self._over:
            await pause(0.01)
            await self._watcher.read(self._chance.choice(self._jobs))
            if self._chance.random() < 0.02:
                await self._watcher.cancel(self._chance.choice(self._jobs))

    async def _end_leases(self) -> None:
        """As if their time had come, and sweeps."""
        redis = self._watcher.store.redis
        while not self._over:
            await pause(0.02)
            await redis.zadd(keys.LEASES, {self._chance.choice(self._jobs): PAST}, xx=True)
            await redis.delete(keys.SWEPT)
            await self._watcher.store.sweep()

    async def _break_networks(self) -> None:
        """Of a client at a time; the watcher's own is sound. Replies are lost for longer than a client waits."""
        while not self._over:
            proxy = self._chance.choice(self._clients).proxy
            match self._chance.randrange(3):
                case 0:
                    proxy.reset()
                case 1:
                    proxy.drop_replies()
                    await pause(1.5 * PATIENCE.total_seconds())
                    proxy.reset()
                case _:
                    proxy.delay(0.1)
                    await pause(0.3)
            proxy.heal()


@pytest.fixture
async def run(redis_server: EmbeddedRedis, redis_url: str) -> AsyncIterator[Run]:  # noqa: ARG001  # an empty server
    run = Run(redis_server, seed=5)
    yield run
    await run.aclose()


async def test_no_client_saw_what_cannot_be(run: Run, record_property: Callable[[str, object], None]) -> None:
    await run.go()

    late = sum(one.kind == "save" and one.answer == "refused" for one in run.history)
    record_property("measured", f"a history of {len(run.history)} operations, {late} late writes refused")
    assert violations(run.history) == []


@pytest.fixture
def without_fences(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever writes for a job that runs is let."""

    def read(name: str) -> str:
        return original(name).replace(
            "local last = tonumber(job.fence) == fence and job.claim == claim", "local last = true"
        )

    original = jobs.scripts.read
    monkeypatch.setattr(jobs.scripts, "read", read)
    # A process keeps its scripts: neither those of other tests here, nor these there.
    jobs.scripts.programs_of.cache_clear()
    yield
    jobs.scripts.programs_of.cache_clear()


async def test_a_store_without_fences_is_found_out(
    without_fences: None,  # noqa: ARG001  # before its stores are opened
    redis_server: EmbeddedRedis,
    redis_url: str,  # noqa: ARG001  # an empty server
) -> None:
    run = Run(redis_server, seed=5)
    try:
        await run.go()
    finally:
        await run.aclose()

    assert any("written after a later claim" in fault for fault in violations(run.history))
