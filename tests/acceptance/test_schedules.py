"""Jobs at their time, over REST, with real workers."""

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.platform import NewPlatform, Platform
from tests.support.waiting import wait_until

IN_STORY = {"title": "My Story", "prompt": "A magical adventure", "pages": 4}


async def _runs(platform: Platform, url: str, *, completed: int) -> list[dict[str, Any]]:
    """The last runs, once so many of their jobs are completed."""

    async def done() -> list[dict[str, Any]] | None:
        runs = (await platform.client.get(url)).json()["runs"]
        return runs if [run["state"] for run in runs].count("completed") >= completed else None

    runs: list[dict[str, Any]] | None = await wait_until(done, within=60, what=f"{completed} runs are completed")
    assert runs is not None
    return runs


async def test_a_job_for_later_runs_at_its_time(new_platform: NewPlatform) -> None:
    platform = new_platform()
    await platform.start()
    due = datetime.now(UTC) + timedelta(seconds=4)
    job_id = await platform.post_story(run_at=due.isoformat())
    assert (await platform.job(job_id))["state"] == "scheduled"

    job = await platform.until_state(job_id, "completed", within=60)

    assert datetime.fromisoformat(job["started_at"]) >= due.replace(microsecond=due.microsecond // 1000 * 1000)
    assert [event["event"] for event in await platform.events(job_id)][:3] == ["scheduled", "queued", "running"]


async def test_a_schedule_goes_on_with_whichever_worker_lives(new_platform: NewPlatform) -> None:
    """Each of its times makes one job, although two workers look; and the second is made although one has died."""
    platform = new_platform()
    await platform.start(workers=2)
    body = {"kind": "story", "input": IN_STORY, "interval_seconds": 10}
    response = await platform.client.post("/schedules", json=body)
    url, expected = response.headers["Location"], response.json()["next_runs"]
    await _runs(platform, url, completed=1)

    platform.workers[0].signal_all(signal.SIGKILL)

    runs = await _runs(platform, url, completed=2)
    assert [run["due_at"] for run in reversed(runs)][:2] == expected[:2]
    jobs = (await platform.client.get("/jobs")).json()["jobs"]
    made = (await platform.client.get(url)).json()["made"]
    assert len(jobs) <= made <= len(jobs) + 1, "one for each time; another may just have come"
