"""What a pipeline is given: steps that are made once, maps that waste nothing, and a clean end when told to stop."""

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from headrace import Interrupted, JobContext, Reason, Step
from headrace.errors import (
    Busy,
    ItemChanged,
    PipelineExited,
    SavedByNewerVersion,
    SavedStepMismatch,
    StepNameReused,
    StepTooLarge,
    Unavailable,
    UndeclaredResult,
    WrongStepResult,
)
from jobs.errors import LeaseLost
from jobs.files import FileStore
from jobs.leases import Claim, Lease
from jobs.model import FileRef, Progress, Reused
from jobs.steps import SavedStep
from jobs.store import JobStore
from tasks.engine.backend import LeasedJob, Tools
from tests.support.inspector import Inspector
from tests.support.next_attempt import never, next_attempt


async def test_a_saved_step_is_not_made_again(context: JobContext, claim: Claim, tools: Tools) -> None:
    calls: Counter[str] = Counter()

    async def call(step: Step) -> list[int]:
        calls[step.call.step] += 1
        return [1, 2]

    assert await context.step("numbers", call, list[int]) == [1, 2]
    assert await (await next_attempt(claim, tools)).step("numbers", call, list[int]) == [1, 2]
    assert calls == {"numbers": 1}


class Page(BaseModel):
    number: int
    tags: frozenset[str] = frozenset()


async def _number(_: Step) -> int:
    return 1


async def test_the_type_of_a_result_is_the_one_its_function_declares(
    context: JobContext, claim: Claim, tools: Tools
) -> None:
    async def make(_: Step) -> Page:
        return Page(number=1)

    assert await context.step("page", make) == Page(number=1)
    assert await (await next_attempt(claim, tools)).step("page", make) == Page(number=1)


async def test_a_function_that_does_not_say_what_it_returns_is_told_so(context: JobContext) -> None:
    async def make(_: Step):  # noqa: ANN202  # the fault
        return 1

    with pytest.raises(UndeclaredResult, match="step 'page' does not say what it returns"):
        await context.step("page", make)


async def test_two_steps_of_one_name_are_refused(context: JobContext) -> None:
    await context.step("page", _number)
    with pytest.raises(StepNameReused, match="two steps are named 'page'") as raised:
        await context.step("page", _number)
    assert raised.value.stage == "page"


async def test_a_step_that_failed_may_be_tried_again_by_the_pipeline(context: JobContext) -> None:
    async def fail(_: Step) -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as raised:
        await context.step("page", fail)
    assert context.stage_of(raised.value) == "page"
    assert await context.step("page", _number) == 1


async def test_a_value_that_does_not_fit_its_type_is_not_saved(context: JobContext, claim: Claim, tools: Tools) -> None:
    async def make(_: Step) -> Page:
        return Page.model_construct(number="seven")  # pyright: ignore[reportArgumentType]  # the fault

    with pytest.raises(
        WrongStepResult, match=r"step 'page' returned a value that does not fit its type Page: number: "
    ):
        await context.step("page", make)
    assert await _steps(claim, tools) == {}


async def test_a_step_returns_what_a_later_attempt_would_get(context: JobContext) -> None:
    async def make(_: Step) -> tuple[int, ...]:
        return [1, 2]  # pyright: ignore[reportReturnType]  # a list, as JSON has it

    assert await context.step("numbers", make) == (1, 2)


async def test_a_saved_value_that_no_longer_fits_names_its_step(
    context: JobContext, claim: Claim, tools: Tools
) -> None:
    await context.step("page", _number)

    async def make(_: Step) -> Page:
        return Page(number=1)

    with pytest.raises(SavedStepMismatch, match="step 'page' was saved by another version") as raised:
        await (await next_attempt(claim, tools)).step("page", make)
    assert raised.value.reason == "saved_step_mismatch"


