"""The pipeline in this process: what a text does not call, and what a worker without the extra `video` says."""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from headrace import JobContext
from jobs import kinds
from jobs.leases import Claim
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from kinds.lesson import LessonInput
from kinds.lesson import pipeline as lesson
from kinds.lesson.video import production
from tasks.engine.attempt import Attempt
from tasks.engine.backend import LeasedJob, Tools
from tasks.engine.lease import LeaseThread

ASKED = {
    "topic": "How whales live",
    "source": "A whale breathes air through a blowhole.",
    "minutes": 1,
}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"offline_ledger": tmp_path / "ledger"})


@pytest.fixture
async def claim(store: JobStore) -> Claim:
    created = await store.create(NewJob(kinds.get("lesson"), ASKED | {"modality": "video"}))
    claim = await store.claim(created.job_id, worker="tests", token="tests")  # noqa: S106  # not a secret
    assert isinstance(claim, Claim)
    return claim


@pytest.fixture
async def leases(tools: Tools) -> AsyncIterator[LeaseThread]:
    thread = LeaseThread(tools.settings)
    yield thread
    thread.close()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> "Counted":
    return Counted(monkeypatch, settings)


class Counted:
    """Calls of everything that a lesson may need, by what they make."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        self._ledger = settings.offline_ledger
        self._local: Counter[str] = Counter()
        for name in ("render_pages", "speak", "make_film"):
            monkeypatch.setattr(production, name, self._counting(name, getattr(production, name)))

    def _counting(self, name: str, call: Any) -> Any:  # noqa: ANN401  # whatever it counts
        def counting(*args: Any, **options: Any) -> Any:  # noqa: ANN401  # the same
            self._local[name] += 1
            return call(*args, **options)

        return counting

    def calls(self) -> dict[str, int]:
        lines = self._ledger.read_text().splitlines() if self._ledger and self._ledger.exists() else []
        return dict(self._local + Counter(json.loads(line)["kind"] for line in lines))


async def test_a_text_makes_one_call_and_says_what_it_saved(context: JobContext, counted: Counted) -> None:
    result = await lesson.make(context, LessonInput.model_validate(ASKED))
    assert counted.calls() == {"text": 1}
    assert result.video is None
    assert result.not_made is not None


@pytest.mark.slow
async def test_a_video_makes_what_the_text_of_the_same_lesson_says_it_saved(
    context: JobContext, claim: Claim, tools: Tools, counted: Counted
) -> None:
    saved = (await lesson.make(context, LessonInput.model_validate(ASKED))).not_made
    await tools.store.hand_back(claim.lease)
    again = await tools.store.claim(claim.job.id, worker="tests", token="again")  # noqa: S106  # not a secret
    assert isinstance(again, Claim)
    video = JobContext(LeasedJob(again.lease, tools), again.steps)
    result = await lesson.make(video, LessonInput.model_validate(ASKED | {"modality": "video"}))
    assert saved is not None
    assert saved.images > 0
    assert counted.calls() == {
        "text": 1,
        "image": saved.images,
        "render_pages": 1,
        "speak": saved.slides,
        "make_film": 1,
    }
    assert result.not_made is None
    assert result.video is not None
    assert len(result.video.slides) == saved.slides
    assert result.video.seconds == pytest.approx(saved.video_seconds, rel=0.15)


@pytest.mark.parametrize("library", ["hibari", "imageio_ffmpeg"])
async def test_without_the_extra_a_video_fails_at_once_and_costs_nothing(
    claim: Claim, tools: Tools, leases: LeaseThread, counted: Counted, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert str(await Attempt(claim, kinds.get("lesson"), tools).run(leases)) == "failed: input_rejected"
    job = await tools.store.get(claim.job.id)
    assert job.state is State.FAILED
    assert job.error is not None
    assert "pip install 'headrace[worker,video]'" in job.error.message
    assert counted.calls() == {}


async def test_without_an_ffmpeg_a_video_fails_at_once_and_costs_nothing(
    claim: Claim, tools: Tools, leases: LeaseThread, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nowhere/ffmpeg")
    assert str(await Attempt(claim, kinds.get("lesson"), tools).run(leases)) == "failed: input_rejected"
    job = await tools.store.get(claim.job.id)
    assert job.error is not None
    assert "no ffmpeg" in job.error.message
    assert counted.calls() == {}
