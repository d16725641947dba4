"""Runs a pipeline within a test: no Redis, no HTTP, no Celery; what it keeps is in memory and gone with the test.

run = await run_kind(KIND, {"topic": "Tides"})
run = await run_kind(KIND, {"topic": "Tides"}, fail_at="part:2", resume=True)
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from pydantic_settings import PydanticBaseSettingsSource, SettingsConfigDict

from headrace.context import JobContext
from headrace.generated import GeneratedInput
from headrace.metered import Estimate, MeteredCall
from headrace.pipeline import run_pipeline
from headrace.provider import Call, Chosen, Provider
from headrace.step import Step
from jobs.files import FileStore
from jobs.kind import Kind
from jobs.model import FileRef, Progress, UsageItem
from jobs.settings import Settings
from jobs.uploads import file_of

Result = TypeVar("Result", bound=BaseModel)
T = TypeVar("T")

OFFLINE = "kinds.offline:OfflineProvider"
"""Who answers where a test names no provider; imported by the first run only."""


@dataclass(frozen=True)
class CallMade:
    """One call that was made to a model, of a provider or by `step.metered`."""

    step: str
    provider: str
    model: str


@dataclass(frozen=True)
class Run(Generic[Result]):
    """What a run made. Of a run that was resumed: of both its attempts together."""

    result: Result
    steps: list[str]
    """The steps that were made and saved, in the order in which they were."""
    reused: list[str]
    """The steps that the second attempt took from the first."""
    calls: list[CallMade]
    """Every call to the provider, those of the attempt that crashed included."""
    files: Mapping[str, bytes]
    progress: list[Progress]
    """As clients would see it: frequent calls are thinned out."""
    counts: Mapping[str, int] | None
    """What the job has counted when it completes."""


class Crashed(Exception):
    """The run ended at `fail_at`, as with a worker that is killed there. `steps` are those saved by then."""

    def __init__(self, step: str, steps: Sequence[str]) -> None:
        super().__init__(f"crashed at step {step!r}, as the test asked; saved by then: {_listed(steps)}")
        self.step = step
        self.steps = list(steps)


async def run_kind(  # noqa: PLR0913  # all but two by keyword
    kind: Kind[Any, Result],
    input: Mapping[str, Any],  # noqa: A002  # what it is called everywhere
    *,
    provider: Provider | None = None,
    settings: Mapping[str, Any] | None = None,
    uploads: Mapping[str, bytes] | None = None,
    fail_at: str | None = None,
    resume: bool = False,
) -> Run[Result]:
    """Runs the pipeline of `kind` on `input`, which is checked as the API would.

    `provider` answers every call, whoever the input names; None: the offline one. `settings` are fields of
    `jobs.settings.Settings` by name, `{"concurrency": 1}`; the environment's are not read. `uploads` are files that the
    input names by id. The run ends as a crash would when it reaches the step `fail_at`: with `resume` a second attempt
    goes on from what was saved, else Crashed is raised. `resume` alone crashes after the last step.

    Raises what the pipeline raises, pydantic's ValidationError for an input or a setting that cannot be, and
    AssertionError when `fail_at` is never reached, or when a step that was saved is not taken over: it would be paid
    again, because its name is not the same in every attempt.
    """
    body = kind.input.model_validate(input)
    memory = _Memory(provider or resolve_name(OFFLINE)(), _WithoutEnvironment.model_validate(settings or {}))
    for upload_id, data in (uploads or {}).items():
        await memory.files.put_at(file_of(upload_id).key, data, "application/octet-stream")
    job = _CrashingContext(kind, memory, {}, fail_at=fail_at)
    result = await _until_crash(run_pipeline(kind, job, body), job.crashed)
    if fail_at is not None and result is not None:
        raise AssertionError(f"step {fail_at!r} was never reached; made: {_listed(memory.steps)}")
    if fail_at is not None and not resume:
        raise Crashed(fail_at, memory.steps)
    reused: list[str] = []
    if resume:
        saved = dict(memory.saved)
        job = _CrashingContext(kind, memory, saved)
        result = await run_pipeline(kind, job, body)
        reused = [name for name in saved if name in job.begun]
        if lost := sorted(saved.keys() - job.begun):
            raise AssertionError(
                f"saved, and not asked for again when the job was resumed: {_listed(lost)};"
                " a step's name must be the same in every attempt"
            )
    assert result is not None, "the last attempt has no crash"
    result.model_dump(mode="json")
    files = {ref.name: await memory.files.get(ref) for ref in job.files}
    return Run(result, memory.steps, reused, memory.calls, files, memory.progress, job.counts)


async def _until_crash(work: Awaitable[T], crashed: asyncio.Event) -> T | None:
    """What `work` gives; None once it has crashed, with nothing of it left running."""
    running, crash = asyncio.ensure_future(work), asyncio.create_task(crashed.wait())
    try:
        await asyncio.wait({running, crash}, return_when=asyncio.FIRST_COMPLETED)
        return None if crashed.is_set() else await running
    finally:
        for task in (running, crash):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})


class _CrashingContext(JobContext):
    """Notes the steps that are begun, and goes no further than `fail_at`."""

    def __init__(
        self, kind: Kind[Any, Any], backend: "_Memory", saved: Mapping[str, str], *, fail_at: str | None = None
    ) -> None:
        super().__init__(backend, saved, version=kind.version, errors=kind.errors)
        self.crashed = asyncio.Event()
        self.begun: set[str] = set()
        self._fail_at = fail_at

    async def _step(self, name: str, call: Callable[[Step], Awaitable[T]], result: type[T], *, item: str | None) -> T:
        if name == self._fail_at:
            self.crashed.set()
            # No exception: the pipeline could catch it, and a process that is killed runs no handler.
            await asyncio.Event().wait()
        self.begun.add(name)
        return await super()._step(name, call, result, item=item)


@dataclass
class _Memory:
    """The `headrace.backend.Backend` of all attempts of one run."""

    provider: Provider
    settings: Settings
    job_id: str = "a-test"
    files: FileStore = field(default_factory=lambda: FileStore("memory:///"))
    saved: dict[str, str] = field(default_factory=dict[str, str])
    steps: list[str] = field(default_factory=list[str])
    calls: list[CallMade] = field(default_factory=list[CallMade])
    progress: list[Progress] = field(default_factory=list[Progress])

    def choose(self, requested: GeneratedInput) -> Chosen:
        async def open_given() -> Provider:
            return self.provider

        return Chosen(requested.provider or self.provider.name, open_given, requested.model, requested.image_model)

    @asynccontextmanager
    async def meter(self, call: Call, provider: str, model: str, estimate: Estimate) -> AsyncGenerator[MeteredCall]:
        del estimate  # nothing has a limit here
        self.calls.append(CallMade(call.step, provider, model))
        yield MeteredCall(provider, model)

    async def report(self, progress: Progress) -> None:
        self.progress.append(progress)

    async def save(self, step: str, saved: str, files: Sequence[FileRef], usage: Sequence[UsageItem]) -> None:
        del files, usage  # they stand in what is saved
        self.saved[step] = saved
        self.steps.append(step)


class _WithoutEnvironment(Settings):
    """So that a test means the same in every shell. A setting that there is not is refused."""

    model_config = SettingsConfigDict(extra="forbid")

    @classmethod
    def settings_customise_sources(cls, *sources: Any, **named: Any) -> tuple[PydanticBaseSettingsSource, ...]:  # noqa: ANN401, ARG003  # pydantic's
        return (named["init_settings"],)


def _listed(steps: Sequence[str]) -> str:
    return ", ".join(steps) or "none"
