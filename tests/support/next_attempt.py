"""A second attempt at a job, and a step that it must not make."""

from typing import Any

from headrace import JobContext, Step
from jobs.leases import Claim
from tasks.engine.backend import LeasedJob, Tools


async def next_attempt(claim: Claim, tools: Tools) -> JobContext:
    """The next attempt at the same job, with what was saved before."""
    await tools.store.hand_back(claim.lease)
    again = await tools.store.claim(claim.job.id, worker="tests", token="again")  # noqa: S106  # not a secret
    assert isinstance(again, Claim)
    return JobContext(LeasedJob(again.lease, tools), again.steps)


async def never(_: Step) -> Any:  # noqa: ANN401  # of a step of any type
    raise AssertionError("made again")
