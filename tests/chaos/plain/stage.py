"""Plain Celery on a private Redis, with as many workers as a fault needs."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import redis

from cli.embedded_redis import EmbeddedRedis
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
LIMIT = 45.0
"""Seconds that anything is waited for; "not within 45 s" is a result."""
Acks = Literal["late", "early"]


class PlainWorker(Process):
    def ready(self) -> bool:
        return " ready." in self.output()

    @property
    def child(self) -> int:
        (child,) = self.children()
        return child


class Stage:
    """Everything of one run. `async with` starts and ends it."""

    def __init__(self, folder: Path, acks: Acks) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._notes = folder / "notes"
        self._notes.touch()
        self.redis = EmbeddedRedis(folder / "redis", port=free_port())
        self._environment = {**os.environ, "ACKS": acks, "NOTES": str(self._notes)}
        self._workers: list[PlainWorker] = []

    async def __aenter__(self) -> Self:
        self.redis.start()
        self.client: Any = redis.Redis(port=self.redis.port, decode_responses=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self.client.close()
        self.redis.stop()

    async def worker(self, url: str | None = None) -> PlainWorker:
        """Another worker, which is ready."""
        command = [sys.executable, "-m", "celery", "-A", "tests.chaos.plain.app", "worker"]
        command += ["--loglevel", "INFO", "--hostname", f"worker-{len(self._workers)}"]
        log = self._folder / f"worker-{len(self._workers)}.log"
        environment = {**self._environment, "REDIS_URL": url or self.redis.url}
        worker = PlainWorker(command, environment=environment, log=log, folder=ROOT)
        self._workers.append(worker)
        await wait_until(worker.ready, within=30, what="the worker is ready")
        return worker

    async def post(self, seconds: float) -> None:
        """Sends a job that takes so long, from a process of its own, as any client would."""
        program = f"from tests.chaos.plain.app import work; work.delay({seconds})"
        environment = {**self._environment, "REDIS_URL": self.redis.url}
        client = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=environment, cwd=ROOT)
        assert await client.wait() == 0

    def count(self, event: str) -> int:
        notes = [json.loads(line) for line in self._notes.read_text().splitlines()]
        return sum(note["event"] == event for note in notes)

    async def until_started(self, times: int = 1) -> None:
        await wait_until(lambda: self.count("start") >= times, within=30, what=f"start number {times}")

    async def seconds_until(self, happened: Callable[[], bool], limit: float = LIMIT) -> float | None:
        """How long it takes; None when longer than the limit."""
        started = time.monotonic()
        while not happened():
            if time.monotonic() - started > limit:
                return None
            await asyncio.sleep(0.1)  # poll
        return time.monotonic() - started
