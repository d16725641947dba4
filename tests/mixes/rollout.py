"""A deployment that moves from one release to the next: API and workers are replaced while clients post jobs."""

import asyncio
import json
from collections.abc import Sequence
from signal import SIGTERM
from typing import Any
from uuid import uuid4

import httpx

from tests.mixes.release import Release
from tests.support.client import STORY
from tests.support.platform import Platform
from tests.support.processes import Api, Worker
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

CLIENTS = 4
"""That post at the same time."""
BOOK = {"title": "My Story", "prompt": "A magical adventure", "pages": 4}


class Rollout:
    def __init__(self, platform: Platform, before: Release) -> None:
        self.platform = platform
        self._before = before
        self.posted: list[str] = []
        """Every job that was accepted."""
        self.faults: list[str] = []
        """Answers that no client may get."""

    async def start(self) -> None:
        """With the API of before, and no worker."""
        self.platform.redis.start()
        self._use(self._before.api(environment=self.platform.environment, log=self.platform.folder / "old-api.log"))
        await self._until_api_answers()

    async def replace_api(self) -> None:
        old = self.platform.api
        await self.platform.client.aclose()
        self._use(Api(environment=self.platform.environment, log=self.platform.folder / "api.log"))
        await self._until_api_answers()
        old.stop(within=10)

    async def old_workers(self, count: int) -> list[Worker]:
        folder = self.platform.folder
        return await self._ready(
            [
                self._before.worker(environment=self.platform.environment, log=folder / f"old-worker-{number}.log")
                for number in range(count)
            ]
        )

    async def new_workers(self, count: int) -> list[Worker]:
        return await self._ready([self.platform.spawn_worker() for _ in range(count)])

    async def stop(self, *workers: Worker) -> None:
        """As a deployment does; each hands back what it runs. One of 0.1 may need all of its stop limit."""
        for worker in workers:
            worker.signal(SIGTERM)
        for worker in workers:
            await wait_until(lambda worker=worker: worker.exit_code is not None, within=60, what="the worker ends")

    async def post(self, count: int, **changes: Any) -> list[str]:  # noqa: ANN401  # any JSON value
        """So many stories, by several clients at once, each with an Idempotency-Key; returns their ids."""
        todo, posted = list(range(count)), list[str]()

        async def client() -> None:
            while todo:
                todo.pop()
                answer = await self.platform.client.post(
                    "/stories", json=STORY | BOOK | changes, headers={"Idempotency-Key": str(uuid4())}
                )
                assert answer.status_code == httpx.codes.ACCEPTED, answer.text
                posted.append(answer.json()["id"])

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        self.posted += posted
        return posted

    async def post_batch(self, count: int) -> list[str]:
        """So many stories at once; returns their ids."""
        jobs = [{"custom_id": str(number), "kind": "story", "input": BOOK} for number in range(count)]
        answer = await self.platform.client.post("/batches", json={"jobs": jobs})
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        results = await self.platform.client.get(f"/batches/{answer.json()['id']}/results")
        made = [json.loads(line)["job_id"] for line in results.text.splitlines()]
        assert len(made) == count
        self.posted += made
        return made

    async def states(self, jobs: Sequence[str]) -> dict[str, str]:
        """As the API of the moment says; an answer that is none is noted."""
        found: dict[str, str] = {}
        for job_id in jobs:
            answer = await self.platform.client.get(f"/jobs/{job_id}")
            if answer.is_success:
                found[job_id] = answer.json()["state"]
            else:
                self.faults.append(f"GET {job_id}: {answer.status_code} {answer.text}")
                found[job_id] = "unknown"
        return found

    async def until_completed(self, jobs: Sequence[str], *, within: float) -> None:
        """Fails when one ends in any other way."""
        watch = Stopwatch()
        for job_id in jobs:
            await self.platform.until_state(job_id, "completed", within=max(1.0, within - watch.took.net))

    async def broken_promises(self, jobs: Sequence[str]) -> list[str]:
        """Of jobs that are completed: each ran once, to one end."""
        found: list[str] = []
        for job_id in jobs:
            names = [event["event"] for event in await self.platform.events(job_id)]
            if names.count("completed") != 1 or names[-1] != "completed":
                found.append(f"{job_id}: {names}")
            attempt = (await self.platform.job(job_id))["attempt"]
            if attempt != 1:
                found.append(f"{job_id}: attempt {attempt}: {names}")
        return found

    def _use(self, api: Api) -> None:
        self.platform.api = api
        self.platform.processes.append(api)
        self.platform.client = httpx.AsyncClient(base_url=api.url, timeout=60)

    async def _until_api_answers(self) -> None:
        await wait_until(self.platform.api.answers, within=20, what="the API answers")

    async def _ready(self, workers: list[Worker]) -> list[Worker]:
        known = self.platform.processes
        self.platform.processes += [worker for worker in workers if worker not in known]
        for worker in workers:
            await wait_until(worker.ready, within=30, what=f"the worker is ready: {worker.output()[-2000:]}")
        return workers
