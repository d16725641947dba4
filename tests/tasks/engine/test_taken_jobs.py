"""The pipe by which a child tells its parent which jobs it has taken."""

import os

from tasks.engine.taken_jobs import TakenJobs


def test_what_a_child_noted_is_told_once() -> None:
    taken = TakenJobs()
    assert taken.new() == []
    if (child := os.fork()) == 0:
        for number in range(1000):
            taken.note(f"job {number}")
        os._exit(0)
    os.waitpid(child, 0)
    assert taken.new() == [f"job {number}" for number in range(1000)]
    assert taken.new() == []
