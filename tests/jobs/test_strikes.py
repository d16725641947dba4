"""strike.lua and lift.lua: the kill switch for a kind, a user, a provider or a model."""

from dataclasses import replace

import pytest

from jobs import keys
from jobs.diagnosis import examine_fleet
from jobs.fleet import Fleet
from jobs.leases import Refusal
from jobs.new_job import NewJob
from jobs.states import State
from jobs.store import JobStore
from jobs.strikes import New, Running, Strike, Struck, StruckOut
from tests.jobs.test_limits import lesson
from tests.jobs.test_pauses import PATIENCE
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claim_again, claimed, ended, queued, running, story
from tests.support.time_travel import sweep

TARGETS: list[tuple[Struck, str]] = [
    ("kind", "story"),
    ("user", "ann"),
    ("provider", "openai"),
    ("model", "openai/gpt-5.4-mini"),
]
each_target = pytest.mark.parametrize(("what", "name"), TARGETS)


def struck() -> NewJob:
    """All that is struck is of this one."""
    return replace(story(user_id="ann"), models=["openai/gpt-5.4-mini", "openai/gpt-image-2"])


def other() -> NewJob:
    return replace(lesson("bob"), models=["gemini/gemini-3.8-flash"])


async def strike(store: JobStore, what: Struck, name: str, *, new: New = "wait", run: Running = "go_on") -> Strike:
    return await store.strikes.strike(what, name, by="ann", why="it answers nonsense", new=new, running=run)


@each_target
async def test_new_ones_wait_until_it_is_lifted(store: JobStore, held: Inspector, what: Struck, name: str) -> None:
    """Queued ones as well; all others go on."""
    first = await queued(store, struck())
    await strike(store, what, name)
    second = await queued(store, struck())
    another = await queued(store, other())

    assert await held.messages(LANE) == [another]
    assert await held.members(f"{keys.PARKED}{what}:{name}") == [first, second]
    job = await store.get(second)
    assert job.waiting is not None
    assert (job.waiting.on, job.waiting.detail) == ("paused", f"ann struck {what} {name}: it answers nonsense")

    assert await store.strikes.lift(what, name)
    assert await held.messages(LANE) == [first, another, second]
    assert not await store.strikes.lift(what, name)


@each_target
async def test_new_ones_are_refused(store: JobStore, what: Struck, name: str) -> None:
    await strike(store, what, name, new="reject")

    with pytest.raises(StruckOut, match=f"{what} {name} is accepted now: it answers nonsense") as refused:
        await store.create(struck())

    assert refused.value.status == (409 if what == "user" else 503)
    await store.create(other())
    await store.strikes.lift(what, name)
    await store.create(struck())


@each_target
async def test_a_batch_with_one_of_them_is_refused(store: JobStore, what: Struck, name: str) -> None:
    await strike(store, what, name, new="reject")
    await store.strikes.check([other()])
    with pytest.raises(StruckOut):
        await store.strikes.check([other(), struck()])


async def test_a_retry_is_refused_too(store: JobStore) -> None:
    job_id = await ended(store, State.FAILED, struck())
    await strike(store, "model", "openai/gpt-image-2", new="reject")
    with pytest.raises(StruckOut):
        await store.retry(job_id)


@each_target
async def test_what_runs_goes_on_or_is_cancelled(store: JobStore, held: Inspector, what: Struck, name: str) -> None:
    claim, another = await running(store, struck()), await running(store, other())

    await strike(store, what, name)
    await store.save_step(claim.lease, "outline", "{}")
    await strike(store, what, name, run="cancel")

    job = await store.get(claim.job.id)
    assert (job.state, job.state_reason) == (State.CANCELLED, "struck")
    assert await held.signals(claim.job.id) == [claim.job.id]
    assert (await held.last_event(claim.job.id))["why"] == "it answers nonsense"
    assert (await store.get(another.job.id)).state is State.RUNNING


async def test_many_that_run_are_cancelled_over_several_scripts(store: JobStore) -> None:
    claims = [await running(store, struck()) for _ in range(90)]

    await strike(store, "user", "ann", run="cancel")

    assert {(await store.get(claim.job.id)).state for claim in claims} == {State.CANCELLED}


@each_target
async def test_a_claim_is_refused(store: JobStore, held: Inspector, what: Struck, name: str) -> None:
    job_id = await queued(store, struck())
    await held.pop(LANE)
    await strike(store, what, name)

    assert await claim_again(store, job_id) == Refusal("held")

    await store.strikes.lift(what, name)
    assert await held.pop(LANE) == job_id
    assert (await claimed(store, job_id)).job.attempt == 1


async def test_it_gives_no_slot_away_for_good(store: JobStore, held: Inspector) -> None:
    """Paused and struck at once: it waits for both."""
    job_id = await queued(store, struck())
    await strike(store, "user", "ann")
    await store.pauses.pause("kind:story", by="ann", why="none")

    await store.strikes.lift("user", "ann")
    await sweep(store)
    assert await held.members(keys.PARKED + "kind:story") == [job_id]

    await store.pauses.resume("kind:story")
    assert await held.messages(LANE) == [job_id]


async def test_strikes_are_listed_and_found(store: JobStore) -> None:
    made = [await strike(store, what, name) for what, name in TARGETS]
    again = await strike(store, "kind", "story", new="reject")

    assert again.at == made[0].at
    fleet = Fleet(store.redis, patience=PATIENCE)
    listed = await fleet.strikes()
    assert sorted(one.target for one in listed) == sorted(f"{what}:{name}" for what, name in TARGETS)
    assert again in listed
    report = await examine_fleet(store.redis, fleet, patience=PATIENCE)
    found = [finding for finding in report.findings if "struck" in finding.what]
    assert len(found) == len(TARGETS)
    assert not any(finding.wrong for finding in found)
    assert any("DELETE /strikes/model/openai/gpt-5.4-mini" in finding.remedy for finding in found)
