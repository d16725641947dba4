"""`headrace drain`: works through what is queued, and exits with a summary."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.platform import NewPlatform, Platform
from tests.support.processes import Process
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import pause, wait_until

FAST = ("--empty-queue-timeout=1", "--max-runtime=60")


COMMAND = "from cli.main import run; run()"
SLOW_LAST_LOOK = """
import asyncio, os
from celery import signals
from tasks.engine.ended_jobs import EndedJobs

stopped, look = [], EndedJobs.look
signals.worker_shutdown.connect(lambda **_: stopped.append(True), weak=False)

async def slow_look(self):
    if stopped:
        await asyncio.sleep(float(os.environ["LAST_LOOK_TAKES"]))
    await look(self)

EndedJobs.look = slow_look
"""
"""As on a machine whose cores are busy: the look at the records after the worker has stopped takes long."""


class Drain(Process):
    """The command; its standard output and its log are apart, as a platform keeps them."""

    def __init__(self, *options: str, environment: dict[str, str], folder: Path, before: str = "") -> None:
        """`before` is Python that the process runs first."""
        self.summary_file = folder / "summary"
        command = [sys.executable, "-c", before + COMMAND, "drain", *options]
        with self.summary_file.open("wb") as output:
            super().__init__(command, environment=environment, log=folder / "drain.log", output=output)

    async def until_exit(self, *, within: float) -> int:
        await wait_until(lambda: self.exit_code is not None, within=within, what=f"the drain ends: {self.output()}")
        assert self.exit_code is not None
        return self.exit_code

    def summary(self) -> dict[str, Any]:
        """The one line on its standard output, the same as the last line of its log."""
        assert "Traceback" not in self.output(), self.output()
        (line,) = self.summary_file.read_text().splitlines()
        last = self.output().splitlines()[-1]
        summary = json.loads(line)
        assert "drained" in last
        assert f"exit_reason={summary['exit_reason']}" in last
        return summary


StartDrain = Callable[..., Drain]


@pytest.fixture
def start_drain(tmp_path: Path) -> Iterator[StartDrain]:
    started: list[Drain] = []

    def start(platform: Platform, *options: str, before: str = "", **settings: str) -> Drain:
        folder = tmp_path / f"drain-{len(started)}"
        folder.mkdir()
        started.append(Drain(*options, environment=platform.environment | settings, folder=folder, before=before))
        return started[-1]

    yield start
    for drain in started:
        drain.end()


async def test_an_empty_queue_ends_it(platform: Platform, start_drain: StartDrain) -> None:
    await platform.start(workers=0)
    watch = Stopwatch()
    drain = start_drain(platform, *FAST)
    assert await drain.until_exit(within=20) == 0
    assert watch.took.net < 15
    summary = drain.summary()
    assert summary.pop("runtime") >= 1
    assert summary == {
        "processed": 0,
        "failed": 0,
        "success_rate": None,
        "waiting": 0,
        "exit_reason": "queue_empty",
    }


async def test_it_works_through_what_is_queued_and_counts_what_failed(
    new_platform: NewPlatform, start_drain: StartDrain
) -> None:
    """Three jobs; the provider rejects one call, and that job fails. Failed jobs are no failure of the drain."""
    platform = new_platform()
    await platform.start(workers=0)
    jobs = [await platform.post_story(pages=4) for _ in range(3)]
    drain = start_drain(platform, *FAST, HEADRACE_OFFLINE_FAULTS="6:rejected")
    assert await drain.until_exit(within=30) == 0
    states = sorted([(await platform.job(job_id))["state"] for job_id in jobs])
    assert states == ["completed", "completed", "failed"]
    summary = drain.summary()
    assert (summary["processed"], summary["failed"], summary["waiting"]) == (3, 1, 0)
    assert summary["success_rate"] == pytest.approx(2 / 3, abs=0.001)
    assert summary["exit_reason"] == "queue_empty"
    assert (await platform.client.get("/workers")).json()["workers"] == []


async def test_it_waits_for_a_retry_that_is_due_before_it_gives_up(
    new_platform: NewPlatform, start_drain: StartDrain
) -> None:
    """The first attempt puts its job off by 1 to 2 s; the job counts once, for how it ended."""
    platform = new_platform()
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=4)
    settings = {"HEADRACE_RETRY_BASE": "2", "HEADRACE_STEP_PATIENCE": "0", "HEADRACE_OFFLINE_FAULTS": "2:unavailable"}
    drain = start_drain(platform, "--empty-queue-timeout=5", **settings)
    assert await drain.until_exit(within=30) == 0
    events = [event["event"] for event in await platform.events(job_id)]
    assert "scheduled" in events
    assert events[-1] == "completed"
    summary = drain.summary()
    assert (summary["processed"], summary["failed"], summary["success_rate"]) == (1, 0, 1.0)


async def test_at_max_runtime_the_job_is_handed_back_for_another_worker(
    platform: Platform, start_drain: StartDrain
) -> None:
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=12)
    watch = Stopwatch()
    drain = start_drain(platform, "--max-runtime=5", HEADRACE_GRACE="1")
    assert await drain.until_exit(within=15) == 0
    assert watch.took.net < 10
    summary = drain.summary()
    assert (summary["processed"], summary["exit_reason"], summary["waiting"]) == (0, "max_runtime", 1)
    assert summary["runtime"] >= 5
    job = await platform.job(job_id)
    assert (job["state"], job["state_reason"], job["attempt"]) == ("queued", "interrupted", 0)
    saved = platform.ledger.steps(job_id)

    platform.spawn_worker()
    await platform.until_state(job_id, "completed", within=30)
    repeated = [step for step in saved if platform.ledger.steps(job_id).count(step) > 1]
    assert len(repeated) <= 1, "only the step in flight may be asked for again"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_with_exit_code_0(
    platform: Platform, start_drain: StartDrain, number: signal.Signals
) -> None:
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=12)
    drain = start_drain(platform, HEADRACE_GRACE="0.2")
    await platform.until_steps(job_id, 1)
    watch = Stopwatch()
    drain.signal(number)
    assert await drain.until_exit(within=60) == 0, drain.output()
    assert watch.took.net < 9, "by then it would have been ended"
    summary = drain.summary()
    assert (summary["processed"], summary["exit_reason"]) == (0, "stopped")
    assert (await platform.job(job_id))["state_reason"] == "interrupted"


async def test_a_last_look_that_takes_6_seconds_is_waited_for(platform: Platform, start_drain: StartDrain) -> None:
    """The job ended just before, so that it may be this look that counts it."""
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=4)
    settings = {"HEADRACE_STOP_LIMIT": "60", "LAST_LOOK_TAKES": "6"}
    drain = start_drain(platform, before=SLOW_LAST_LOOK, **settings)
    await platform.until_state(job_id, "completed", within=30)
    drain.signal(signal.SIGTERM)
    assert await drain.until_exit(within=60) == 0, drain.output()
    summary = drain.summary()
    assert (summary["processed"], summary["exit_reason"]) == (1, "stopped")


async def test_a_last_look_that_does_not_end_is_left_at_the_stop_limit(
    platform: Platform, start_drain: StartDrain
) -> None:
    """The worker itself has stopped well, and so has the drain."""
    await platform.start(workers=0)
    settings = {"HEADRACE_STOP_LIMIT": "15", "LAST_LOOK_TAKES": "inf"}
    drain = start_drain(platform, before=SLOW_LAST_LOOK, **settings)
    await wait_until(lambda: " ready." in drain.output(), within=30, what="the worker is ready")
    drain.signal(signal.SIGTERM)
    assert await drain.until_exit(within=60) == 0, drain.output()
    assert "not stopped in time" in drain.output()
    assert drain.summary()["exit_reason"] == "stopped"


async def test_a_signal_while_it_starts_stops_it_with_exit_code_0(platform: Platform, start_drain: StartDrain) -> None:
    """SIGTERM comes while the worker's libraries are loaded, as soon as the command has a handler."""
    await platform.start(workers=0)
    drain = start_drain(platform)

    def listens() -> bool:
        status = Path(f"/proc/{drain.pid}/status").read_text()
        caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
        return bool(caught >> (signal.SIGTERM - 1) & 1)

    await wait_until(listens, within=10, what="the command has a handler for SIGTERM")
    drain.signal(signal.SIGTERM)
    assert await drain.until_exit(within=15) == 0
    assert drain.summary()["exit_reason"] == "stopped"


