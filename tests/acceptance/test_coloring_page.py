"""Coloring pages end to end: from words and from pictures, through faults, on real processes."""

import io
import os
import signal
from collections import Counter
from typing import Any

import pypdf
import pytest
from PIL import Image

from tests.support.pictures import encoded, photo, shaded_drawing
from tests.support.platform import NewPlatform, Platform
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

PROMPT = "A dragon and a princess flying a kite by the castle"


async def upload(platform: Platform, data: bytes, content_type: str) -> str:
    response = await platform.client.post("/uploads", content=data, headers={"Content-Type": content_type})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def post_page(platform: Platform, **body: Any) -> str:  # noqa: ANN401  # any JSON value
    response = await platform.client.post("/coloring-pages", json=body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def fetch(platform: Platform, job_id: str, name: str) -> bytes:
    response = await platform.client.get(f"/jobs/{job_id}/files/{name}")
    assert response.status_code == 200
    return response.content


async def check_page(platform: Platform, job: dict[str, Any], *, title: str) -> None:
    """A picture at 300 dpi that is mostly white, and a sheet of one page for each paper."""
    picture = Image.open(io.BytesIO(await fetch(platform, job["id"], "coloring-page.png")))
    assert max(picture.size) > 2000
    assert round(picture.info["dpi"][0]) == 300
    assert 0.75 < sum(picture.histogram()[200:]) / (picture.width * picture.height) < 0.995
    for name, sides in (("coloring-page-a4.pdf", {595, 842}), ("coloring-page-letter.pdf", {612, 792})):
        [page] = pypdf.PdfReader(io.BytesIO(await fetch(platform, job["id"], name))).pages
        assert {round(float(page.mediabox.width)), round(float(page.mediabox.height))} == sides
        assert page.extract_text().strip() == title


async def test_words_and_pictures_become_pages(new_platform: NewPlatform) -> None:
    """A prompt, a noisy photo of a drawing, and a photo; each within the time a page may take."""
    platform = new_platform()
    await platform.start()
    job_id = await post_page(platform, prompt=PROMPT)
    job = await platform.until_state(job_id, "completed", within=20)
    assert job["result"]["source"] == "prompt"
    assert job["result"]["stand_ins"] == []
    assert [item["calls"] for item in job["usage"]] == [1, 1]
    await check_page(platform, job, title=PROMPT)

    drawing_id = await upload(platform, encoded(shaded_drawing(), "JPEG"), "image/jpeg")
    job_id = await post_page(platform, image=drawing_id, title="My *house* #1")
    job = await platform.until_state(job_id, "completed", within=20)
    assert job["result"]["source"] == "image"
    assert platform.ledger.steps(job_id) == ["art"]
    await check_page(platform, job, title="My *house* #1")

    photo_id = await upload(platform, encoded(photo(), "WEBP"), "image/webp")
    job_id = await post_page(platform, image=photo_id, detail="simple", paper="letter")
    job = await platform.until_state(job_id, "completed", within=20)
    assert [sheet["name"] for sheet in job["result"]["sheets"]] == ["coloring-page-letter.pdf"]


async def test_a_page_killed_in_the_middle_goes_on_after_its_last_saved_step(platform: Platform) -> None:
    await platform.start()
    job_id = await post_page(platform, prompt=PROMPT)
    await wait_until(lambda: "art" in platform.ledger.steps(job_id), within=20, what="the art is asked for")
    saved = await platform.until_steps(job_id, 1)
    assert saved == ["outline"]
    os.kill(platform.workers[0].child, signal.SIGKILL)
    job = await platform.until_state(job_id, "completed", within=30)
    assert job["attempt"] == 2
    assert Counter(platform.ledger.steps(job_id)) == {"outline": 1, "art": 2}
    steps = [event["data"]["step"] for event in await platform.events(job_id) if event["event"] == "step"]
    assert steps == ["outline", "art", "clean", "sheet"]


async def test_a_page_is_cancelled_within_2_seconds(new_platform: NewPlatform) -> None:
    """The worker is free for the next job by then."""
    platform = new_platform(HEADRACE_OFFLINE_DELAY="100")
    await platform.start()
    job_id = await post_page(platform, prompt=PROMPT)
    await wait_until(lambda: platform.ledger.steps(job_id), within=10, what="the provider is asked")
    next_id = await post_page(platform, prompt=PROMPT)
    watch = Stopwatch()
    assert (await platform.client.post(f"/jobs/{job_id}/cancel")).json()["state"] == "cancelled"
    await platform.until_state(next_id, "running", within=60)
    assert watch.took.net < 2
    assert (await platform.job(job_id))["state"] == "cancelled"


@pytest.mark.parametrize(
    ("data", "stage", "says"),
    [
        (encoded(photo())[:9000], "art", "Send a whole PNG"),
        (encoded(Image.new("RGB", (300, 200), "black")), "clean", "Send one with clearer outlines"),
        (None, "art", "Upload the picture again"),
    ],
    ids=["truncated", "black", "gone"],
)
async def test_a_picture_that_cannot_be_worked_with_fails_its_job_clearly(
    new_platform: NewPlatform, data: bytes | None, stage: str, says: str
) -> None:
    """At once and for good, with the stage and what to do."""
    platform = new_platform()
    await platform.start()
    upload_id = await upload(platform, data or encoded(photo()), "image/png")
    if data is None:
        (platform.folder / "files" / "uploads" / upload_id).unlink()
    job = await platform.until_state(await post_page(platform, image=upload_id), "failed", within=20)
    assert (job["state_reason"], job["error"]["stage"], job["attempt"]) == ("input_rejected", stage, 1)
    assert says in job["error"]["message"]
