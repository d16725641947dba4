"""What a child makes of a job that it cannot even begin."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs import kinds
from jobs.leases import Claim
from jobs.model import Job
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from tasks.engine.child import Child


@pytest.fixture
def child(settings: Settings) -> Iterator[Child]:
    child = Child(settings, worker="tests")
    yield child
    child.close()


def test_a_step_saved_in_another_form_fails_the_job_at_once(child: Child, settings: Settings) -> None:
    async def leave_a_strange_step() -> str:
        store = JobStore.open(settings, name="tests", patience=timedelta(seconds=5))
        created = await store.create(NewJob(kinds.get("story"), {"title": "A", "prompt": "B", "pages": 4}))
        claim = await store.claim(created.job_id, worker="newer", token="newer")  # noqa: S106  # not a secret
        assert isinstance(claim, Claim)
        await store.save_step(claim.lease, "outline", '{"form": 2}')
        await store.hand_back(claim.lease)
        await store.aclose()
        return created.job_id

    async def look(job_id: str) -> Job:
        store = JobStore.open(settings, name="tests", patience=timedelta(seconds=5))
        job = await store.get(job_id)
        await store.aclose()
        return job

    job_id = asyncio.run(leave_a_strange_step())
    assert child.run(job_id) == "failed: internal_error"
    job = asyncio.run(look(job_id))
    assert job.error is not None
    assert (job.state, job.error.reason) == (State.FAILED, Reason.INTERNAL_ERROR)
    assert "cannot be read by this version" in job.error.message
