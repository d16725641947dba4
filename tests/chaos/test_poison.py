"""Jobs that kill their worker, and messages that are none."""

import base64
import json
import pickle
import zlib
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from jobs.celery_app import create_celery
from jobs.messages import Renderer
from jobs.settings import Settings
from tests.chaos import misbehaving_titles as titles
from tests.chaos.checks import completed_once, direct, nothing_left, start_with, until_running
from tests.chaos.conftest import Measure, SpawnMisbehaving
from tests.support.platform import Platform
from tests.support.stopwatch import Stopwatch, Took
from tests.support.waiting import wait_until

LANE = "default"
"""The most urgent: what lies here is popped first."""


async def test_a_job_that_always_kills_its_process_fails_and_starves_nobody(
    platform: Platform, spawn_misbehaving: SpawnMisbehaving, measure: Measure
) -> None:
    """Its attempts are counted when it is claimed, so that no way to die can spare them.

    Injected: a pipeline that ends in a segmentation fault each time, with three other jobs behind it.
    Bound: failed/worker_lost after its three attempts, 9 s; the others complete; one worker for all of it.
    """
    [worker] = await start_with(platform, lambda: spawn_misbehaving(platform))
    watch = Stopwatch()
    poison = await platform.post_story(title=titles.DIES)
    others = [await platform.post_story(pages=4) for _ in range(3)]
    job = await platform.until_state(poison, "failed", within=40)
    measure("always dies: three attempts, until it has failed", watch.took, bound=9)
    assert (job["state_reason"], job["attempt"]) == ("worker_lost", 3)
    events = [event for event in await platform.events(poison) if event["event"] != "progress"]
    # The worker may have taken one of the others by then, and does that one first.
    noticed = [_seconds(begun, end) for begun, end in pairwise(events) if begun["event"] == "running"]
    assert len(noticed) == 3
    measure("always dies: one attempt, until it is noticed", Took(max(noticed), max(noticed)), bound=3)
    await completed_once(platform, *others, within=40)
    assert worker.exit_code is None
    assert await platform.metric("headrace_children_lost_total") == 3
    nothing_left(platform)


@pytest.mark.parametrize(
    ("title", "hard"),
    [(titles.WAITS, False), (titles.GOES_ON, False), (titles.BLOCKS, True)],
    ids=["that waits", "that goes on when cancelled", "that blocks its process"],
)
async def test_a_job_over_its_time_limit_fails(
    platform: Platform, spawn_misbehaving: SpawnMisbehaving, title: str, hard: bool, measure: Measure
) -> None:
    """Injected: a pipeline that does not end, with a limit of 2 s; or that cannot be told to, 3 s later killed.

    Bound: failed/time_limit 12 s after its start; the same worker runs the next, of another kind, within 7 s.
    """
    limits = {"CHAOS_TIME_LIMIT": "2", "CHAOS_HARD_MARGIN": "3" if hard else "60"}
    [worker] = await start_with(platform, lambda: spawn_misbehaving(platform, HEADRACE_OFFLINE_DELAY="0", **limits))
    job_id = await platform.post_story(title=title)
    next_id = (await platform.client.post("/reports", json={"topic": "Foxes"})).json()["id"]
    await until_running(platform, job_id, within=10)
    watch = Stopwatch()
    job = await platform.until_state(job_id, "failed", within=40)
    measure(f"a limit of 2 s, a job {title!r}, until it has failed", watch.took, bound=12)
    assert (job["state_reason"], job["attempt"]) == ("time_limit", 1)
    measure("... until the next job runs", await until_running(platform, next_id, within=20), bound=7)
    await completed_once(platform, next_id)
    assert worker.exit_code is None


async def test_a_cancelled_job_that_blocks_its_process_frees_its_worker(
    platform: Platform, spawn_misbehaving: SpawnMisbehaving, measure: Measure
) -> None:
    """Injected: a pipeline that blocks the event loop is cancelled. Bound: the same worker runs the next within 9 s."""
    [worker] = await start_with(platform, lambda: spawn_misbehaving(platform, HEADRACE_OFFLINE_DELAY="0"))
    job_id = await platform.post_story(title=titles.BLOCKS)
    next_id = await platform.post_story(pages=4)
    await until_running(platform, job_id, within=10)
    await platform.client.post(f"/jobs/{job_id}/cancel")
    taken = await until_running(platform, next_id, within=60)
    measure("a job that blocks is cancelled, until the next job runs", taken, bound=9)
    await completed_once(platform, next_id)
    assert (await platform.job(job_id))["state"] == "cancelled"
    assert worker.exit_code is None


