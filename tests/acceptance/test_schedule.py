"""The store decides what runs next; what becomes of Celery's messages changes nothing but the time."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.platform import NewPlatform, Platform
from tests.support.waiting import wait_until

DELAY = "0.2"
"""Seconds of each of a story's five calls, one after the other or four at a time."""


async def _posted(platform: Platform, user: str, count: int) -> list[str]:
    return [await platform.post_story(user_id=user, pages=4) for _ in range(count)]


async def _completed(platform: Platform, jobs: list[str]) -> list[str]:
    return [job_id for job_id in jobs if (await platform.job(job_id))["state"] == "completed"]


async def _taken(platform: Platform, job_id: str, *, within: float) -> None:
    async def taken() -> bool:
        return (await platform.job(job_id))["state"] != "queued"

    await wait_until(taken, within=within, what=f"job {job_id} is taken")


async def test_a_users_first_job_starts_next_although_another_has_many(new_platform: NewPlatform) -> None:
    platform = new_platform(HEADRACE_OFFLINE_DELAY=DELAY)
    await platform.start()
    ann = await _posted(platform, "ann", 12)
    await _taken(platform, ann[1], within=60)
    before = len(await _completed(platform, ann))

    [bob] = await _posted(platform, "bob", 1)

    await _taken(platform, bob, within=60)
    # The one that ran, and one more should it have ended just before bob's was posted.
    assert len(await _completed(platform, ann)) <= before + 2


@pytest.mark.parametrize("settings", [{}, {"HEADRACE_RELEASE_WINDOW": "50"}], ids=["usual", "all messages out"])
async def test_after_a_purge_the_queue_goes_on_within_12_seconds(
    new_platform: NewPlatform, settings: dict[str, str]
) -> None:
    """With two workers; usually there is nothing to purge while they are busy."""
    platform = new_platform(HEADRACE_OFFLINE_DELAY=DELAY, **settings)
    await platform.start(workers=2)
    jobs = await _posted(platform, "ann", 20)
    await _taken(platform, jobs[1], within=60)

    await asyncio.to_thread(_purge, platform)
    done = len(await _completed(platform, jobs))

    # Two may have run on; the first that had lost its message has started within the bound.
    await _taken(platform, jobs[min(done + 2, len(jobs) - 1)], within=12)
    for job_id in jobs:
        await platform.until_state(job_id, "completed", within=60)


def _purge(platform: Platform) -> None:
    subprocess.run(  # our own command, no shell
        [sys.executable, "-m", "celery", "-A", "tasks", "purge", "-f"],
        env=platform.environment,
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
    )
