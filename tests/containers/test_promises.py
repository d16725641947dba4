"""The promises of tests/acceptance, with each process in a container of our own images."""

import time
from collections import Counter

import pytest
from docker import DockerClient

from tests.containers import hungry_titles
from tests.containers.nodes import Platform
from tests.support.waiting import wait_until

CALLS = Counter(["outline", *(f"page:{number}" for number in range(1, 7))])


async def _finished_without_repeating(platform: Platform, job_id: str, saved: list[str], *, cut_short: int) -> None:
    await platform.until_state(job_id, "completed", within=40)
    calls = Counter(platform.ledger.steps(job_id))
    assert set(calls) == set(CALLS)
    assert {step: calls[step] for step in saved if step in calls} == dict.fromkeys(saved, 1)
    assert calls.total() <= CALLS.total() + cut_short
    assert [event["event"] for event in await platform.events(job_id)].count("completed") == 1


async def test_a_story_from_end_to_end(platform: Platform) -> None:
    job = await platform.until_state(await platform.post_story(pages=4), "completed", within=40)
    files = {ref["name"]: await platform.client.get(f"/jobs/{job['id']}/files/{ref['name']}") for ref in job["files"]}
    assert files["story.pdf"].content.startswith(b"%PDF-")
    assert files["page-01.png"].content.startswith(b"\x89PNG")
    assert job["attempt"] == 1


async def test_a_killed_worker_container_is_replaced_by_another_within_12_seconds(platform: Platform) -> None:
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 3)
    first = platform.holder(await platform.job(job_id))
    first.kill()
    started = time.monotonic()

    async def runs_elsewhere() -> bool:
        job = await platform.job(job_id)
        return bool(job["state"] == "running" and platform.holder(job) != first)

    await wait_until(runs_elsewhere, within=20, what="the other worker has the job")
    assert time.monotonic() - started < 12
    await _finished_without_repeating(platform, job_id, saved, cut_short=1)

    first.restart()
    others = [await platform.post_story(pages=4) for _ in range(2)]
    jobs = [await platform.until_state(other, "completed", within=40) for other in others]
    assert {platform.holder(job).container.id for job in jobs} == {worker.container.id for worker in platform.workers}


async def test_docker_stop_hands_the_job_of_a_busy_worker_back_within_10_seconds(
    platform: Platform, docker_client: DockerClient
) -> None:
    """Its process 1 gets the signal and ends by itself, so nothing is killed; the attempt does not count."""
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 2)
    first = platform.holder(await platform.job(job_id))
    started = time.monotonic()
    docker_client.containers.get(first.name()).stop(timeout=10)
    assert time.monotonic() - started < 10
    first.container.reload()
    assert first.container.attrs["State"]["ExitCode"] == 0, first.logs()
    await _finished_without_repeating(platform, job_id, saved, cut_short=1)
    job = await platform.job(job_id)
    assert job["attempt"] == 1
    assert platform.holder(job) != first
    assert await platform.metric("headrace_interrupted_total") == 1


@pytest.mark.parametrize("stop", ["kill", "restart"])
async def test_a_redis_container_that_starts_again_has_lost_nothing(platform: Platform, stop: str) -> None:
    """Also when it was killed: its append-only file is in its volume."""
    job_id = await platform.post_story(pages=6)
    queued = [await platform.post_story(pages=4) for _ in range(4)]
    saved = await platform.until_steps(job_id, 2)
    if stop == "kill":
        platform.redis.kill()
    platform.redis.restart()
    for other in queued:
        await platform.until_state(other, "completed", within=60)
    await _finished_without_repeating(platform, job_id, saved, cut_short=1)


class TestOutOfMemory:
    """The kernel ends a child that wants more than its container may have; the worker and the container live."""

    @pytest.fixture
    def default_worker_command(self) -> list[str]:
        return ["celery", "-A", "hungry", "worker", "--without-gossip", "--without-mingle"]

    @pytest.fixture
    def default_worker_env(self, default_worker_env: dict[str, str]) -> dict[str, str]:
        return {**default_worker_env, "PYTHONPATH": "/app:/tests"}

    async def test_a_job_that_needs_too_much_once_is_recovered(self, platform: Platform) -> None:
        job_id = await platform.post_story(title=hungry_titles.ONCE, pages=4)
        job = await platform.until_state(job_id, "completed", within=40)
        assert job["attempt"] == 2
        assert await platform.metric("headrace_children_lost_total") == 1

    async def test_a_job_that_always_needs_too_much_fails_and_starves_nobody(self, platform: Platform) -> None:
        job_id = await platform.post_story(title=hungry_titles.ALWAYS)
        others = [await platform.post_story(pages=4) for _ in range(3)]
        job = await platform.until_state(job_id, "failed", within=40)
        assert (job["state_reason"], job["attempt"]) == ("worker_lost", 3)
        for other in others:
            await platform.until_state(other, "completed", within=40)
        for worker in platform.workers:
            worker.container.reload()
            assert worker.container.status == "running"
            assert worker.container.attrs["RestartCount"] == 0