async def test_a_job_that_blocks_its_process_fails_by_name_of_the_place(
    platform: Platform, spawn_misbehaving: SpawnMisbehaving, measure: Measure
) -> None:
    """Injected: a pipeline that blocks the event loop for ten minutes, of which 2 s are allowed.

    Bound: failed/internal_error after one attempt, 9 s after its start; the same worker runs the next.
    """
    settings = {"HEADRACE_OFFLINE_DELAY": "0", "HEADRACE_MAX_LOOP_BLOCK": "2s"}
    [worker] = await start_with(platform, lambda: spawn_misbehaving(platform, **settings))
    job_id = await platform.post_story(title=titles.BLOCKS)
    next_id = await platform.post_story(pages=4)
    await until_running(platform, job_id, within=10)
    watch = Stopwatch()
    job = await platform.until_state(job_id, "failed", within=60)
    measure("a job blocks, 2 s are allowed, until it has failed", watch.took, bound=9)
    assert (job["state_reason"], job["attempt"]) == ("internal_error", 1)
    assert "blocked its event loop for 2 s, at chaos/misbehaving.py:" in job["error"]["message"]
    await completed_once(platform, next_id)
    assert worker.exit_code is None


def _message(template: str, **changes: Any) -> str:  # noqa: ANN401  # any JSON value
    message = json.loads(template)
    message["headers"] |= changes.pop("headers", {})
    return json.dumps(message | changes)


async def _dropped(platform: Platform, count: int) -> bool:
    metrics = (await platform.client.get("/metrics")).text
    return f"headrace_messages_dropped_total {float(count)}" in metrics


def _bad_messages(template: str) -> dict[str, str]:
    """`template` is a good message whose job has ended."""
    bomb = base64.b64encode(zlib.compress(b"[" + b" " * 100_000_000 + b"]", 9)).decode()
    code = base64.b64encode(pickle.dumps(([], {}, {}))).decode()
    return {
        "an unknown task": _message(template, headers={"task": "no.such.task"}),
        "a foreign content type": _message(
            template, body=code, **{"content-type": "application/x-python-serialize", "content-encoding": "binary"}
        ),
        "a gzip bomb": _message(template, body=bomb, headers={"compression": "application/x-gzip"}),
        "a body that is no base64": _message(template, body="%%%"),
        "no headers": _message(template).replace('"headers"', '"footers"'),
        "a task id that is none": _message(template, headers={"id": None}),
        "a list": "[]",
        "an empty object": "{}",
        "no JSON": "garbage",
        "no UTF-8": "\udcff\udcfe",
    }


@pytest.mark.quick
async def test_what_is_no_message_is_dropped(platform: Platform, measure: Measure) -> None:
    """Celery's worker ends on some of these, and after others each worker that comes next.

    Injected: such messages on the broker's list, before a good one.
    Bound: each is gone with one line in the log and counted, and the good one runs within 3 s in the same worker,
    which has decompressed nothing.
    """
    await platform.start()
    first = await platform.post_story(pages=4)
    with direct(platform) as redis:
        good = Renderer(create_celery(Settings())).message(first, kind="story", queue="default", priority=3, tag="x")
        bad = _bad_messages(good.text)
        await completed_once(platform, first)
        for message in bad.values():
            redis.lpush(LANE, message.encode(errors="surrogateescape"))
        watch = Stopwatch()
        next_id = await platform.post_story(pages=4)
        await until_running(platform, next_id, within=45)
        measure(f"{len(bad)} bad messages, until the next job runs", watch.took, bound=3)
    await completed_once(platform, next_id)
    [worker] = platform.workers
    assert worker.exit_code is None, worker.output()
    assert worker.output().count("message dropped") == len(bad), worker.output()
    assert worker.resident_kib(worker.pid) < 200_000
    await wait_until(
        lambda: _dropped(platform, len(bad)), within=15, what=f"/metrics counts {len(bad)} dropped messages"
    )
    nothing_left(platform)


def _seconds(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    return (datetime.fromisoformat(after["at"]) - datetime.fromisoformat(before["at"])).total_seconds()