async def test_an_item_that_comes_before_others_in_a_later_attempt_is_noticed(
    context: JobContext, claim: Claim, tools: Tools
) -> None:
    async def number(_: Step, item: Page) -> int:
        return item.number

    pages = [Page(number=1, tags=frozenset({"a", "b"})), Page(number=2)]
    await context.map("page", pages, number)
    assert await (await next_attempt(claim, tools)).map("page", pages, number) == [1, 2]
    again = await tools.store.claim(claim.job.id, worker="tests", token="again")  # noqa: S106  # not a secret
    assert isinstance(again, Claim)
    with pytest.raises(ItemChanged, match="step 'page:1' was saved for another item"):
        await JobContext(LeasedJob(again.lease, tools), again.steps).map("page", [Page(number=0), *pages], number)


async def test_sys_exit_in_a_step_is_a_fault_of_the_pipeline(context: JobContext) -> None:
    async def leave(_: Step) -> int:
        sys.exit(3)

    with pytest.raises(PipelineExited, match=r"sys\.exit\(\) was called"):
        await context.step("page", leave)


async def test_steps_of_a_newer_version_are_not_touched(context: JobContext, claim: Claim, tools: Tools) -> None:
    newer = JobContext(LeasedJob(claim.lease, tools), {}, version=2)
    await newer.step("page", _number)
    with pytest.raises(SavedByNewerVersion, match="version 2 of the kind, and this worker has version 1"):
        await next_attempt(claim, tools)
    assert context.files == []


async def test_a_saved_step_tells_its_phase(context: JobContext, claim: Claim, tools: Tools) -> None:
    """By the order in which the pipeline came to it, in later attempts too."""

    async def one(step: Step) -> str:
        return step.call.step

    await context.step("outline", one, str)
    await context.map("page", [1, 2], lambda step, _: one(step), str)
    again = await next_attempt(claim, tools)
    for name in ("outline", "page:1", "page:3", "book:pdf", "book:html"):
        await again.step(name, one, str)
    saved = {name: SavedStep.model_validate_json(text).phase for name, text in (await _steps(claim, tools)).items()}
    assert saved == {"outline": 0, "page:1": 1, "page:2": 1, "page:3": 1, "book:pdf": 2, "book:html": 2}


async def _steps(claim: Claim, tools: Tools) -> dict[str, str]:
    return await Inspector(tools.store.redis).steps(claim.job.id)


async def test_files_and_usage_of_saved_steps_are_those_of_the_job(
    context: JobContext, claim: Claim, tools: Tools
) -> None:
    """Used once, although the next attempt has it too; what that did not have to pay for is said apart."""

    async def call(step: Step) -> str:
        image = await step.image("a fox", scene={"setting": "forest", "subjects": ["fox"]})
        return (await step.keep("fox.png", image.png, "image/png")).name

    await context.map("draw", ["a", "b"], lambda step, _: call(step), str)
    again = await next_attempt(claim, tools)
    await again.step("draw:1", never, str)
    job = await tools.store.get(claim.job.id)
    assert [(item.images, item.calls, item.cost) for item in job.usage] == [(2, 2, 0.0)]
    assert (context.reused, again.reused) == (Reused(), Reused(steps=1))
    assert [ref.name for ref in again.files] == ["fox.png", "fox.png"]


async def test_a_step_that_is_too_large_to_keep_says_so(context: JobContext) -> None:
    async def call(_: Step) -> str:
        return "x" * 300_000

    with pytest.raises(StepTooLarge, match="step 'big': "):
        await context.step("big", call, str)


async def test_the_size_of_a_step_is_in_bytes(context: JobContext) -> None:
    async def call(_: Step) -> str:
        return "\u00e9" * 200_000

    with pytest.raises(StepTooLarge, match="step 'big': 400"):
        await context.step("big", call, str)


async def test_a_step_of_a_lost_job_is_not_saved(context: JobContext, claim: Claim, store: JobStore) -> None:
    async def call(_: Step) -> int:
        await store.cancel(claim.job.id)
        return 1

    with pytest.raises(LeaseLost):
        await context.step("late", call, int)


