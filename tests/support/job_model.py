"""The life of jobs in plain Python: what the store must say after any order of calls."""

from collections import Counter
from dataclasses import dataclass, field

from jobs.leases import Lease
from jobs.states import NEXT, State
from tests.support.jobs_at_hand import LANE

FREE_INTERRUPTIONS = 10
LANES = {0: "default", 3: LANE}
"""By priority."""


def token_of(worker: str, job_id: str, fence: int) -> str:
    return f"{worker} {job_id} {fence}"


@dataclass
class Life:
    """What the model knows of one job."""

    lane: str
    max_attempts: int
    state: State = State.QUEUED
    attempt: int = 0
    interruptions: int = 0
    """Since a step was saved."""
    fence: int = 0
    worker: str = ""
    deliveries: int = 0
    started: bool = False
    steps: dict[str, str] = field(default_factory=dict[str, str])
    progress: str = ""
    retried_as: str = ""
    events: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.events = [self.state]

    def enter(self, state: State) -> None:
        assert state in NEXT[self.state], f"{self.state} -> {state}"
        self.state = state
        self.events.append(state)

    def lease(self, job_id: str) -> Lease:
        """Of the last claim."""
        return Lease(job_id, self.fence, token_of(self.worker, job_id, self.fence))

    def save(self, step: str, result: str) -> None:
        if step not in self.steps:
            self.events.append("step")
            self.interruptions = 0
        self.steps[step] = result


@dataclass
class Fleet:
    """What the model knows of all jobs, and of each lane's messages in the order they are served."""

    lives: dict[str, Life] = field(default_factory=dict[str, Life])
    messages: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: {lane: [] for lane in LANES.values()})
    """Job and number of the delivery."""
    keys: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    counters: Counter[str] = field(default_factory=Counter[str])
    overdue: set[str] = field(default_factory=set[str])
    """Jobs whose message was seen missing longer ago than the grace."""

    def enqueue(self, job_id: str, *, head: bool = False) -> None:
        """There is room for every message."""
        life = self.lives[job_id]
        life.deliveries += 1
        messages = self.messages[life.lane]
        messages.insert(0 if head else len(messages), (job_id, life.deliveries))
        self.overdue.discard(job_id)

    def requeue(self, job_id: str, *, head: bool) -> None:
        self.lives[job_id].enter(State.QUEUED)
        self.enqueue(job_id, head=head)

    def drop_message(self, job_id: str) -> None:
        """The last one sent, of a job that ends while it waits; one that was repeated stays, and is refused."""
        life = self.lives[job_id]
        messages = self.messages[life.lane]
        if life.state is State.QUEUED and (job_id, life.deliveries) in messages:
            messages.remove((job_id, life.deliveries))

    def queued(self) -> set[str]:
        return {job_id for job_id, life in self.lives.items() if life.state is State.QUEUED}

    def interrupted(self, job_id: str) -> None:
        life = self.lives[job_id]
        life.interruptions += 1
        if life.interruptions <= FREE_INTERRUPTIONS:
            life.attempt -= 1
        self.run_again(job_id)

    def run_again(self, job_id: str) -> None:
        life = self.lives[job_id]
        if life.attempt < life.max_attempts:
            self.requeue(job_id, head=True)
        else:
            life.enter(State.FAILED)

    def find_lost_messages(self) -> int:
        """What a sweep does last: overdue jobs without a message get one, in the order in which they were made."""
        there = {job_id for messages in self.messages.values() for job_id, _ in messages}
        lost = sorted((self.queued() & self.overdue) - there)
        for job_id in reversed(lost):
            self.enqueue(job_id, head=True)
        self.overdue -= there
        self.counters["messages_lost"] += len(lost)
        return len(lost)
