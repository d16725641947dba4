"""jobs/messages.py: what we put on the broker is what Celery and kombu would have sent."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from celery import Celery

from jobs.celery_app import create_celery
from jobs.messages import Renderer
from jobs.priorities import PRIORITIES
from jobs.queues import queue_names
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import queued, story
from tests.support.waiting import wait_until

JOB_ID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def celery(settings: Settings) -> Iterator[Celery]:
    app = create_celery(settings)
    yield app
    app.close()


@pytest.fixture
def renderer(celery: Celery) -> Renderer:
    return Renderer(celery)


async def _sent(celery: Celery, held: Inspector, lane: str, priority: int) -> dict[str, Any]:
    """What a plain `send_task` puts on a lane."""
    celery.send_task("story", task_id=JOB_ID, queue="default", priority=priority)
    [text] = await held.message_texts(lane)
    return json.loads(text)


def _without_sender(message: dict[str, Any]) -> dict[str, Any]:
    """All but the delivery tag and the names of the process that sent it."""
    properties = {name: value for name, value in message["properties"].items() if name not in _SENDER}
    headers = {name: value for name, value in message["headers"].items() if name not in _SENDER | _FENCE}
    return message | {"properties": properties, "headers": headers}


_SENDER = {"delivery_tag", "reply_to", "origin"}
_FENCE = {"compression"}
"""Says nothing to Celery, and keeps workers of version 0.1 away."""


@pytest.mark.parametrize("priority", PRIORITIES)
async def test_a_rendered_message_is_what_send_task_sends(
    celery: Celery, renderer: Renderer, held: Inspector, priority: int
) -> None:
    """And lies where kombu puts it: on the list of its priority step."""
    rendered = renderer.message(JOB_ID, kind="story", queue="default", priority=priority, tag="1")

    sent = await _sent(celery, held, rendered.lane, priority)

    ours = json.loads(rendered.text)
    assert _without_sender(ours) == _without_sender(sent)
    assert list(ours) == list(sent)
    assert set(ours["properties"]) == set(sent["properties"])
    assert set(ours["headers"]) == set(sent["headers"]) | _FENCE
    assert ours["headers"]["compression"] is None


def test_priorities_share_four_lanes(renderer: Renderer) -> None:
    lanes = [renderer.message(JOB_ID, kind="story", queue="default", priority=p, tag="1").lane for p in PRIORITIES]

    first, second, third, last = renderer.lanes("default")
    assert lanes == [first] * 3 + [second] * 3 + [third] * 3 + [last]


def test_the_most_urgent_lane_has_the_queues_own_name(renderer: Renderer) -> None:
    assert renderer.lanes("default") == ["default", "default\x06\x163", "default\x06\x166", "default\x06\x169"]


@pytest.mark.parametrize("queue", queue_names())
def test_every_queue_of_a_kind_can_be_rendered_for(renderer: Renderer, queue: str) -> None:
    message = json.loads(renderer.message(JOB_ID, kind="story", queue=queue, priority=0, tag="1").text)

    assert message["properties"]["delivery_info"] == {"exchange": "", "routing_key": queue}


def test_one_template_serves_every_job(renderer: Renderer) -> None:
    first = renderer.message(JOB_ID, kind="story", queue="default", priority=3, tag="1")
    other = "99999999-2222-3333-4444-555555555555"
    second = renderer.message(other, kind="story", queue="default", priority=3, tag="1")

    assert second.text == first.text.replace(JOB_ID, other)
    assert first.text.count(JOB_ID) == 3


async def test_a_message_holds_nothing_of_the_jobs_input(store: JobStore, held: Inspector) -> None:
    await queued(store, story(title="A most secret title", user_id="ann@example.org", priority=0))

    [text] = await held.message_texts("default")

    body = base64.b64decode(json.loads(text)["body"])
    assert json.loads(body)[:2] == [[], {}]
    for secret in ("secret title", "ann@example.org"):
        assert secret not in text
        assert secret.encode() not in body


async def test_a_stored_message_has_its_delivery_tag_and_no_placeholder(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store, story(priority=0))

    [text] = await held.message_texts("default")

    assert json.loads(text)["properties"]["delivery_tag"] == f"{job_id}:1"
    assert "DELIVERYTAG" not in text


@pytest.fixture
def stock_worker(redis_url: str, tmp_path: Path) -> Iterator[Path]:
    """A stock Celery worker, and the file that it notes its tasks in."""
    notes = tmp_path / "notes"
    notes.touch()
    command = [sys.executable, "-m", "celery", "-A", "tests.support.stock_worker", "worker", "--queues", "default"]
    with (tmp_path / "worker.log").open("w") as log:
        worker = subprocess.Popen(  # noqa: S603  # our own command, no shell
            [*command, "--concurrency", "1", "--pool", "solo", "--without-gossip", "--without-mingle"],
            env=os.environ | {"REDIS_URL": redis_url, "NOTES": str(notes)},
            cwd=Path(__file__).parents[2],
            stdout=log,
            stderr=log,
        )
        yield notes
        worker.terminate()
        try:
            worker.wait(10)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


@pytest.mark.slow
async def test_a_stock_celery_worker_runs_our_message(stock_worker: Path, store: JobStore, held: Inspector) -> None:
    """With the job's id as the task's, and nothing else to go by."""
    jobs = [await queued(store, story(priority=priority)) for priority in (0, 9)]

    noted = await wait_until(lambda: _both(stock_worker), within=30, what="both messages run")

    assert {job_id for job_id, _, _ in noted} == set(jobs)
    assert [rest for _, *rest in noted] == [[[], {}]] * 2
    await wait_until(lambda: _settled(held), within=10, what="both messages acknowledged")


def _both(notes: Path) -> list[list[object]]:
    lines = notes.read_text().splitlines()
    return [cast("list[object]", json.loads(line)) for line in lines] if len(lines) == 2 else []


async def _settled(held: Inspector) -> bool:
    return await held.names("unacked*") == []
