"""The offline provider: answers, faults, delays and the ledger."""

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from headrace import Busy, Rejected, Unavailable
from headrace.provider import Call, ImageRequest, Offline, Provider, TextRequest
from headrace.usage import Usage
from jobs.states import Reason
from kinds.offline import OfflineProvider, parse_faults
from kinds.offline.writing.composer import write_story
from kinds.story import StoryOutline


def story(offline: Offline | None = write_story, seed: int = 1) -> TextRequest[StoryOutline]:
    facts = {"title": "My Story", "prompt": "a fox in the forest", "pages": 5}
    return TextRequest(Call("job-1", "outline"), "", facts, StoryOutline, seed, offline=offline)


def picture(step: str = "picture-1") -> ImageRequest:
    return ImageRequest(
        Call("job-1", step), "a fox", {"setting": "forest", "subjects": ["fox"]}, width=128, height=96, seed=1
    )


async def test_a_story_and_its_usage() -> None:
    provider: Provider = OfflineProvider()
    answer = await provider.text(story())
    assert isinstance(answer.value, StoryOutline)
    assert len(answer.value.pages) == 5
    assert answer.value.title == "My Story"
    assert answer.usage == Usage("offline", "composer-1")
    assert answer == await provider.text(story())
    await provider.aclose()


async def test_a_picture_and_its_usage() -> None:
    image = await OfflineProvider().image(picture())
    assert image.png.startswith(b"\x89PNG")
    assert image.usage == Usage("offline", "illustrator-1", images=1)
    assert image.stand_ins == []


async def test_a_step_without_an_offline_answer_is_rejected_by_name() -> None:
    with pytest.raises(Rejected, match="step 'outline' has no offline answer: pass `offline`") as caught:
        await OfflineProvider().text(story(offline=None))
    assert caught.value.reason is Reason.PROVIDER_REJECTED


async def test_faults_fall_on_the_calls_they_name() -> None:
    provider = OfflineProvider(faults=parse_faults("1:busy,3:unavailable,4:rejected"))
    with pytest.raises(Busy) as caught:
        await provider.image(picture())
    assert caught.value.retry_after == timedelta(seconds=1)
    assert (await provider.image(picture())).png
    with pytest.raises(Unavailable):
        await provider.text(story())
    with pytest.raises(Rejected):
        await provider.text(story())
    assert (await provider.text(story())).value


def test_faults_are_parsed() -> None:
    assert parse_faults("3:busy, 5:unavailable,7:rejected") == {3: "busy", 5: "unavailable", 7: "rejected"}
    assert parse_faults("") == {}


@pytest.mark.parametrize("text", ["3", "0:busy", "-1:busy", "x:busy", "3:late", "3:busy;4:busy", "²:busy"])
def test_a_fault_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a fault"):
        parse_faults(text)


async def test_every_call_that_starts_is_in_the_ledger(tmp_path: Path) -> None:
    """Also the one that fails: the ledger counts what was asked, not what was answered."""
    ledger = tmp_path / "calls.jsonl"
    first, second = OfflineProvider(ledger=ledger, faults={1: "busy"}), OfflineProvider(ledger=ledger)
    with pytest.raises(Busy):
        await first.text(story())
    await asyncio.gather(*(second.image(picture(f"picture-{n}")) for n in range(4)))
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [(line["job"], line["step"], line["kind"]) for line in lines] == [
        ("job-1", "outline", "text"),
        *(("job-1", f"picture-{n}", "image") for n in range(4)),
    ]
    assert {line["pid"] for line in lines} == {os.getpid()}
    assert all(line["at"].endswith("+00:00") for line in lines)


async def test_a_delayed_call_can_be_cancelled() -> None:
    call = asyncio.create_task(OfflineProvider(delay=timedelta(hours=1)).text(story()))
    await asyncio.sleep(0)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_drawing_does_not_hold_the_event_loop() -> None:
    """While a picture is drawn, other coroutines go on."""
    drawing = asyncio.create_task(OfflineProvider().image(picture()))
    turns = 0
    while not drawing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 5
