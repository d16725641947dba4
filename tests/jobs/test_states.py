"""jobs/states.py against what the scripts do, and the scripts against their own headers."""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from importlib.resources import files
from typing import Any, cast

import pytest
from redis.exceptions import ResponseError

from jobs import keys
from jobs.endings import completed
from jobs.errors import LeaseLost, NotRetryable
from jobs.leases import Claim, Lease
from jobs.model import Progress
from jobs.pauses import of_queue
from jobs.recurrence import Recurrence
from jobs.schedules import Overlap, ScheduleStore
from jobs.scripts import Scripts, script_names
from jobs.scripts.script import parameters_of
from jobs.settings import Settings
from jobs.states import FINAL, NEXT, Reason, State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import (
    BROKEN,
    BUSY,
    LANE,
    claim_again,
    claimed,
    desk_of,
    ended,
    planned,
    queued,
    running,
    scheduled,
    story,
)
from tests.support.time_travel import (
    age_message,
    end_lease,
    make_retry_due,
    make_schedule_due,
    pass_start_deadline,
    sweep,
)

SCRIPTS = sorted(entry.name for entry in files("jobs.scripts").iterdir() if entry.name.endswith(".lua"))


# -- Every script from every state -------------------------------------------------------------------------------------


async def _never_started(store: JobStore) -> Lease:
    return Lease(await queued(store), fence=0, claim="none")


async def _for_later(store: JobStore) -> Lease:
    return Lease(await queued(store, story(delay=timedelta(hours=1))), fence=0, claim="none")


async def _handed_back(store: JobStore) -> Lease:
    claim = await running(store)
    await store.hand_back(claim.lease)
    return claim.lease


async def _first_attempt(store: JobStore) -> Lease:
    return (await running(store)).lease


async def _last_attempt(store: JobStore) -> Lease:
    return (await running(store, story(max_attempts=1))).lease


async def _waiting_for_retry(store: JobStore) -> Lease:
    return (await scheduled(store)).lease


def _over(state: State) -> Callable[[JobStore], Awaitable[Lease]]:
    async def reach(store: JobStore) -> Lease:
        job_id = await ended(store, state)
        record = await Inspector(store.redis).record(job_id)
        return Lease(job_id, fence=int(record["fence"]), claim=record.get("claim", "none"))

    return reach


SITUATIONS: list[Callable[[JobStore], Awaitable[Lease]]] = [
    _never_started,
    _for_later,
    _handed_back,
    _first_attempt,
    _last_attempt,
    _waiting_for_retry,
    *map(_over, sorted(FINAL)),
]


async def _sweep_with_all_due(store: JobStore, lease: Lease) -> None:
    await Inspector(store.redis).pop(LANE)
    for pass_time in (age_message, end_lease, make_retry_due, pass_start_deadline):
        await pass_time(store.redis, lease.job_id)
    await sweep(store)


async def _supersede(store: JobStore, lease: Lease) -> None:
    """The job is a schedule's, whose next run takes its place."""
    client: Any = store.redis
    schedules = ScheduleStore(store, Settings(), patience=timedelta(seconds=5))
    hourly = Recurrence(interval=timedelta(hours=1))
    schedule = (await schedules.create(story(), hourly, overlap=Overlap.CANCEL_RUNNING)).job_id
    await client.hset(keys.schedule(schedule), "last_job", lease.job_id)
    await make_schedule_due(store.redis, schedule)
    assert await schedules.fire() == 1


async def _strike_and_lift(store: JobStore, _: Lease) -> None:
    await store.strikes.strike("kind", "story", by="ann", why="none", new="wait", running="cancel")
    await store.strikes.lift("kind", "story")


CALLS: dict[str, Callable[[JobStore, Lease], Awaitable[object]]] = {
    "claim.lua": lambda store, lease: claim_again(store, lease.job_id),
    "renew.lua": lambda store, lease: store.renew(lease),
    "progress.lua": lambda store, lease: store.progress(lease, Progress(fraction=0.5)),
    "save_step.lua": lambda store, lease: store.save_step(lease, "outline", "1"),
    "finish.lua completed": lambda store, lease: store.complete(lease, result={}),
    "finish.lua failed": lambda store, lease: store.fail(lease, BROKEN),
    "finish_next.lua": lambda store, lease: store.finish_and_claim(
        lease,
        completed(result={}),
        worker="w",
        token="t",  # noqa: S106  # no secret
        queues=["default"],
        kinds=[],
    ),
    "retry_later.lua": lambda store, lease: store.retry_later(lease, BUSY, wait=timedelta(hours=1)),
    "hand_back.lua": lambda store, lease: store.hand_back(lease),
    "lose.lua": lambda store, lease: store.lose(lease),
    "cancel.lua": lambda store, lease: store.cancel(lease.job_id),
    "create.lua": lambda store, lease: store.retry(lease.job_id),
    "purge.lua": lambda store, _: store.purges.purge(of_queue("default"), by="ann", why="none", within=timedelta(1)),
    "strike.lua": _strike_and_lift,
    "sweep.lua": _sweep_with_all_due,
    "admit.lua": lambda store, lease: desk_of(store, Settings()).admit(lease, planned()),
    "fire_schedule.lua": _supersede,
    "settle.lua": lambda store, lease: desk_of(store, Settings()).settle(lease, planned(), []),
}


