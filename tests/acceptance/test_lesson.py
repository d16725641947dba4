"""A lesson through REST and real processes."""

import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from tests.support.films import loudness, read_captions, read_film
from tests.support.platform import NewPlatform, Platform
from tests.support.stalling_ffmpeg import StallingFfmpeg
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

SOURCE = "Whales breathe air through a blowhole. A sperm whale stays down for 60 minutes."
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
    assert result["not_made"]["images"] == 1
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


async def test_a_video_killed_while_it_is_filmed_goes_on_from_its_speech(
    new_platform: NewPlatform, tmp_path: Path
) -> None:
    """Text, pictures, slides and speech are made once; the film is whole, as long as it says, heard and captioned."""
    ffmpeg = StallingFfmpeg(tmp_path)
    platform = new_platform(**ffmpeg.settings)
    await platform.start()
    job_id = await post_lesson(platform, modality="video")
    await wait_until(ffmpeg.hangs, within=20, what="the film is begun")
    made = {path: path.stat().st_mtime_ns for path in (platform.folder / "files").rglob("*.*")}
    os.kill(platform.workers[0].child, signal.SIGKILL)
    job = await platform.until_state(job_id, "completed", within=30)
    assert job["attempt"] == 2
    assert platform.ledger.steps(job_id) == ["lesson", "picture:1"]
    saved = await steps(platform, job_id)
    assert len(saved) == len(set(saved))
    assert {path: path.stat().st_mtime_ns for path in made} == made

    video = job["result"]["video"]
    (tmp_path / "lesson.mp4").write_bytes(await fetch(platform, job_id, "lesson.mp4"))
    film = read_film(tmp_path / "lesson.mp4")
    assert [stream.split()[1] for stream in film.streams] == ["h264", "aac", "mov_text"]
    assert "1280x720" in film.streams[0]
    assert abs(film.seconds - video["seconds"]) < 0.1
    captions = read_captions((await fetch(platform, job_id, "captions.vtt")).decode())
    assert captions[0].text == "How whales live."
    assert captions[-1].end < film.seconds
    assert all(loudness(film.audio, caption.start, caption.end) > 0.01 for caption in captions)
    pauses = [(one.end, two.start) for one, two in pairwise(captions) if two.start - one.end > 0.3]
    assert len(pauses) > 5
    assert all(loudness(film.audio, start + 0.1, end - 0.1) < 0.002 for start, end in pauses)
    assert len(video["slides"]) == sum(step.startswith("speech:") for step in saved)


async def test_a_video_is_cancelled_within_2_seconds(new_platform: NewPlatform, tmp_path: Path) -> None:
    """And ffmpeg is gone by then."""
    ffmpeg = StallingFfmpeg(tmp_path)
    platform = new_platform(**ffmpeg.settings)
    await platform.start()
    job_id = await post_lesson(platform, modality="video")
    await wait_until(ffmpeg.hangs, within=20, what="the film is begun")
    next_id = await post_lesson(platform)
    watch = Stopwatch()
    assert (await platform.client.post(f"/jobs/{job_id}/cancel")).json()["state"] == "cancelled"
    await wait_until(ffmpeg.is_gone, within=5, what="ffmpeg has ended")
    await wait_until(lambda: platform.ledger.steps(next_id), within=5, what="the next job runs")
    assert watch.took.net < 2
    assert (await platform.job(job_id))["state"] == "cancelled"
