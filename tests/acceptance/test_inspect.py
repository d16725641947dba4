"""What Celery's own tools ask of a worker, Flower among them."""

import asyncio
import json
from typing import Any

import pytest

from jobs.celery_app import create_celery
from jobs.settings import Settings
from tests.support.platform import NewPlatform
from tests.support.waiting import wait_until


@pytest.mark.parametrize("question", ["stats", "conf", "active", "reserved", "registered", "active_queues"])
async def test_a_worker_answers(question: str, new_platform: NewPlatform) -> None:
    platform = new_platform()
    await platform.start()
    app = create_celery(Settings.model_validate({"redis_url": platform.redis.url}))
    answers: list[dict[str, Any]] = []

    async def answered() -> bool:
        # One that is late, on a busy machine, is asked again.
        answer: Any = await asyncio.to_thread(getattr(app.control.inspect(timeout=2), question))
        answers.extend([answer] if answer else [])
        return bool(answers)

    await wait_until(answered, within=30, what=f"the worker answers {question}")
    assert len(answers[0]) == 1, json.dumps(answers[0])
    assert "Traceback" not in platform.workers[0].output(), platform.workers[0].output()
