"""What a pipeline is given: durable steps, progress, and the provider behind them."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from headrace.errors import ProviderError, Rejected
from headrace.generated import GeneratedInput
from headrace.provider import Call, Provider
from headrace.step import Saved, Step, files_answer
from headrace.waits import Waits
from jobs.errors import StoreUnavailable
from jobs.files import FileStore
from jobs.leases import Lease
from jobs.model import FileRef, Progress, Reused
from jobs.settings import ProviderName, Settings
from jobs.store import JobStore
from jobs.usage import cost
from tasks.engine.metering import Meter, MeteredProvider
from tasks.engine.outage import retry_while_unavailable
from tasks.providers.registry import Chosen, Providers

T = TypeVar("T")
Item = TypeVar("Item")

PROGRESS_EVERY = 0.2
"""Seconds between two progress events of a job, at least."""


class Interrupted(Exception):
    """The worker is to stop: no new step begins."""


class StepTooLarge(Exception):
    """A step's result is larger than HEADRACE_MAX_STEP_BYTES; such values belong in a file (`step.keep`)."""


@dataclass(frozen=True)
class Tools:
    """What a worker's jobs share."""

    settings: Settings
    store: JobStore
    files: FileStore
    providers: Providers
    meter: Meter


class Run:
    """One attempt at a job, as its pipeline sees it."""

    def __init__(self, lease: Lease, tools: Tools, saved: Mapping[str, str]) -> None:
        self.waits = Waits()
        self.draining = False
        """Set when the worker is to stop: steps in flight may finish, no other begins."""
        self.counts: Mapping[str, int] | None = None
        """What the pipeline has counted, for its progress."""
        self._lease = lease
        self._tools = tools
        self._saved = {name: Saved.model_validate_json(text) for name, text in saved.items()}
        self._phases: dict[str, int] = {}
        self._failed: list[Saved] = []
        self._reused: set[str] = set()
        self._seats: Counter[str] = Counter()
        self._chosen = self._metered(tools.providers.choose(GeneratedInput()))
        self._told = 0.0

    def choose(self, asked: BaseModel) -> None:
        """Takes provider and models from the job's input, if it has them. Raises Rejected for models that cannot be."""
        if isinstance(asked, GeneratedInput):
            self._chosen = self._metered(self._tools.providers.choose(asked))

    @property
    def provider(self) -> ProviderName:
        """Who writes and paints."""
        return self._chosen.name

    async def step(self, name: str, call: Callable[[Step], Awaitable[T]], result: type[T]) -> T:
        """The result of `call`, made once per job: later attempts get what an earlier one saved.

        `name` is unique within the job. Raises what `call` raises, Interrupted, StepTooLarge, LeaseLost.
        """
        adapter = TypeAdapter(result)
        phase = self._phases.setdefault(name.partition(":")[0], len(self._phases))
        if name in self._saved:
            self._reused.add(name)
            return adapter.validate_python(self._saved[name].value)
        if self.draining:
            raise Interrupted
        step = Step(
            Call(self._lease.job_id, name),
            chosen=self._chosen,
            files=self._tools.files,
            settings=self._tools.settings,
            waits=self.waits,
        )
        try:
            value = await call(step)
        except ProviderError:
            # What it kept and used is the job's all the same.
            self._failed.append(step.saved(None, phase=phase))
            raise
        await self._save(name, step.saved(adapter.dump_python(value, mode="json"), phase=phase))
        return value

    async def map(  # noqa: PLR0913  # all but three by keyword
        self,
        name: str,
        items: Sequence[Item],
        call: Callable[[Step, Item], Awaitable[T]],
        result: type[T],
        *,
        span: tuple[float, float] = (0.0, 1.0),
        limit: int | None = None,
        each: Callable[[T], None] | None = None,
    ) -> list[T]:
        """`call` for every item, several at a time, each one a step named `name:1`, `name:2`, ...

        At most `limit` at a time, HEADRACE_CONCURRENCY if None. `span` is the part of the job's progress that this is;
        with `each`, which gets every result at once, saved ones included, telling progress is left to the caller.
        After a failure no other step begins, but those in flight are paid for and so may finish; then the failure is
        raised.
        """
        results: dict[int, T] = {}
        failures: list[Exception] = []
        waiting = deque(enumerate(items, 1))

        async def work() -> None:
            while waiting and not failures:
                number, item = waiting.popleft()
                try:
                    made = results[number] = await self.step(f"{name}:{number}", _for_item(call, item), result)
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
            for _ in range(min(limit or self._tools.settings.concurrency, len(items))):
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
        if now - self._told < PROGRESS_EVERY:
            return
        self._told = now
        counts = dict(self.counts) if self.counts else None
        progress = Progress(fraction=fraction, phase=phase, detail=detail, counts=counts)
        try:
            await self._tools.store.progress(self._lease, progress)
        except StoreUnavailable:
            # Progress is worth a try, not a wait.
            return

    async def load(self, ref: FileRef) -> bytes:
        """A file that a step has kept. Raises FileNotFound, and Unavailable when the file store does not answer."""
        with files_answer():
            return await self._tools.files.get(ref)

    @property
    def settings(self) -> Settings:
        return self._tools.settings

    @property
    def reused(self) -> Reused:
        """What this attempt did not have to pay for, because its steps were saved before."""
        usage = [item for name in self._reused for item in self._saved[name].usage]
        return Reused(steps=len(self._reused), cost=cost(usage))

    @property
    def files(self) -> list[FileRef]:
        kept = (ref for step in self._steps() for ref in step.files)
        return sorted(kept, key=lambda ref: ref.name)

    def _metered(self, chosen: Chosen) -> Chosen:
        async def open_metered() -> Provider:
            provider = await chosen.open()
            return MeteredProvider(provider, self._lease, self._tools.meter, self.waits, self._seats)

        return replace(chosen, open=open_metered)

    def _steps(self) -> list[Saved]:
        return [*self._failed, *self._saved.values()]

    async def _save(self, name: str, saved: Saved) -> None:
        text = saved.model_dump_json()
        size, limit = len(text.encode()), self._tools.settings.max_step_bytes
        if size > limit:
            raise StepTooLarge(f"step {name}: {size} bytes, at most {limit} are kept")
        # It is paid for: a Redis that is away for a moment must not lose it.
        uncounted = [item for item in saved.usage if not self._tools.meter.counts(item.provider, item.model)]
        await retry_while_unavailable(
            lambda: self._tools.store.save_step(
                self._lease, name, text, files=saved.files, usage=saved.usage, uncounted=uncounted
            )
        )
        self._saved[name] = saved


def _for_item(call: Callable[[Step, Item], Awaitable[T]], item: Item) -> Callable[[Step], Awaitable[T]]:
    return lambda step: call(step, item)
