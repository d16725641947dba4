"""A job whose kind a worker does not have waits for a worker that has it."""

import os
from pathlib import Path

from tests.support.platform import NewPlatform
from tests.support.waiting import wait_until

PODCAST = """\
from pydantic import BaseModel
from headrace import JobContext, Kind

class Input(BaseModel):
    topic: str

class Result(BaseModel):
    words: str

async def make(job: JobContext, input: Input) -> Result:
    return Result(words=input.topic)

KIND = Kind(name="podcast", path="/podcasts", input=Input, result=Result, summary="A podcast", make=make)
"""


async def test_a_job_of_a_kind_that_the_worker_does_not_have(new_platform: NewPlatform) -> None:
    platform = new_platform(HEADRACE_KINDS="podcast")
    (platform.folder / "podcast.py").write_text(PODCAST)
    platform.environment["PYTHONPATH"] = os.pathsep.join([str(platform.folder), str(Path.cwd())])
    await platform.start(workers=0)
    old = platform.spawn_worker(HEADRACE_KINDS="")
    await wait_until(old.ready, within=15, what="the old worker is ready")
    created = await platform.client.post("/podcasts", json={"topic": "foxes"})
    assert created.status_code == 202, created.text
    job_id = created.json()["id"]

    async def handed_on() -> bool:
        return (await platform.job(job_id))["state_reason"] == "no_capable_worker"

    await wait_until(handed_on, within=10, what="the old worker says that it cannot")
    job = await platform.job(job_id)
    assert job["waiting"]["on"] == "no_capable_worker"
    assert "'podcast' is not a kind of job here. Known kinds: coloring_page" in job["error"]["message"]

    old.end()
    platform.spawn_worker()

    async def completed() -> bool:
        return (await platform.job(job_id))["state"] == "completed"

    await wait_until(completed, within=30, what="the new worker makes it")
    job = await platform.job(job_id)
    assert (job["attempt"], job["result"]) == (1, {"words": "foxes"})
