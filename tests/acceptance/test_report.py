"""A report through REST and real processes: made, killed and finished, cancelled, and a section made anew."""

import io
import os
import signal
from collections import Counter
from typing import Any

import docx
import httpx
import pytest

from tests.support.platform import NewPlatform, Platform
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

SOURCE = "\n\n".join(
    f"# Part {part}\n\n" + " ".join(f"The {noun} number {part}{n} lost {n} messages of part {part}." for n in range(8))
    for part, noun in enumerate(["queue", "worker", "broker", "lease"], 1)
)
REPORT = {"topic": "Why messages get lost", "source": SOURCE, "sections": 4}
SECTIONS = [f"section:{number}" for number in range(1, 5)]


@pytest.fixture
def quick(new_platform: NewPlatform) -> Platform:
    return new_platform()


async def _post(platform: Platform, body: dict[str, Any]) -> str:
    response = await platform.client.post("/reports", json=body)
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    return str(response.json()["id"])


async def _file(platform: Platform, job_id: str, name: str) -> bytes:
    response = await platform.client.get(f"/jobs/{job_id}/files/{name}")
    assert response.is_success, response.text
    return response.content


async def test_a_report_is_made_and_a_section_of_it_made_anew(quick: Platform) -> None:
    """One call for the section; the rest, files of the first job included, is taken over."""
    await quick.start()
    first_id = await _post(quick, REPORT)
    first = await quick.until_state(first_id, "completed", within=60)
    assert Counter(quick.ledger.steps(first_id)) == Counter(["outline", *SECTIONS])
    assert [file["name"] for file in first["files"]] == ["report.docx", "report.md", "report.pdf"]
    assert (await _file(quick, first_id, "report.pdf")).startswith(b"%PDF-")
    assert "without AI" in (await _file(quick, first_id, "report.md")).decode()
    assert "References" in [
        p.text for p in docx.Document(io.BytesIO(await _file(quick, first_id, "report.docx"))).paragraphs
    ]

    asked = {"from_step": "section:3", "seed": 5}
    response = await quick.client.post(f"/jobs/{first_id}/retry", json=asked)
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    second_id = response.json()["id"]
    second = await quick.until_state(second_id, "completed", within=60)
    assert quick.ledger.steps(second_id) == ["section:3"]
    before, after = first["result"]["sections"], second["result"]["sections"]
    assert [before[n]["paragraphs"][0][0]["text"] for n in (0, 1, 3)] == [
        after[n]["paragraphs"][0][0]["text"] for n in (0, 1, 3)
    ]
    assert after[2] != before[2]

    response = await quick.client.post(f"/jobs/{second_id}/retry", json={"from_step": "document:pdf"})
    third_id = response.json()["id"]
    third = await quick.until_state(third_id, "completed", within=60)
    assert quick.ledger.steps(third_id) == []
    assert {file["key"].partition("/")[0] for file in third["files"]} == {second_id, third_id}
    assert await _file(quick, third_id, "report.md") == await _file(quick, second_id, "report.md")


async def test_a_killed_report_goes_on_without_repeating_saved_steps(platform: Platform) -> None:
    await platform.start()
    job_id = await _post(platform, REPORT)
    saved = await platform.until_steps(job_id, 3)
    os.kill(platform.workers[0].child, signal.SIGKILL)
    await platform.until_state(job_id, "completed", within=30)
    calls = Counter(platform.ledger.steps(job_id))
    assert set(calls) == {"outline", *SECTIONS}
    assert {step: calls[step] for step in saved} == dict.fromkeys(saved, 1)
    assert calls.total() <= 6


async def test_a_cancelled_report_stops_within_2_seconds(new_platform: NewPlatform) -> None:
    slow = new_platform(HEADRACE_OFFLINE_DELAY="100")
    await slow.start()
    job_id = await _post(slow, {"topic": "Bees"})
    await wait_until(lambda: slow.ledger.steps(job_id), within=10, what="the provider is asked")
    next_id = await _post(slow, {"topic": "Wasps"})
    watch = Stopwatch()
    await slow.client.post(f"/jobs/{job_id}/cancel")
    await slow.until_state(next_id, "running", within=5)
    assert watch.took.net < 2
    assert (await slow.job(job_id))["state"] == "cancelled"