async def test_counts_stay_until_others_are_told(
    context: JobContext, claim: Claim, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.context.PROGRESS_EVERY", 0)
    await context.progress(0.5, "half", counts={"total": 2, "done": 1})
    await context.progress(0.6, "more")
    progress = (await tools.store.get(claim.job.id)).progress
    assert (progress.phase, progress.counts) == ("more", {"total": 2, "done": 1})


async def test_a_draining_run_begins_no_step_but_ends_those_in_flight(context: JobContext) -> None:
    begun: list[int] = []

    async def call(_: Step, item: int) -> int:
        begun.append(item)
        context.draining = True
        return item

    with pytest.raises(Interrupted):
        await context.map("page", range(10), call, int)
    assert set(begun) <= {0, 1, 2, 3}


async def test_a_short_wait_is_taken_in_the_step_and_a_long_one_is_not(context: JobContext) -> None:
    asked = 0

    async def refuse(seconds: float) -> int:
        nonlocal asked
        asked += 1
        if asked == 2:
            return asked
        raise Busy("too often", retry_after=timedelta(seconds=seconds))

    async def short(step: Step) -> int:
        return await step.ask(lambda: refuse(0.01))

    async def long(step: Step) -> int:
        return await step.ask(lambda: refuse(3600))

    assert await context.step("short", short, int) == 2
    asked = 0
    with pytest.raises(Busy) as raised:
        await context.step("long", long, int)
    assert (asked, raised.value.stage) == (1, "long")


async def test_a_provider_that_stays_away_is_given_up_after_a_few_tries(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.step.FIRST_WAIT", timedelta(milliseconds=1))
    asked = 0

    async def fail() -> int:
        nonlocal asked
        asked += 1
        raise Unavailable("away")

    async def call(step: Step) -> int:
        return await step.ask(fail)

    with pytest.raises(Unavailable):
        await context.step("away", call, int)
    assert asked == 4


def _break(files: Path) -> None:
    """A file where the file store has its folder: nothing can be read or written there."""
    files.rename(files.with_name("away"))
    files.touch()


def _mend(files: Path) -> None:
    files.unlink()
    files.with_name("away").rename(files)


async def _keep(step: Step) -> FileRef:
    return await step.keep("note.txt", b"paid for", "text/plain")


async def test_a_file_is_kept_once_the_file_store_works_again(
    context: JobContext, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.step.FIRST_WAIT", timedelta(milliseconds=1))
    put = FileStore.put

    async def put_and_mend(store: FileStore, job_id: str, name: str, data: bytes, content_type: str) -> FileRef:
        try:
            return await put(store, job_id, name, data, content_type)
        except Exception:
            _mend(tmp_path / "files")
            raise

    monkeypatch.setattr(FileStore, "put", put_and_mend)
    _break(tmp_path / "files")
    ref = await context.step("note", _keep, FileRef)
    assert await tools.files.get(ref) == b"paid for"


async def test_a_file_store_that_stays_away_is_no_fault_of_the_pipeline(
    context: JobContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt ends as with a provider that is away, and another follows."""
    monkeypatch.setattr("headrace.step.FIRST_WAIT", timedelta(milliseconds=1))
    ref = await context.step("note", _keep, FileRef)
    _break(tmp_path / "files")
    with pytest.raises(Unavailable, match="HEADRACE_FILES_URL") as raised:
        await context.step("again", _keep, FileRef)
    assert (raised.value.stage, raised.value.reason) == ("again", Reason.FILES_UNAVAILABLE)
    with pytest.raises(Unavailable, match="HEADRACE_FILES_URL"):
        await context.load(ref)


async def test_a_lease_lost_while_progress_is_told_is_raised_as_such(
    context: JobContext, store: JobStore, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = store.progress

    async def tell_too_late(lease: Lease, progress: Progress) -> None:
        await store.cancel(claim.job.id)
        await tell(lease, progress)

    monkeypatch.setattr(store, "progress", tell_too_late)

    async def one(_: Step, item: int) -> int:
        return item

    with pytest.raises(LeaseLost):
        await context.map("page", [1, 2, 3], one, int)
