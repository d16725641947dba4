"""Redis away: clients get a clear 503 at once, and when it is back everything goes on without a restart."""

from tests.support.platform import STORY, Platform
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until


async def test_everything_goes_on_after_redis_was_away(platform: Platform) -> None:
    await platform.start()
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 2)
    processes = [platform.api.pid, platform.workers[0].pid, platform.workers[0].child]
    platform.redis.kill()

    watch = Stopwatch()
    response = await platform.client.post("/stories", json=STORY)
    assert watch.took.net < 2
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) >= 1

    platform.redis.start()
    await platform.until_state(job_id, "completed", within=40)
    calls = platform.ledger.steps(job_id)
    assert [calls.count(step) for step in saved] == [1] * len(saved)

    async def accepted() -> str | None:
        answer = await platform.client.post("/stories", json=STORY)
        return answer.json()["id"] if answer.status_code == 202 else None

    next_id = await wait_until(accepted, within=5, what="the API takes jobs again")
    assert next_id is not None
    await platform.until_state(next_id, "completed", within=40)
    assert [platform.api.pid, platform.workers[0].pid, platform.workers[0].child] == processes
