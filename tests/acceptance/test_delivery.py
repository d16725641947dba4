"""Messages may be repeated or carry nothing; jobs run once and leave nothing behind."""

from typing import cast

import pytest
import redis

from tests.support.jobs_at_hand import LANE
from tests.support.platform import NewPlatform, Platform
from tests.support.waiting import wait_until


@pytest.fixture
def platform(new_platform: NewPlatform) -> Platform:
    """Which sends messages although there is no worker yet."""
    return new_platform(HEADRACE_RELEASE_WINDOW="10")


@pytest.fixture
def broker(platform: Platform) -> redis.Redis:
    return redis.Redis.from_url(platform.redis.url, decode_responses=True)


def _messages(broker: redis.Redis, job_id: str) -> list[str]:
    return [str(message) for message in broker.lrange(LANE, 0, -1) if job_id in str(message)]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType, reportUnknownArgumentType]  # redis-py types sync and async calls alike


async def test_a_message_delivered_five_times_runs_the_job_once(platform: Platform, broker: redis.Redis) -> None:
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=4)
    (message,) = _messages(broker, job_id)
    broker.lpush(LANE, *[message] * 4)
    for _ in range(3):
        platform.spawn_worker()
    await platform.until_state(job_id, "completed", within=60)

    async def refused() -> bool:
        return await platform.metric("headrace_duplicate_deliveries_refused_total") == 4

    await wait_until(refused, within=10, what="four deliveries are refused")
    calls = platform.ledger.steps(job_id)
    assert len(calls) == len(set(calls)) == 5
    assert [event["event"] for event in await platform.events(job_id)].count("running") == 1


async def test_what_a_user_wrote_is_in_no_message_and_no_log(platform: Platform, broker: redis.Redis) -> None:
    secret = "periwinkle-zeppelin"  # noqa: S105  # a word to look for
    await platform.start(workers=0)
    job_id = await platform.post_story(title=secret, prompt=f"A tale of a {secret}", pages=4)
    assert _messages(broker, job_id)
    assert secret not in "".join(_messages(broker, job_id))
    platform.spawn_worker()
    await platform.until_state(job_id, "completed", within=60)
    assert job_id in platform.logs()
    assert secret not in platform.logs()


async def test_a_finished_job_leaves_no_key_without_an_end(platform: Platform, broker: redis.Redis) -> None:
    await platform.start()
    job_id = await platform.post_story(pages=4)
    await platform.until_state(job_id, "completed", within=60)
    every = cast("list[str]", broker.keys())
    keys = [key for key in every if job_id in key or ":user:" in key]
    assert len(keys) == 6, keys
    assert [key for key in keys if broker.ttl(key) == -1] == []
    assert broker.hlen("unacked") == 0


async def test_a_child_stays_far_below_its_memory_limit(platform: Platform) -> None:
    """A limit below the baseline would replace the child after every job."""
    await platform.start()
    child = platform.workers[0].child
    for _ in range(2):
        await platform.until_state(await platform.post_story(pages=4), "completed", within=60)
    assert platform.workers[0].child == child
    assert platform.workers[0].resident_kib(child) < 600_000 / 2
