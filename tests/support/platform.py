"""A whole Headrace of real processes for one test: Redis with its append-only file, the API and workers."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from cli.embedded_redis import EmbeddedRedis
from tests.support.client import STORY, Client
from tests.support.ports import free_port
from tests.support.processes import Api, Ledger, Process, Worker
from tests.support.waiting import wait_until

__all__ = ["STORY", "NewPlatform", "Platform"]


class Platform(Client):
    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.redis = EmbeddedRedis(folder / "redis", port=free_port())
        self.ledger = Ledger(folder / "ledger")
        self.workers: list[Worker] = []
        self.processes: list[Process] = []
        self.environment = {
            # Of the shell, nothing that would change what a test means.
            **{
                name: value for name, value in os.environ.items() if name != "PORT" and not name.startswith("HEADRACE_")
            },
            "HEADRACE_PROVIDER": "offline",
            "REDIS_URL": self.redis.url,
            "HEADRACE_FILES_URL": f"file://{folder / 'files'}",
            "HEADRACE_OFFLINE_LEDGER": str(self.ledger.path),
            **settings,
        }

    async def start(self, *, workers: int = 1) -> None:
        self.redis.start()
        self.api = Api(environment=self.environment, log=self.folder / "api.log")
        self.processes.append(self.api)
        self.client = httpx.AsyncClient(base_url=self.api.url, timeout=60)
        for _ in range(workers):
            self.spawn_worker()
        await wait_until(self.api.answers, within=15, what="the API answers")
        for worker in self.workers:
            await wait_until(worker.ready, within=15, what="the worker is ready")

    def spawn_worker(self, **settings: str) -> Worker:
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = Worker(environment={**self.environment, **settings}, log=log)
        self.workers.append(worker)
        self.processes.append(worker)
        return worker

    async def stop(self) -> None:
        if self.processes:
            await self.client.aclose()
        for process in self.processes:
            process.end()
        self.redis.stop()

    def logs(self) -> str:
        return "".join(process.output() for process in self.processes)


NewPlatform = Callable[..., Platform]
"""Makes a platform from settings, given as environment variables."""
