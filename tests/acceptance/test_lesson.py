"""A lesson through REST and real processes."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx

from tests.support.platform import NewPlatform, Platform
from tests.support.waiting import wait_until

SOURCE = """# Breathing

Whales breathe air through a blowhole. A sperm whale stays down for 60 minutes.

# Food

A blue whale eats 4 tonnes of krill a day. Toothed whales catch squid."""
LESSON = {"topic": "How whales live", "audience": "children", "source": SOURCE, "minutes": 1}


async def post_lesson(platform: Platform, **changes: Any) -> str:  # noqa: ANN401  # any JSON value
    response = await platform.client.post("/lessons", json=LESSON | changes)
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    return str(response.json()["id"])


async def fetch(platform: Platform, job_id: str, name: str) -> bytes:
    response = await platform.client.get(f"/jobs/{job_id}/files/{name}")
    assert response.is_success, response.text
    return response.content


def speech_is_loaded(platform: Platform) -> bool:
    """Whether the child that runs the jobs has the library that speaks in its memory."""
    return "onnxruntime" in Path(f"/proc/{platform.workers[0].child}/maps").read_text()


async def steps(platform: Platform, job_id: str) -> list[str]:
    return [event["data"]["step"] for event in await platform.events(job_id) if event["event"] == "step"]


async def test_a_text_makes_no_picture_speech_or_video_and_says_what_that_saved(new_platform: NewPlatform) -> None:
    platform = new_platform()
    await platform.start()
    job_id = await post_lesson(platform)
    job = await platform.until_state(job_id, "completed", within=20)
    result = job["result"]
    assert platform.ledger.steps(job_id) == ["lesson"]
    assert [item["images"] for item in job["usage"]] == [0]
    assert await steps(platform, job_id) == ["lesson", "document:md", "document:html"]
    assert not speech_is_loaded(platform)
    assert result["video"] is None
    assert result["not_made"]["images"] == 2
    assert result["not_made"]["video_seconds"] > result["not_made"]["speech_seconds"] > 10
    assert [file["name"] for file in job["files"]] == ["lesson.html", "lesson.md"]
    assert "without AI" in (await fetch(platform, job_id, "lesson.md")).decode()
    assert b"blowhole" in await fetch(platform, job_id, "lesson.html")


async def test_a_text_killed_while_it_is_written_is_finished(platform: Platform) -> None:
    await platform.start()
    job_id = await post_lesson(platform)
    await wait_until(lambda: platform.ledger.steps(job_id), within=10, what="the words are asked for")
    os.kill(platform.workers[0].child, signal.SIGKILL)
    job = await platform.until_state(job_id, "completed", within=30)
    assert job["attempt"] == 2
    assert platform.ledger.steps(job_id) == ["lesson", "lesson"]
    assert await steps(platform, job_id) == ["lesson", "document:md", "document:html"]
