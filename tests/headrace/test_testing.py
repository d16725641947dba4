"""headrace.testing: what it shows of a run, and that it holds a pipeline to what the engine holds it to."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel, Field, ValidationError

from headrace import FileRef, GeneratedInput, JobContext, Kind, Rejected, Step
from headrace.errors import PipelineExited, StepNameReused, WrongResult
from headrace.provider import Answer, Image, ImageRequest, Text, TextRequest
from headrace.testing import CallMade, Crashed, run_kind
from headrace.usage import Usage


class Input(GeneratedInput):
    topic: str
    parts: int = Field(default=3, ge=1)


class Words(BaseModel):
    words: str


class Result(BaseModel):
    provider: str
    parts: list[str]
    file: FileRef


def _offline(facts: Mapping[str, Any], _seed: int) -> Words:
    return Words(words=f"{facts['topic']} {facts.get('part', '')}".strip())


async def _make(job: JobContext, input: Input) -> Result:  # noqa: A002  # as everywhere
    async def outline(step: Step) -> Words:
        return await step.text("Plan it.", facts={"topic": input.topic}, answer=Words, offline=_offline)

    async def write(step: Step, part: int) -> Words:
        facts = {"topic": plan.words, "part": part}
        return await step.text("Write it.", facts=facts, answer=Words, offline=_offline)

    async def bind(step: Step) -> FileRef:
        return await step.keep("all.txt", "\n".join(part.words for part in parts).encode(), "text/plain")

    plan = await job.step("outline", outline)
    await job.progress(0.1, "part", counts={"total": input.parts})
    parts = await job.map("part", range(1, input.parts + 1), write, span=(0.1, 0.9))
    file = await job.step("file", bind)
    return Result(provider=job.provider, parts=[part.words for part in parts], file=file)


KIND = Kind(name="essay", path="/essays", input=Input, result=Result, summary="An essay", make=_make)
ONE_AT_A_TIME = {"concurrency": 1}
STEPS = ["outline", "part:1", "part:2", "part:3", "file"]


async def test_a_run_shows_what_was_made_and_asked() -> None:
    run = await run_kind(KIND, {"topic": "Tides"}, settings=ONE_AT_A_TIME)
    assert run.result.parts == ["Tides 1", "Tides 2", "Tides 3"]
    assert run.steps == STEPS
    assert run.reused == []
    assert run.calls == [CallMade(step, "offline", "composer-1") for step in STEPS[:-1]]
    assert run.files == {"all.txt": b"Tides 1\nTides 2\nTides 3"}
    assert run.progress[0].phase == "part"
    assert run.counts == {"total": 3}


@pytest.mark.parametrize("number", range(len(STEPS)))
async def test_a_resumed_run_pays_no_saved_step_again(number: int) -> None:
    run = await run_kind(KIND, {"topic": "Tides"}, settings=ONE_AT_A_TIME, fail_at=STEPS[number], resume=True)
    assert run.steps == STEPS, "each made once"
    assert run.reused == STEPS[:number]
    assert [call.step for call in run.calls] == STEPS[:-1]
    assert run.files == {"all.txt": b"Tides 1\nTides 2\nTides 3"}


async def test_a_run_that_crashes_after_its_last_step_makes_nothing_anew() -> None:
    run = await run_kind(KIND, {"topic": "Tides"}, settings=ONE_AT_A_TIME, resume=True)
    assert run.steps == run.reused == STEPS


async def test_a_crash_without_a_second_attempt_says_what_was_saved() -> None:
    with pytest.raises(Crashed, match="crashed at step 'part:2', as the test asked; saved by then: outline, part:1"):
        await run_kind(KIND, {"topic": "Tides"}, settings=ONE_AT_A_TIME, fail_at="part:2")


async def test_a_crash_cannot_be_caught_by_the_pipeline_and_leaves_nothing_running() -> None:
    async def make(job: JobContext, input: Input) -> Result:  # noqa: A002  # as everywhere
        try:
            return await _make(job, input)
        except Exception:  # noqa: BLE001  # the point
            pytest.fail("a process that is killed runs no handler")

    kind = Kind(name="essay", path="/essays", input=Input, result=Result, summary="An essay", make=make)
    with pytest.raises(Crashed):
        await run_kind(kind, {"topic": "Tides"}, fail_at="part:2")
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_step_that_is_never_reached_is_no_test() -> None:
    with pytest.raises(AssertionError, match="step 'part:4' was never reached; made: outline, part:1"):
        await run_kind(KIND, {"topic": "Tides"}, settings=ONE_AT_A_TIME, fail_at="part:4", resume=True)


async def test_a_step_whose_name_changes_is_found_out() -> None:
    async def make(job: JobContext, input: Input) -> Words:  # noqa: A002  # as everywhere
        async def write(_: Step) -> Words:
            return Words(words=input.topic)

        return await job.step(f"write-{uuid4()}", write)

    kind = Kind(name="essay", path="/essays", input=Input, result=Words, summary="An essay", make=make)
    with pytest.raises(AssertionError, match="a step's name must be the same in every attempt"):
        await run_kind(kind, {"topic": "Tides"}, resume=True)


class Vendor:
    """A provider as an author may write one for a test."""

    name = "vendor"
    text_model = "words-1"
    image_model = "none"

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        return Text(request.answer.model_validate({"words": "from a vendor"}), Usage(self.name, self.text_model))

    async def image(self, request: ImageRequest) -> Image:
        raise Rejected(f"no pictures of {request.prompt}")

    async def aclose(self) -> None:
        """Nothing is held open."""


async def test_another_provider_answers_whoever_the_input_names() -> None:
    run = await run_kind(KIND, {"topic": "Tides", "parts": 1}, provider=Vendor())
    assert (run.result.provider, run.result.parts) == ("vendor", ["from a vendor"])
    run = await run_kind(KIND, {"topic": "Tides", "parts": 1, "provider": "openai", "model": "m-1"}, provider=Vendor())
    assert (run.result.provider, run.result.parts) == ("openai", ["from a vendor"])
    assert {call.model for call in run.calls} == {"m-1"}


async def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_PROVIDER", "openai")
    monkeypatch.setenv("HEADRACE_CONCURRENCY", "none")
    assert (await run_kind(KIND, {"topic": "Tides"})).result.provider == "offline"


@pytest.mark.parametrize("settings", [{"concurrency": 0}, {"concurency": 1}])
async def test_settings_that_cannot_be_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="conc"):
        await run_kind(KIND, {"topic": "Tides"}, settings=settings)


async def test_an_input_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValidationError, match="topic"):
        await run_kind(KIND, {"parts": 1})


async def test_a_pipeline_reads_the_uploads_that_its_input_names() -> None:
    async def make(job: JobContext, input: Input) -> Words:  # noqa: A002  # as everywhere
        return Words(words=(await job.upload(input.topic)).decode())

    kind = Kind(name="essay", path="/essays", input=Input, result=Words, summary="An essay", make=make)
    run = await run_kind(kind, {"topic": "an-id"}, uploads={"an-id": b"from a client"})
    assert run.result.words == "from a client"


async def _returns_nothing(_job: JobContext, _input: Input) -> Any:  # noqa: ANN401  # the fault
    return None


async def _exits(_job: JobContext, _input: Input) -> Words:
    raise SystemExit(3)


async def _repeats(job: JobContext, _input: Input) -> Words:
    async def write(_: Step) -> Words:
        return Words(words="once")

    await job.step("write", write)
    return await job.step("write", write)


@pytest.mark.parametrize(
    ("make", "error"), [(_returns_nothing, WrongResult), (_exits, PipelineExited), (_repeats, StepNameReused)]
)
async def test_wrong_code_is_told_as_by_a_worker(make: Any, error: type[Exception]) -> None:  # noqa: ANN401
    kind = Kind(name="essay", path="/essays", input=Input, result=Words, summary="An essay", make=make)
    with pytest.raises(error):
        await run_kind(kind, {"topic": "Tides"})
