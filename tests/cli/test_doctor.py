"""`headrace doctor`: what it prints, and its exit code."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.embedded_redis import EmbeddedRedis
from cli.errors import CommandFailed
from cli.main import app
from jobs import kinds
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tests.support.jobs_at_hand import ended
from tests.support.ports import free_port


@pytest.fixture
def safe_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedRedis]:
    """A server with an append-only file, as `headrace dev` starts it."""
    server = EmbeddedRedis(tmp_path / "redis", port=free_port())
    server.start()
    monkeypatch.setenv("REDIS_URL", server.url)
    yield server
    server.stop()


def _doctor(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


def _queue_a_job() -> str:
    async def queue() -> str:
        store = JobStore.open(Settings(), name="tests", patience=timedelta(seconds=5))
        try:
            story = {"title": "The Fox", "prompt": "A fox finds the sea", "pages": 4}
            return (await store.create(NewJob(kinds.get("story"), story))).job_id
        finally:
            await store.aclose()

    return asyncio.run(queue())


@pytest.mark.usefixtures("safe_redis")
def test_replicas_that_are_asked_for_and_not_there_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_REDIS_WAIT", "1")
    done = _doctor()
    assert done.exit_code == 1
    assert "HEADRACE_REDIS_WAIT asks for 1 replicas, Redis has 0 in step: no job is accepted." in done.stdout

    monkeypatch.setenv("HEADRACE_REDIS_WAIT", "0")
    assert "HEADRACE_REDIS_WAIT" not in _doctor().stdout


def _fail_a_job() -> str:
    async def fail() -> str:
        store = JobStore.open(Settings(), name="tests", patience=timedelta(seconds=5))
        try:
            return await ended(store, State.FAILED)
        finally:
            await store.aclose()

    return asyncio.run(fail())


@pytest.mark.usefixtures("safe_redis")
def test_all_is_well() -> None:
    result = _doctor()
    assert result.exit_code == 0, result.output
    assert "Nothing is wrong." in result.output
    assert "AOF on, noeviction" in result.output
    assert "default  0        0     -" in result.output


@pytest.mark.usefixtures("safe_redis")
def test_what_is_stuck_is_said_with_its_remedy() -> None:
    _queue_a_job()
    result = _doctor()
    assert result.exit_code == 1
    assert "WRONG  Queue default has 1 waiting" in result.output
    assert "Start one: celery -A tasks worker" in result.output


@pytest.mark.usefixtures("safe_redis")
def test_the_same_as_json() -> None:
    _queue_a_job()
    result = _doctor("--json")
    report = json.loads(result.output)
    assert result.exit_code == 1
    assert [queue["queued"] for queue in report["queues"]] == [1]
    assert report["findings"][0]["wrong"] is True


@pytest.mark.usefixtures("safe_redis")
def test_the_story_of_a_job() -> None:
    job_id = _fail_a_job()
    result = _doctor(job_id)
    assert result.exit_code == 1
    assert f"Job {job_id} (story): failed" in result.output
    assert "KeyError: 'pages'" in result.output
    events = [line.split()[1] for line in result.output.splitlines() if line[:1].isdigit()]
    assert events == ["queued", "running", "failed"]


@pytest.mark.usefixtures("safe_redis")
def test_a_job_that_is_not_there_is_a_line() -> None:
    result = _doctor("nobody")
    assert isinstance(result.exception, CommandFailed)
    assert "No job has the id 'nobody'" in str(result.exception)


def test_redis_away_is_a_line_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:hush@127.0.0.1:{free_port()}/0")
    result = _doctor()
    assert isinstance(result.exception, CommandFailed)
    assert "Redis does not answer at 127.0.0.1" in str(result.exception)
    assert "hush" not in str(result.exception)


def test_bad_usage_is_exit_code_2() -> None:
    assert _doctor("--verbose").exit_code == 2
