"""What a child says of its job in memory that its parent can read when the child is dead."""

import os
import signal

from tasks.engine.current_jobs import CHILDREN, CurrentJob, CurrentJobs


def test_the_latest_word_of_a_killed_child_is_known() -> None:
    jobs = CurrentJobs()
    if (child := os.fork()) == 0:
        jobs.note(1, CurrentJob("message", "first", "token"))
        jobs.note(1, CurrentJob("message", "second", "token"))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert jobs.under("message") == [CurrentJob("message", "second", "token")]


def test_children_do_not_disturb_each_other() -> None:
    jobs = CurrentJobs()
    for child in range(CHILDREN):
        jobs.note(child, CurrentJob(f"message {child}", f"job {child}", "token"))
    assert [jobs.under(f"message {child}") for child in range(CHILDREN)] == [
        [CurrentJob(f"message {child}", f"job {child}", "token")] for child in range(CHILDREN)
    ]


def test_nothing_is_known_of_other_messages() -> None:
    jobs = CurrentJobs()
    assert jobs.under("message") == []
    jobs.note(0, CurrentJob("message", "job", "token"))
    assert jobs.under("another") == []


def test_a_child_beyond_all_places_says_nothing() -> None:
    jobs = CurrentJobs()
    jobs.note(CHILDREN, CurrentJob("message", "job", "token"))
    assert jobs.under("message") == []


def test_each_slot_of_a_child_has_its_own_job_until_it_is_cleared() -> None:
    jobs = CurrentJobs(slots=200)
    for slot in (0, 7, 199):
        jobs.note(0, CurrentJob("message", f"job {slot}", "token", slot))
    assert [job.job_id for job in jobs.under("message")] == ["job 0", "job 7", "job 199"]
    jobs.clear(0, 7)
    assert [job.job_id for job in jobs.under("message")] == ["job 0", "job 199"]