async def test_a_lost_child_does_not_end_it(platform: Platform, start_drain: StartDrain) -> None:
    """Celery logs the loss with its traceback; the summary has the job once, completed."""
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=12)
    drain = start_drain(platform, *FAST)
    await platform.until_steps(job_id, 2)
    (child,) = drain.children()
    os.kill(child, signal.SIGKILL)
    assert await drain.until_exit(within=30) == 0
    assert (await platform.job(job_id))["attempt"] == 2
    summary = json.loads(drain.summary_file.read_text())
    assert (summary["processed"], summary["failed"], summary["exit_reason"]) == (1, 0, "queue_empty")


async def test_redis_away_for_good_is_an_error(platform: Platform, start_drain: StartDrain) -> None:
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=12)
    drain = start_drain(platform, "--redis-timeout=2")
    await platform.until_steps(job_id, 1)
    platform.redis.kill()
    assert await drain.until_exit(within=25) == 1
    assert drain.summary()["exit_reason"] == "redis_away"
    assert "Redis does not answer; check REDIS_URL" in drain.output()


async def test_redis_away_for_a_while_is_no_empty_queue(platform: Platform, start_drain: StartDrain) -> None:
    """Away for twice as long as an empty queue is waited for; only then is there nothing to do."""
    await platform.start(workers=0)
    drain = start_drain(platform, "--empty-queue-timeout=3", "--redis-timeout=120")
    await wait_until(lambda: " ready." in drain.output(), within=60, what="the worker is ready")
    platform.redis.kill()
    await pause(6)
    assert "Warm shutdown" not in drain.output()
    platform.redis.start()
    assert await drain.until_exit(within=90) == 0
    assert drain.summary()["exit_reason"] == "queue_empty"