OTHERS = {
    *(
        "open_batch.lua",
        "expand_batch.lua",
        "cancel_batch.lua",
        "look.lua",
        "outlooks.lua",
        "report.lua",
        "pause.lua",
        "resume.lua",
        "lift.lua",
    ),
    *("add_schedule.lua", "change_schedule.lua", "due_schedules.lua", "time_schedule.lua", "remove_schedule.lua"),
}
"""They bring no job that is there to another state; test_batches.py, test_schedule.py, test_pauses.py and
test_schedules.py have tests of them."""


def test_every_script_is_tried() -> None:
    assert {name.split()[0] for name in CALLS} == set(SCRIPTS) - OTHERS


async def test_the_scripts_change_states_as_the_table_says(store: JobStore, held: Inspector) -> None:
    """No transition is missing, and none is more than the table has."""
    reached: dict[State, set[State]] = {state: set() for state in State}
    for situation in SITUATIONS:
        for call in CALLS.values():
            lease = await situation(store)
            before = State((await held.record(lease.job_id))["state"])
            with suppress(LeaseLost, NotRetryable):
                await call(store, lease)
            after = State((await held.record(lease.job_id))["state"])
            if after is not before:
                reached[before].add(after)

    assert reached == NEXT


async def test_every_change_of_state_is_an_event_and_nothing_else_is_one(store: JobStore, held: Inspector) -> None:
    for situation in SITUATIONS:
        for call in CALLS.values():
            lease = await situation(store)
            states = [name for name in await held.events(lease.job_id) if name in set(State)]
            with suppress(LeaseLost, NotRetryable):
                await call(store, lease)
            after = State((await held.record(lease.job_id))["state"])
            now = [name for name in await held.events(lease.job_id) if name in set(State)]
            assert now == states if after == states[-1] else now == [*states, after]


def test_the_final_states_are_those_that_nothing_follows() -> None:
    assert {state for state, following in NEXT.items() if not following} == FINAL


def test_the_table_has_every_state() -> None:
    assert set(NEXT) == set(State)


async def test_only_a_queued_job_can_be_claimed(store: JobStore) -> None:
    """One door into running."""
    for situation in SITUATIONS:
        lease = await situation(store)
        was_queued = (await store.get(lease.job_id)).state is State.QUEUED
        answer = await claim_again(store, lease.job_id)
        assert isinstance(answer, Claim) == was_queued


@pytest.mark.parametrize("reason", sorted(Reason))
async def test_a_job_can_fail_for_any_reason(store: JobStore, reason: Reason) -> None:
    claim = await claimed(store, await queued(store))

    await store.fail(claim.lease, BROKEN.model_copy(update={"reason": reason}))

    assert (await store.get(claim.lease.job_id)).state_reason is reason


# -- Headers -----------------------------------------------------------------------------------------------------------


def _header_and_body(name: str) -> tuple[str, str]:
    lines = files("jobs.scripts").joinpath(name).read_text().splitlines()
    length = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(line.removeprefix("-- ") for line in lines[:length]), "\n".join(lines[length:])


def _section(header: str, name: str) -> str:
    """The lines from `name` to the next section."""
    found = re.search(rf"^{name} .*?(?=^(?:KEYS|ARGV|RETURN) |\Z)", header, re.MULTILINE | re.DOTALL)
    assert found, f"no {name}"
    return found.group()


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_scripts_header_begins_with_its_name(script: str) -> None:
    header, _ = _header_and_body(script)

    assert header.startswith(script.removesuffix(".lua") + ": ")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_scripts_header_names_the_arguments_of_its_method(script: str) -> None:
    """In their order; each stands on a line of its own."""
    header, _ = _header_and_body(script)

    lines = _section(header, "ARGV").removeprefix("ARGV").splitlines()

    assert [line.split()[0] for line in lines] == parameters_of(vars(Scripts)[script.removesuffix(".lua")])


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_takes_nothing_by_position(script: str) -> None:
    _, body = _header_and_body(script)

    assert not re.search(r"KEYS|ARGV", body)


def test_every_script_has_a_method_and_every_method_a_script() -> None:
    assert sorted(f"{name}.lua" for name in script_names()) == SCRIPTS


@pytest.mark.parametrize("access", ["get(id, 'colour')", "set(id, { colour = 'red' })", "unset(id, 'usage')"])
async def test_a_script_reads_and_writes_no_field_that_a_record_has_not(store: JobStore, access: str) -> None:
    source = store.scripts.registered("cancel").script
    prelude = str(source)[: str(source).rindex("local job_id = ")]

    with pytest.raises(ResponseError, match="a job has no field"):
        await cast("Any", store.redis.eval(f"{prelude}\nlocal id = 'x'\n{access}", 0))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_scripts_header_says_what_it_returns(script: str) -> None:
    header, _ = _header_and_body(script)

    assert "{" in _section(header, "RETURN")
