"""The life of jobs in plain Python: what the store must say after any order of calls."""

from collections import Counter
from dataclasses import dataclass, field

from jobs.states import NEXT, State
from tests.support.jobs_at_hand import LANE

FREE_INTERRUPTIONS = 10
LANES = {0: "default", 3: LANE}
"""By priority."""


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
    started: bool = False
    steps: dict[str, str] = field(default_factory=dict[str, str])
    progress: str = ""
    retried_as: str = ""
    events: list[str] = field(default_factory=lambda: ["queued"])

    def enter(self, state: State) -> None:
        assert state in NEXT[self.state], f"{self.state} -> {state}"
        self.state = state
        self.events.append(state)

    def save(self, step: str, result: str) -> None:
        if step not in self.steps:
            self.events.append("step")
            self.interruptions = 0
        self.steps[step] = result


@dataclass
class Fleet:
    """What the model knows of all jobs: each lane's jobs and messages in the order they are served."""

    lives: dict[str, Life] = field(default_factory=dict[str, Life])
    queues: dict[str, list[str]] = field(default_factory=lambda: {lane: [] for lane in LANES.values()})
    messages: dict[str, list[str]] = field(default_factory=lambda: {lane: [] for lane in LANES.values()})
    keys: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    counters: Counter[str] = field(default_factory=Counter[str])
    overdue: set[str] = field(default_factory=set[str])
    """Jobs whose message was seen missing longer ago than the grace."""

    def enqueue(self, job_id: str, *, head: bool = False) -> None:
        lane = self.lives[job_id].lane
        for served in (self.queues[lane], self.messages[lane]):
            served.insert(0 if head else len(served), job_id)
        self.overdue.discard(job_id)

    def requeue(self, job_id: str, *, head: bool) -> None:
        self.lives[job_id].enter(State.QUEUED)
        self.enqueue(job_id, head=head)

    def leave_queue(self, job_id: str) -> None:
        queue = self.queues[self.lives[job_id].lane]
        if job_id in queue:
            queue.remove(job_id)

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
        """What a sweep does last: overdue jobs that stand before the next message get one, in their order."""
        found = 0
        for lane, queue in self.queues.items():
            for job_id in [job_id for job_id in reversed(self._without_message(lane)) if job_id in self.overdue]:
                queue.remove(job_id)
                self.enqueue(job_id, head=True)
                found += 1
        self.counters["messages_lost"] += found
        return found

    def _without_message(self, lane: str) -> list[str]:
        queue = self.queues[lane]
        for job_id in self.messages[lane]:
            if job_id in queue:
                return queue[: queue.index(job_id)]
        return list(queue)
