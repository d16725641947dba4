"""Messages that a child takes itself: in which order, and what it leaves out."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

import pytest

from jobs.celery_app import create_celery
from jobs.errors import StoreUnavailable
from jobs.messages import Renderer
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine import inlet as inlets
from tasks.engine import message_filter
from tasks.engine.inlet import Inlet
from tests.support.jobs_at_hand import LANE, queued
from tests.support.ports import free_port


@pytest.fixture
async def inlet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inlet]:
    monkeypatch.setattr(inlets, "WAIT", timedelta(milliseconds=100))
    inlet = Inlet.open(settings, lambda: ["default", "warmups"])
    yield inlet
    await inlet.aclose()


async def send(store: JobStore, settings: Settings, job_id: str, *, queue: str = "default", priority: int = 3) -> None:
    message = Renderer(create_celery(settings)).message(
        job_id, kind="story", queue=queue, priority=priority, tag=f"{job_id}:1"
    )
    await store.redis.lpush(message.lane, message.text)


async def test_the_most_urgent_comes_first_and_of_equals_the_queues_take_turns(
    inlet: Inlet, store: JobStore, settings: Settings
) -> None:
    for number in range(2):
        for queue in ("default", "warmups"):
            await send(store, settings, f"{queue} {number}", queue=queue)
    await send(store, settings, "urgent", queue="warmups", priority=0)
    taken = [await inlet.take() for _ in range(5)]
    assert taken[0] == "urgent"
    assert taken[1:] == ["default 0", "warmups 0", "default 1", "warmups 1"]


async def test_without_a_message_there_is_none_after_a_moment(inlet: Inlet) -> None:
    assert await inlet.take() is None


@pytest.mark.parametrize("text", ["no JSON", "{}", "[" * 100_000, '{"headers": {"task": "story", "id": "1"}}'])
async def test_what_is_no_message_of_ours_is_dropped_and_counted(
    inlet: Inlet, store: JobStore, settings: Settings, text: str
) -> None:
    before = message_filter.dropped.total
    await store.redis.lpush(LANE, text)
    await send(store, settings, "good")
    assert await inlet.take() is None
    assert message_filter.dropped.total == before + 1
    assert await inlet.take() == "good"


async def test_no_message_is_taken_of_a_queue_that_the_worker_has_left(settings: Settings, store: JobStore) -> None:
    job_id = await queued(store)
    queues: list[str] = []
    async with aclosing(Inlet.open(settings, lambda: queues)) as inlet:
        assert await inlet.take() is None
        queues.append("default")
        assert await inlet.take() == job_id


async def test_a_redis_that_is_away_is_an_error_of_its_own(settings: Settings) -> None:
    away = Settings.model_validate({**settings.model_dump(), "redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    inlet = Inlet.open(away, lambda: ["default"])
    with pytest.raises(StoreUnavailable):
        await inlet.take()
    await inlet.aclose()
