"""Any order of calls by clients, workers and sweepers, against the store and a plain model of what must come of it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs import keys
from jobs.celery_app import create_celery
from jobs.connection import connect
from jobs.errors import IdempotencyConflict, LeaseLost, NotRetryable
from jobs.leases import Claim, Lease, Refusal
from jobs.messages import Renderer
from jobs.model import Progress
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.store import JobStore, Swept
from tests.support.inspector import Inspected, Inspector, Snapshot
from tests.support.job_model import LANES, Fleet, Life, token_of
from tests.support.jobs_at_hand import BROKEN, BUSY, LANE, story, under_key
from tests.support.time_travel import (
    age_message,
    end_lease,
    make_retry_due,
    next_millisecond,
    pass_start_deadline,
    sweep,
)

T = TypeVar("T")

NO_NEW_ONE: MultipleResults[Any] = multiple()
"""What a rule gives its bundle when it made nothing."""
Made: TypeAlias = T | MultipleResults[T]

WORKERS = ["w1", "w2", "w3"]
SLOW_CALL = timedelta(hours=1)


@dataclass(frozen=True)
class Store:
    """The store under test, and the loop it lives on."""

    runner: asyncio.Runner
    store: JobStore
    held: Inspector

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


WRITES: dict[str, Callable[[JobStore, Lease], Awaitable[object]]] = {
    "renew": lambda store, lease: store.renew(lease),
    "progress": lambda store, lease: store.progress(lease, Progress(detail="half")),
    "save_step": lambda store, lease: store.save_step(lease, "outline", '"by whom?"'),
    "complete": lambda store, lease: store.complete(lease, result={}),
    "fail": lambda store, lease: store.fail(lease, BROKEN),
    "retry_later": lambda store, lease: store.retry_later(lease, BUSY, wait=SLOW_CALL),
    "hand_back": lambda store, lease: store.hand_back(lease),
    "lose": lambda store, lease: store.lose(lease),
}
REPEATABLE_IN: dict[str, set[State]] = {
    "complete": {State.COMPLETED},
    "fail": {State.FAILED},
    "retry_later": {State.SCHEDULED, State.FAILED},
    "hand_back": {State.QUEUED, State.FAILED},
    "lose": {State.QUEUED, State.FAILED},
}
"""Where a write under the current fence is answered as if it were the first: its reply may have been lost."""


def _someone_works(machine: "JobLife") -> bool:
    return any(life.state is State.RUNNING for life in machine.fleet.lives.values())


class JobLife(RuleBasedStateMachine):
    jobs: Bundle[str] = Bundle("jobs")
    leases: Bundle[Lease] = Bundle("leases")
    """Every lease that was ever given, most of them old."""

    def __init__(self, under_test: Store) -> None:
        super().__init__()
        self.store = under_test.store
        self.held = under_test.held
        self.run = under_test.run
        self.fleet = Fleet()
        self.run(self._empty())

    async def _empty(self) -> None:
        await self.store.redis.flushall()

    def _later(self) -> None:
        """Two steps never share a millisecond, so the order of the queue is the order of the steps."""
        self.run(next_millisecond(self.store.redis))

    # -- Clients ------------------------------------------------------------------------------------------------------

    @initialize(target=jobs)
    def two_jobs_wait(self) -> MultipleResults[str]:
        return multiple(self._create(3, max_attempts=2), self._create(3, max_attempts=3))

    @rule(target=jobs, priority=st.sampled_from(sorted(LANES)), max_attempts=st.integers(1, 3))
    def create(self, priority: int, max_attempts: int) -> str:
        return self._create(priority, max_attempts=max_attempts)

    @rule(target=jobs, max_attempts=st.integers(1, 3))
    def create_for_later(self, max_attempts: int) -> str:
        self._later()
        created = self.run(self.store.create(story(max_attempts=max_attempts, delay=SLOW_CALL)))
        self.fleet.lives[created.job_id] = Life(LANE, max_attempts, State.SCHEDULED)
        return created.job_id

    @rule(target=jobs, key=st.sampled_from("ab"), says=st.sampled_from(["one thing", "another"]))
    def create_under_key(self, key: str, says: str) -> Made[str]:
        self._later()
        known = self.fleet.keys.get(key)
        request = self.store.create(story(max_attempts=2), under_key(key, says=says))
        if known and known[0] != says:
            with pytest.raises(IdempotencyConflict, match=known[1]):
                self.run(request)
            return NO_NEW_ONE
        created = self.run(request)
        if known:
            assert (created.job_id, created.replayed) == (known[1], True)
            return NO_NEW_ONE
        assert not created.replayed
        self.fleet.keys[key] = (says, created.job_id)
        return self._made(created.job_id, LANE, 2)

    @rule(target=jobs, job=jobs)
    def retry(self, job: str) -> Made[str]:
        self._later()
        life = self.fleet.lives[job]
        if life.state not in FINAL or life.state is State.COMPLETED:
            with pytest.raises(NotRetryable, match=life.state):
                self.run(self.store.retry(job))
            return NO_NEW_ONE
        created = self.run(self.store.retry(job))
        if life.retried_as:
            assert (created.job_id, created.replayed) == (life.retried_as, True)
            return NO_NEW_ONE
        life.retried_as = created.job_id
        self._made(created.job_id, life.lane, life.max_attempts)
        self.fleet.lives[created.job_id].steps = dict(life.steps)
        return created.job_id

    @rule(job=jobs, by=st.sampled_from(["client", "clock"]))
    def end_unfinished(self, job: str, by: str) -> None:
        """By a cancel, or by the start deadline: one rule, for otherwise few jobs would come to run."""
        if by == "client":
            self._cancel(job)
        else:
            self._pass_start_deadline(job)

    # -- Workers ------------------------------------------------------------------------------------------------------

    @rule(target=leases, worker=st.sampled_from(WORKERS), messages=st.integers(1, 3))
    def pop_and_claim(self, worker: str, messages: int) -> Made[Lease]:
        """A worker gets through some messages, the most urgent lane's first."""
        claims = [self._pop_and_claim(lane, worker) for lane in LANES.values() for _ in range(messages)]
        return multiple(*(claim for claim in claims if claim))

    @rule(target=leases, job=jobs, worker=st.sampled_from(WORKERS))
    def claim_by_a_repeated_message(self, job: str, worker: str) -> Made[Lease]:
        claim = self._claim(job, worker)
        return multiple(claim) if claim else NO_NEW_ONE

    @rule(lane=st.sampled_from(sorted(LANES.values())))
    def pop_and_die(self, lane: str) -> None:
        """The message is lost; the job waits without one."""
        self.run(self.held.pop(lane))
        del self.fleet.messages[lane][:1]

    @precondition(_someone_works)
    @rule(nth=st.integers(0, 9), step=st.sampled_from(["outline", "page 1"]))
    def holder_saves_a_step(self, nth: int, step: str) -> None:
        lease = self._held_lease(nth)
        life, result = self.fleet.lives[lease.job_id], f'"under fence {lease.fence}"'
        self.run(self.store.save_step(lease, step, result))
        life.save(step, result)

    @precondition(_someone_works)
    @rule(nth=st.integers(0, 9), write=st.sampled_from(["renew", "progress"]))
    def holder_goes_on(self, nth: int, write: str) -> None:
        self._write(write, self._held_lease(nth))

    @precondition(_someone_works)
    @rule(nth=st.integers(0, 9), write=st.sampled_from(["complete", "fail", "retry_later", "hand_back", "lose"]))
    def holder_lets_go(self, nth: int, write: str) -> None:
        self._write(write, self._held_lease(nth))

    @rule(lease=leases, write=st.sampled_from(sorted(WRITES)))
    def any_holder_of_any_time_writes(self, lease: Lease, write: str) -> None:
        """Refused, unless the lease is still held, or a repeat of what was done last."""
        life = self.fleet.lives[lease.job_id]
        if self._holds(lease):
            self._write(write, lease)
        elif lease.fence == life.fence and life.state in REPEATABLE_IN.get(write, set()):
            self.run(_await(WRITES[write](self.store, lease)))
        else:
            self._refused(write, lease)

    @precondition(_someone_works)
    @rule(nth=st.integers(0, 9), write=st.sampled_from(sorted(WRITES)))
    def last_holder_writes_while_another_runs_the_job(self, nth: int, write: str) -> None:
        lease = self._held_lease(nth)
        self._refused(write, Lease(lease.job_id, lease.fence - 1, lease.claim))

    # -- Time ---------------------------------------------------------------------------------------------------------

    @rule()
    def time_is_swept(self) -> None:
        self._sweep()

    @rule(job=jobs)
    def lease_ends(self, job: str) -> None:
        self.run(end_lease(self.store.redis, job))
        expired = self.fleet.lives[job].state is State.RUNNING
        if expired:
            self.fleet.run_again(job)
        self.fleet.counters["leases_expired"] += expired
        self._sweep(leases_expired=expired)

    @rule(job=jobs)
    def retry_falls_due(self, job: str) -> None:
        self.run(make_retry_due(self.store.redis, job))
        due = self.fleet.lives[job].state is State.SCHEDULED
        if due:
            self.fleet.requeue(job, head=False)
        self._sweep(retries_due=due)

    @rule()
    def messages_grow_old(self) -> None:
        for job in self.fleet.queued():
            self.run(age_message(self.store.redis, job))
            self.fleet.overdue.add(job)
        self._sweep()

    def _sweep(self, **found: bool) -> None:
        """A sweep that finds this, and the messages that were lost."""
        self._later()
        expected = Swept(messages_lost=self.fleet.find_lost_messages(), **found)
        assert self.run(sweep(self.store)) == expected

    # -- What always holds --------------------------------------------------------------------------------------------

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        waiting, released, order = (keys.queue("default", part) for part in (keys.WAITING, keys.RELEASED, keys.ORDER))
        zsets = [*(keys.INDEX_STATE + state for state in State), waiting, released, order]
        zsets += [keys.LEASES, keys.SCHEDULED, keys.DEAD, keys.DEADLINES]
        found = self.run(self.held.snapshot(jobs=[*self.fleet.lives], zsets=zsets, lanes=[*LANES.values()]))
        for job, life in self.fleet.lives.items():
            self._record_is_as_the_model_says(found.jobs[job], life)
            self._events_are_whole_and_end_with_the_end(found.jobs[job], life)
            # A finished job's keys end, all others stay.
            assert {ttl > 0 for ttl in found.jobs[job].seconds_left} == {life.state in FINAL}
        self._each_job_is_in_the_indexes_of_its_state_only(found)
        assert set(found.zsets[waiting]) == set(found.zsets[released]) == self.fleet.queued()
        assert found.zsets[order] == []
        assert found.messages == {lane: [job for job, _ in sent] for lane, sent in self.fleet.messages.items()}
        assert self.run(self.held.running("default")) == self._in(State.RUNNING)
        assert {name: found.counters.get(name, 0) for name in self.fleet.counters} == self.fleet.counters

    def _record_is_as_the_model_says(self, found: Inspected, life: Life) -> None:
        assert found.record["state"] == life.state
        assert (int(found.record["attempt"]), int(found.record["fence"])) == (life.attempt, life.fence)
        assert life.attempt <= life.max_attempts
        assert found.record.get("worker", "") == life.worker
        assert found.record.get("retried_as", "") == life.retried_as
        assert found.steps == life.steps

    def _events_are_whole_and_end_with_the_end(self, found: Inspected, life: Life) -> None:
        assert found.events == life.events
        finals = [position for position, event in enumerate(found.events) if event in FINAL]
        assert finals == ([len(found.events) - 1] if life.state in FINAL else [])

    def _each_job_is_in_the_indexes_of_its_state_only(self, found: Snapshot) -> None:
        in_state = {state: self._in(state) for state in State}
        assert {state: set(found.zsets[keys.INDEX_STATE + state]) for state in State} == in_state
        assert set(found.zsets[keys.LEASES]) == in_state[State.RUNNING]
        assert set(found.zsets[keys.SCHEDULED]) == in_state[State.SCHEDULED]
        assert set(found.zsets[keys.DEAD]) == in_state[State.FAILED]
        assert set(found.zsets[keys.DEADLINES]) == {
            job for job in in_state[State.QUEUED] if not self.fleet.lives[job].started
        }

    def teardown(self) -> None:
        """With workers that live and time that passes, every job comes to its end."""
        for _ in range(20 * (1 + len(self.fleet.lives))):
            if all(life.state in FINAL for life in self.fleet.lives.values()):
                break
            self._work_one_round()
        assert all(life.state in FINAL for life in self.fleet.lives.values())
        self.all_is_as_the_model_says()

    # -- Inside -------------------------------------------------------------------------------------------------------

    def _cancel(self, job: str) -> None:
        life = self.fleet.lives[job]
        if life.state not in FINAL:
            self.fleet.drop_message(job)
            life.enter(State.CANCELLED)
        assert self.run(self.store.cancel(job)) is life.state

    def _pass_start_deadline(self, job: str) -> None:
        self.run(pass_start_deadline(self.store.redis, job))
        life = self.fleet.lives[job]
        late = life.state is State.QUEUED and not life.started
        if late:
            self.fleet.drop_message(job)
            life.enter(State.EXPIRED)
        self._sweep(expired=late)

    def _create(self, priority: int, *, max_attempts: int) -> str:
        self._later()
        created = self.run(self.store.create(story(priority=priority, max_attempts=max_attempts)))
        assert not created.replayed
        return self._made(created.job_id, LANES[priority], max_attempts)

    def _made(self, job_id: str, lane: str, max_attempts: int) -> str:
        assert job_id not in self.fleet.lives
        self.fleet.lives[job_id] = Life(lane, max_attempts)
        self.fleet.enqueue(job_id)
        return job_id

    def _in(self, state: State) -> set[str]:
        return {job for job, life in self.fleet.lives.items() if life.state is state}

    def _pop_and_claim(self, lane: str, worker: str) -> Lease | None:
        job = self.run(self.held.pop(lane))
        assert job == (self.fleet.messages[lane].pop(0)[0] if self.fleet.messages[lane] else None)
        return self._claim(job, worker) if job else None

    def _claim(self, job: str, worker: str) -> Lease | None:
        life = self.fleet.lives[job]
        answer = self.run(self.store.claim(job, worker=worker, token=token_of(worker, job, life.fence + 1)))
        if life.state is not State.QUEUED:
            assert answer == Refusal(life.state)
            self.fleet.counters["claims_refused"] += 1
            return None
        life.enter(State.RUNNING)
        life.attempt, life.fence, life.worker, life.started = life.attempt + 1, life.fence + 1, worker, True
        assert isinstance(answer, Claim)
        assert (answer.lease, answer.job.attempt) == (life.lease(job), life.attempt)
        assert answer.steps == life.steps
        return answer.lease

    def _holds(self, lease: Lease) -> bool:
        life = self.fleet.lives[lease.job_id]
        return life.state is State.RUNNING and lease.fence == life.fence

    def _held_lease(self, nth: int) -> Lease:
        """Of one of the running jobs, by the order in which they were made."""
        jobs = [job for job, life in self.fleet.lives.items() if life.state is State.RUNNING]
        job = jobs[nth % len(jobs)]
        return self.fleet.lives[job].lease(job)

    def _write(self, write: str, lease: Lease) -> None:
        """What comes of a write by the holder."""
        self._later()
        self.run(_await(WRITES[write](self.store, lease)))
        life = self.fleet.lives[lease.job_id]
        match write:
            case "progress" if life.progress != "half":
                life.progress = "half"
                life.events.append("progress")
            case "save_step":
                life.save("outline", '"by whom?"')
            case "complete":
                life.enter(State.COMPLETED)
            case "fail":
                life.enter(State.FAILED)
            case "retry_later":
                life.enter(State.SCHEDULED if life.attempt < life.max_attempts else State.FAILED)
            case "hand_back":
                self.fleet.interrupted(lease.job_id)
                self.fleet.counters["interrupted"] += 1
            case "lose":
                self.fleet.run_again(lease.job_id)
                self.fleet.counters["children_lost"] += 1
            case _:
                pass

    def _refused(self, write: str, lease: Lease) -> None:
        with pytest.raises(LeaseLost) as lost:
            self.run(_await(WRITES[write](self.store, lease)))
        assert lost.value.state == self.fleet.lives[lease.job_id].state
        self.fleet.counters["writes_refused"] += 1

    def _work_one_round(self) -> None:
        for job in sorted(self._in(State.RUNNING)):
            self.lease_ends(job)
        for job in sorted(self._in(State.SCHEDULED)):
            self.retry_falls_due(job)
        self.messages_grow_old()
        for lane in LANES.values():
            lease = self._pop_and_claim(lane, WORKERS[0])
            if lease:
                self._write("complete", lease)


async def _await(work: Awaitable[object]) -> None:
    await work


@pytest.mark.hypothesis
@pytest.mark.slow
def test_every_job_lives_as_the_model_says(redis_url: str) -> None:
    settings = Settings.model_validate(
        {"redis_url": redis_url, "lease": "1h", "message_grace": "1h", "release_window": 1000}
    )
    with asyncio.Runner() as runner:
        redis = connect(settings, name="tests", reply_within=timedelta(seconds=5))
        store = JobStore(redis, settings, Renderer(create_celery(settings)), patience=timedelta(seconds=5))

        class OnThisStore(JobLife):
            def __init__(self) -> None:
                super().__init__(Store(runner, store, Inspector(redis)))

        run_state_machine_as_test(
            OnThisStore,
            settings=hypothesis_settings(
                max_examples=50,
                stateful_step_count=40,
                # Forty steps can be read as they are; shrinking them would outlast the test's time limit.
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
        runner.run(store.aclose())
