"""What clients of the store saw, and whether it can have been so: in the manner of Jepsen.

A history is a list of operations, each with when it was asked and when it was answered, by one clock. Nothing is known
of the order of two that overlap; if one was answered before the other was asked, the other must have seen it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal

from jobs.states import FINAL

Kind = Literal["create", "claim", "save", "finish", "cancel", "read"]
Answer = Literal["ok", "refused", "unknown"]
"""`unknown`: no answer came, and it may have happened or not."""


@dataclass(frozen=True)
class Operation:
    client: str
    kind: Kind
    job: str
    asked: float
    answered: float
    answer: Answer
    state: str = ""
    """Of the job as the answer says: that a read or a cancel found, that a finish wrote."""
    fence: int = 0
    """Of a claim, and of the lease with which something was written."""
    claim: str = ""
    """Its token."""
    step: str = ""
    steps: frozenset[str] = field(default_factory=frozenset[str])
    """That a read found saved."""

    def before(self, other: "Operation") -> bool:
        return self.answered < other.asked

    def __str__(self) -> str:
        about = " ".join(filter(None, (self.state, f"fence {self.fence}" if self.fence else "", self.step)))
        return f"{self.kind} by {self.client} ({about}) at {self.asked:.3f}-{self.answered:.3f}"


def violations(history: Sequence[Operation]) -> list[str]:
    """What cannot have been, a line each."""
    by_job: dict[str, list[Operation]] = defaultdict(list)
    for one in sorted(history, key=lambda one: one.asked):
        if one.answer == "ok":
            by_job[one.job].append(one)
    return [f"{job}: {fault}" for job, known in by_job.items() for check in _CHECKS for fault in check(known)]


def _one_final_state(known: Sequence[Operation]) -> Iterator[str]:
    finals = {one.state: one for one in known if one.state in FINAL}
    if len(finals) > 1:
        yield "two final states: " + ", ".join(map(str, finals.values()))


def _fences_grow(known: Sequence[Operation]) -> Iterator[str]:
    """From claim to claim. A claim that was asked for again has the same token, and the same fence."""
    for one, other in permutations(_of(known, "claim"), 2):
        if one.claim == other.claim and one.fence != other.fence:
            yield f"one claim, two fences: {one}, {other}"
        if one.claim != other.claim and one.fence == other.fence and one.asked <= other.asked:
            yield f"two claims, one fence: {one}, {other}"
        if one.before(other) and one.fence > other.fence:
            yield f"a fence that fell: {one}, then {other}"


def _no_write_after_a_later_claim(known: Sequence[Operation]) -> Iterator[str]:
    for claim in _of(known, "claim"):
        for write in (*_of(known, "save"), *_of(known, "finish")):
            if claim.before(write) and write.claim != claim.claim and write.fence <= claim.fence:
                yield f"written after a later claim: {claim}, then {write}"


def _nothing_after_the_end(known: Sequence[Operation]) -> Iterator[str]:
    """But for a repeat of the finish, which is answered as the first was."""
    for end in (one for one in known if one.state in FINAL):
        for later in (*_of(known, "claim"), *_of(known, "save")):
            if end.before(later):
                yield f"after its end: {end}, then {later}"
        for read in _of(known, "read"):
            if end.before(read) and read.state != end.state:
                yield f"an end that was taken back: {end}, then {read}"


def _reads_go_forward(known: Sequence[Operation]) -> Iterator[str]:
    reads = _of(known, "read")
    for one, other in permutations(reads, 2):
        if one.before(other) and (other.fence < one.fence or not one.steps <= other.steps):
            yield f"a read that went back: {one}, then {other}"
    for save in _of(known, "save"):
        for read in reads:
            if save.before(read) and save.step not in read.steps:
                yield f"a step that was saved and is not there: {save}, then {read}"
    for claim in _of(known, "claim"):
        for read in reads:
            if claim.before(read) and read.fence < claim.fence:
                yield f"a claim that is not there: {claim}, then {read}"


def _nothing_is_lost(known: Sequence[Operation]) -> Iterator[str]:
    for read in _of(known, "read"):
        if read.state == "gone":
            yield f"accepted, and lost: {read}"


def _of(known: Sequence[Operation], kind: Kind) -> list[Operation]:
    return [one for one in known if one.kind == kind]


_CHECKS: list[Callable[[Sequence[Operation]], Iterator[str]]] = [
    _one_final_state,
    _fences_grow,
    _no_write_after_a_later_claim,
    _nothing_after_the_end,
    _reads_go_forward,
    _nothing_is_lost,
]
