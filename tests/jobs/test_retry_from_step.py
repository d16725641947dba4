"""A retry from a step takes over what does not depend on that step (create.lua, jobs/steps.py)."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from jobs.errors import NotRetryable, UnknownStep
from jobs.states import State
from jobs.steps import from_step_on
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BROKEN, LANE, claimed, ended, running

PHASES = {"outline": 0, "section:1": 1, "section:2": 1, "section:10": 1, "document:pdf": 2, "document:docx": 2}
STEPS = {name: json.dumps({"phase": phase, "value": name}) for name, phase in PHASES.items()}


async def _completed(store: JobStore, steps: Mapping[str, str] = STEPS) -> str:
    claim = await running(store)
    for name, text in steps.items():
        await store.save_step(claim.lease, name, text)
    await store.complete(claim.lease, result={})
    return claim.lease.job_id


@pytest.mark.parametrize(
    ("step", "anew"),
    [
        ("outline", set(STEPS)),
        ("section:1", {"section:1", "document:pdf", "document:docx"}),
        ("section:10", {"section:10", "document:pdf", "document:docx"}),
        ("document:pdf", {"document:pdf"}),
    ],
)
def test_a_step_and_all_of_later_phases_are_made_anew(step: str, anew: set[str]) -> None:
    assert set(from_step_on(STEPS, step)) == anew


async def test_a_completed_job_is_retried_from_a_step(store: JobStore, held: Inspector) -> None:
    job_id = await _completed(store)

    created = await store.retry(job_id, from_step="section:2")

    job = await store.get(created.job_id)
    assert (job.state, job.retry_of, created.replayed) == ("queued", job_id, False)
    kept = {name: STEPS[name] for name in ("outline", "section:1", "section:10")}
    assert (await claimed(store, created.job_id)).steps == kept
    assert await held.steps(job_id) == STEPS


async def test_the_same_step_again_is_the_same_retry(store: JobStore, held: Inspector) -> None:
    job_id = await _completed(store)

    outcomes = await asyncio.gather(*(store.retry(job_id, from_step="section:2") for _ in range(5)))

    assert len({outcome.job_id for outcome in outcomes}) == 1
    assert sum(not outcome.replayed for outcome in outcomes) == 1
    assert await held.counter("created:story") == 2


async def test_another_step_or_input_is_another_retry(store: JobStore) -> None:
    job_id = await _completed(store)
    first = await store.retry(job_id, from_step="section:2")

    other = await store.retry(job_id, from_step="section:1")
    seeded = await store.retry(job_id, from_step="section:2", changed_input={"title": "The Fox", "seed": 7})

    assert len({first.job_id, other.job_id, seeded.job_id}) == 3
    assert (await store.get(seeded.job_id)).input == {"title": "The Fox", "seed": 7}


async def test_a_retry_as_a_whole_and_one_from_a_step_are_two_jobs(store: JobStore) -> None:
    claim = await running(store)
    await store.save_step(claim.lease, "outline", STEPS["outline"])
    await store.fail(claim.lease, BROKEN)
    whole = await store.retry(claim.lease.job_id)

    part = await store.retry(claim.lease.job_id, from_step="outline")

    assert part.job_id != whole.job_id
    assert (await store.get(claim.lease.job_id)).retried_as == whole.job_id
    assert (await claimed(store, part.job_id)).steps == {}


async def test_a_step_that_was_not_saved_is_unknown(store: JobStore, held: Inspector) -> None:
    job_id = await _completed(store)

    with pytest.raises(UnknownStep, match=r"section:3.*outline, section:1, section:10, section:2"):
        await store.retry(job_id, from_step="section:3")

    assert await held.counter("created:story") == 1


async def test_a_job_without_steps_says_so(store: JobStore) -> None:
    with pytest.raises(UnknownStep, match="Saved: none"):
        await store.retry(await ended(store, State.EXPIRED), from_step="outline")


async def test_a_running_job_is_not_retried_from_a_step(store: JobStore) -> None:
    claim = await running(store)
    await store.save_step(claim.lease, "outline", STEPS["outline"])

    with pytest.raises(NotRetryable, match="running"):
        await store.retry(claim.lease.job_id, from_step="outline")


async def test_a_retry_from_a_step_whose_reply_was_lost_is_one_job(lossy: Lossy, held: Inspector) -> None:
    job_id = await _completed(lossy.store)
    await held.pop(LANE)

    with lossy.proxy.losing_a_reply():
        created = await lossy.store.retry(job_id, from_step="document:pdf")

    assert not created.replayed
    assert await held.messages(LANE) == [created.job_id]
