"""What a pipeline is given: durable steps, progress, and the provider behind them."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from headrace.backend import Backend
from headrace.declared import declared_result
from headrace.digest import digest
from headrace.errors import (
    Interrupted,
    ItemChanged,
    PipelineExited,
    ProviderError,
    Rejected,
    SavedByNewerVersion,
    StepNameReused,
)
from headrace.generated import GeneratedInput
from headrace.saved import Saved, StepResult
from headrace.sdk_errors import SdkErrors
from headrace.step import Step, files_answer
from jobs.kind import Errors
from jobs.model import FileRef, Progress, Reused
from jobs.settings import Settings
from jobs.uploads import file_of
from jobs.usage import cost

T = TypeVar("T")
Item = TypeVar("Item")

PROGRESS_EVERY = 0.2
"""Seconds between two progress events of a job, at least."""


class JobContext:
    """One attempt at a job, as its pipeline sees it."""

    def __init__(
        self, backend: Backend, saved: Mapping[str, str], *, version: int = 1, errors: Errors | None = None
    ) -> None:
        """`saved` are the steps of earlier attempts, name -> JSON; `version` and `errors` are those of the kind.

        Raises SavedByNewerVersion when a newer version of the kind has saved one of them.
        """
        self.draining = False
        """Set when the worker is to stop: steps in flight may finish, no other begins."""
        self.counts: Mapping[str, int] | None = None
        """What the pipeline has counted, for its progress."""
        self._backend = backend
        self._version = version
        self._errors = SdkErrors(errors)
        self._saved = {name: Saved.model_validate_json(text) for name, text in saved.items()}
        self._phases: dict[str, int] = {}
        self._begun: set[str] = set()
        self._maps: set[str] = set()
        self._failed: list[Saved] = []
        self._raised: list[tuple[Exception, str]] = []
        self._reused: set[str] = set()
        self._chosen = backend.choose(GeneratedInput())
        self._reported_at = 0.0
        newest = max((each.version for each in self._saved.values()), default=0)
        if newest > version:
            raise SavedByNewerVersion(saved=newest, here=version)

    def choose(self, requested: BaseModel) -> None:
        """Takes provider and models from the job's input, if it has them. Raises Rejected for models that cannot be."""
        if isinstance(requested, GeneratedInput):
            self._chosen = self._backend.choose(requested)

    @property
    def id(self) -> str:
        """The job's id."""
        return self._backend.job_id

    @property
    def provider(self) -> str:
        """Who writes and paints."""
        return self._chosen.name

    async def step(self, name: str, call: Callable[[Step], Awaitable[T]], result: type[T] | None = None) -> T:
        """The result of `call`, made once per job: later attempts get what an earlier one saved.

        `name` is unique within the job. `result` is the type of the result; None: as `call` is annotated. A value is
        returned as it was saved, so that a first attempt sees what a later one would.
        Raises what `call` raises, and the errors of a pipeline that headrace.errors lists.
        """
        return await self._step(name, call, result or declared_result(name, call), item=None)

    async def map(  # noqa: PLR0913  # all but three by keyword
        self,
        name: str,
        items: Sequence[Item],
        call: Callable[[Step, Item], Awaitable[T]],
        result: type[T] | None = None,
        *,
        span: tuple[float, float] = (0.0, 1.0),
        limit: int | None = None,
        each: Callable[[T], None] | None = None,
    ) -> list[T]:
        """`call` for every item, several at a time, each one a step named `name:1`, `name:2`, ...

        Every attempt must give the same items in the same order: a saved result is that of its item.
        At most `limit` at a time, HEADRACE_CONCURRENCY if None. `span` is the part of the job's progress that this is;
        with `each`, which gets every result at once, saved ones included, telling progress is left to the caller.
        After a failure no other step begins, but those in flight are paid for and so may finish; then the failure is
        raised. Raises what `step` raises.
        """
        if name in self._maps:
            raise StepNameReused(name, "two maps")
        self._maps.add(name)
        declared = result or declared_result(name, call)
        results: dict[int, T] = {}
        failures: list[Exception] = []
        waiting = deque(enumerate(items, 1))

        async def work() -> None:
            while waiting and not failures:
                number, item = waiting.popleft()
                try:
                    made = await self._step(f"{name}:{number}", _for_item(call, item), declared, item=digest(item))
                    results[number] = made
                    if each is not None:
                        each(made)
                        continue
                    low, high = span
                    done = low + (high - low) * len(results) / len(items)
                    await self.progress(done, name, f"{len(results)} of {len(items)}")
                except Exception as error:  # noqa: BLE001  # raised below, when no call is in flight any more
                    failures.append(error)
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(min(limit or self.settings.concurrency, len(items))):
                group.create_task(work())
        if failures:
            raise next((error for error in failures if isinstance(error, Rejected)), failures[0])
        return [results[number] for number in sorted(results)]

    async def progress(
        self, fraction: float, phase: str, detail: str = "", *, counts: Mapping[str, int] | None = None
    ) -> None:
        """Tells clients how far the job is. Frequent calls are thinned out.

        `counts` stay as they were when None; the last ones, told or not, are the job's when it completes.
        """
        self.counts = counts or self.counts
        now = time.monotonic()
        if now - self._reported_at < PROGRESS_EVERY:
            return
        self._reported_at = now
        counts = dict(self.counts) if self.counts else None
        await self._backend.report(Progress(fraction=fraction, phase=phase, detail=detail, counts=counts))

    async def load(self, ref: FileRef) -> bytes:
        """A file that a step has kept. Raises FileNotFound, and Unavailable when the file store does not answer."""
        with files_answer():
            return await self._backend.files.get(ref)

    async def upload(self, upload_id: str) -> bytes:
        """A file that the client has uploaded, which a field of the input names. Raises as `load`."""
        return await self.load(file_of(upload_id))

    @property
    def settings(self) -> Settings:
        return self._backend.settings

    @property
    def reused(self) -> Reused:
        """What this attempt did not have to pay for, because its steps were saved before."""
        usage = [item for name in self._reused for item in self._saved[name].usage]
        return Reused(steps=len(self._reused), cost=cost(usage))

    @property
    def files(self) -> list[FileRef]:
        kept = (ref for step in [*self._failed, *self._saved.values()] for ref in step.files)
        return sorted(kept, key=lambda ref: ref.name)

    def stage_of(self, error: BaseException | None) -> str | None:
        """The step that an error came out of; None for one from between two steps."""
        while error is not None:
            if stage := getattr(error, "stage", None) or next(
                (name for each, name in self._raised if each is error), None
            ):
                return stage
            error = error.__cause__ or error.__context__
        return None

    async def _step(self, name: str, call: Callable[[Step], Awaitable[T]], result: type[T], *, item: str | None) -> T:
        if name in self._begun:
            raise StepNameReused(name, "two steps")
        self._begun.add(name)
        phase = self._phases.setdefault(name.partition(":")[0], len(self._phases))
        typed = StepResult(name, result)
        if (earlier := self._saved.get(name)) is not None:
            if earlier.item and item and earlier.item != item:
                raise ItemChanged(name)
            value = typed.load(earlier.value)
            self._reused.add(name)
            return value
        if self.draining:
            raise Interrupted
        step = Step(name, self._backend, self._chosen, self._errors)
        try:
            value, kept = typed.checked(await call(step))
        except ProviderError:
            # What it kept and used is the job's all the same. The pipeline may go on, and try the step again.
            self._failed.append(step.saved(None, phase=phase, item=item, version=self._version))
            self._begun.discard(name)
            raise
        except SystemExit as error:
            raise PipelineExited(name) from error
        except Exception as error:
            self._begun.discard(name)
            self._raised.append((error, name))
            raise
        await self._save(name, step.saved(kept, phase=phase, item=item, version=self._version))
        return value

    async def _save(self, name: str, saved: Saved) -> None:
        await self._backend.save(name, saved.to_text(name, self.settings.max_step_bytes), saved.files, saved.usage)
        self._saved[name] = saved


def _for_item(call: Callable[[Step, Item], Awaitable[T]], item: Item) -> Callable[[Step], Awaitable[T]]:
    return lambda step: call(step, item)