async def test_a_redis_that_refuses_the_watch_is_an_error(platform: Platform, start_drain: StartDrain) -> None:
    """Its user may do all that a worker needs, and not count what waits."""
    await platform.start(workers=0)
    with redis.Redis(port=platform.redis.port) as client:
        client.acl_setuser("drain", enabled=True, nopass=True, keys="*", channels="*", commands=["+@all", "-zcount"])
    url = platform.redis.url.replace("redis://", "redis://drain:any@")
    drain = start_drain(platform, "--max-runtime=5", REDIS_URL=url)
    assert await drain.until_exit(within=30) == 1
    assert "the watch has a fault; ending the worker" in drain.output()
    summary = json.loads(drain.summary_file.read_text())
    assert (summary["processed"], summary["exit_reason"]) == (0, "worker_broken")


async def test_a_worker_that_breaks_down_is_an_error(platform: Platform, start_drain: StartDrain) -> None:
    """It cannot stop in the time it has: the process ends all the same, with a summary."""
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=12)
    drain = start_drain(platform, HEADRACE_GRACE="0", HEADRACE_STOP_LIMIT="1")
    await platform.until_steps(job_id, 1)
    (child,) = drain.children()
    os.kill(child, signal.SIGSTOP)
    drain.signal(signal.SIGTERM)
    assert await drain.until_exit(within=15) == 1
    assert drain.summary()["exit_reason"] == "worker_broken"


async def test_bad_settings_are_a_line_and_exit_code_2(platform: Platform, start_drain: StartDrain) -> None:
    drain = start_drain(platform, HEADRACE_LEASE="soon")
    assert await drain.until_exit(within=10) == 2
    assert drain.output().startswith("headrace: HEADRACE_LEASE: must be seconds")


async def test_all_jobs_count_that_one_child_runs_at_once(new_platform: NewPlatform, start_drain: StartDrain) -> None:
    platform = new_platform(HEADRACE_JOBS_PER_WORKER="10", HEADRACE_OFFLINE_DELAY="0.1")
    await platform.start(workers=0)
    jobs = [await platform.post_story(pages=4) for _ in range(12)]
    drain = start_drain(platform, *FAST)
    assert await drain.until_exit(within=60) == 0
    assert [(await platform.job(job_id))["state"] for job_id in jobs] == ["completed"] * 12
    assert drain.summary()["processed"] == 12
