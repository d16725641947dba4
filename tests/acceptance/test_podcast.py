"""A kind of one's own: the podcast of docs/kinds.md, built as a wheel and installed beside Headrace."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from cli.new_kind import write_package
from jobs.celery_app import create_celery
from jobs.settings import Settings
from tests.support.counting_provider import CountingProvider
from tests.support.platform import NewPlatform, Platform
from tests.support.processes import Worker
from tests.support.waiting import wait_until

PARTS = 6
CALLS = ["outline", *(f"part:{number}" for number in range(1, PARTS + 1))]
STEPS = [*CALLS, "file"]


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)  # noqa: S603  # pip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that its wheel is installed in."""
    folder = tmp_path_factory.mktemp("podcast")
    write_package("podcast", folder / "source")
    _pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder / "dist", folder / "source")
    (wheel,) = (folder / "dist").glob("podcast-*.whl")
    _pip("install", "--no-deps", "--no-index", "--target", folder / "site", wheel)
    return folder / "site"


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[CountingProvider]:
    """One and a half seconds for an answer: time to be killed in."""
    server = CountingProvider(ledger=tmp_path / "calls", log=tmp_path / "calls.log", delay=1.5)
    yield server
    server.end()


async def _submit(platform: Platform, **changes: Any) -> str:  # noqa: ANN401  # any JSON value
    answer = await platform.client.post("/podcasts", json={"topic": "The tides", "parts": PARTS} | changes)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return answer.json()["id"]


async def test_it_is_made_offline_and_monitors_know_its_name(new_platform: NewPlatform, installed: Path) -> None:
    platform = new_platform(PYTHONPATH=str(installed))
    await platform.start(workers=0)
    listening = threading.Event()
    heard = asyncio.create_task(asyncio.to_thread(_name_heard, platform, listening))
    await wait_until(listening.is_set, within=20, what="the monitor listens")
    platform.spawn_worker()
    job_id = await _submit(platform)
    job = await platform.until_state(job_id, "completed", within=60)
    assert job["kind"] == "podcast"
    assert job["result"]["title"] == "The tides (a template, written without AI)"
    assert len(job["result"]["parts"]) == PARTS
    assert Counter(platform.ledger.steps(job_id)) == Counter(CALLS)
    file = (await platform.client.get(f"/jobs/{job_id}/files/podcast.md")).text
    assert file.count("\n## ") == PARTS
    assert await heard == "podcast"


def _name_heard(platform: Platform, listening: threading.Event) -> str:
    """The name of the first task that a worker has received, as Flower hears it."""
    names: list[str] = []
    app = create_celery(Settings(redis_url=SecretStr(platform.redis.url)))

    def hear(event: dict[str, Any]) -> None:
        names.append(event["name"])
        receiver.should_stop = True

    def listens(*_: Any, **__: Any) -> None:  # noqa: ANN401  # kombu's
        listening.set()

    with app.connection_for_read() as connection:
        receiver: Any = app.events.Receiver(connection, handlers={"task-received": hear})
        receiver.on_consume_ready = listens
        receiver.capture(limit=None, timeout=60, wakeup=False)
    return names[0]


async def test_the_api_documents_it(new_platform: NewPlatform, installed: Path) -> None:
    platform = new_platform(PYTHONPATH=str(installed))
    await platform.start(workers=0)
    listed = (await platform.client.get("/kinds")).json()["kinds"]
    kind = next(each for each in listed if each["name"] == "podcast")
    assert kind["path"] == "/podcasts"
    assert set(kind["input"]["properties"]) == {"topic", "parts", "provider", "model", "image_model"}
    document = (await platform.client.get("/openapi.json")).json()
    assert document["paths"]["/podcasts"]["post"]["summary"] == "Submit a podcast"
    models = document["components"]["schemas"]
    assert set(models["PodcastResult"]["properties"]) == {"title", "provider", "parts", "file"}
    assert {"$ref": "#/components/schemas/PodcastResult"} in models["JobBody"]["properties"]["result"]["anyOf"]
    refused = await platform.client.post("/podcasts", json={"topic": " ", "pages": 3})
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert {fault["field"] for fault in refused.json()["errors"]} == {"topic", "pages"}


async def test_killed_in_the_middle_it_goes_on_and_no_saved_step_is_paid_twice(
    new_platform: NewPlatform, installed: Path, counting: CountingProvider
) -> None:
    """First the child that runs it is killed, then the whole worker."""
    await wait_until(counting.answers, within=20, what="the provider answers")
    settings = {"OPENAI_API_KEY": "unused", "OPENAI_BASE_URL": counting.url, "HEADRACE_PROVIDER": "openai"}
    platform = new_platform(PYTHONPATH=str(installed), HEADRACE_CONCURRENCY="1", **settings)
    await platform.start(workers=2)
    job_id = await _submit(platform)

    saved = await platform.until_steps(job_id, 2)
    os.kill((await _holder(platform, job_id)).child, signal.SIGKILL)
    later = await platform.until_steps(job_id, len(saved) + 2, within=40)
    asked_by_then = Counter(counting.calls(job_id))
    (await _holder(platform, job_id)).signal_all(signal.SIGKILL)

    job = await platform.until_state(job_id, "completed", within=60)
    assert job["attempt"] == 3
    assert job["result"]["provider"] == "openai"
    steps = [event["data"]["step"] for event in await platform.events(job_id) if event["event"] == "step"]
    assert Counter(steps) == Counter(STEPS), "each saved once"
    asked = Counter(counting.calls(job_id))
    assert {step: asked[step] for step in saved} == dict.fromkeys(saved, 1)
    assert {step: asked[step] for step in later} == {step: asked_by_then[step] for step in later}
    assert set(asked) == set(CALLS)
    assert asked.total() <= len(CALLS) + 2, "asked again is but the call that was under way at each death"


async def _holder(platform: Platform, job_id: str) -> Worker:
    """The worker that runs the job."""
    holder = (await platform.job(job_id))["worker"]
    return next(worker for worker in platform.workers if f":{worker.pid}:" in holder)
