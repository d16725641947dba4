"""What stands behind a job that a worker has claimed: the store under its lease, the providers, and their meter."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from headrace.generated import GeneratedInput
from headrace.metered import Estimate, MeteredCall
from headrace.provider import Call, Chosen
from headrace.waits import Waits
from jobs.errors import StoreUnavailable
from jobs.files import FileStore
from jobs.leases import Lease
from jobs.model import FileRef, Progress, UsageItem
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.metering import Meter
from tasks.engine.outage import retry_while_unavailable
from tasks.providers.registry import Providers


@dataclass(frozen=True)
class Tools:
    """What a worker's jobs share."""

    settings: Settings
    store: JobStore
    files: FileStore
    providers: Providers
    meter: Meter


class LeasedJob:
    """The `headrace.backend.Backend` of one attempt."""

    def __init__(self, lease: Lease, tools: Tools) -> None:
        self.waits = Waits()
        self._lease = lease
        self._tools = tools
        self._calls: Counter[str] = Counter()

    @property
    def job_id(self) -> str:
        return self._lease.job_id

    @property
    def settings(self) -> Settings:
        return self._tools.settings

    @property
    def files(self) -> FileStore:
        return self._tools.files

    def choose(self, requested: GeneratedInput) -> Chosen:
        return self._tools.providers.choose(requested)

    @asynccontextmanager
    async def meter(self, call: Call, provider: str, model: str, estimate: Estimate) -> AsyncGenerator[MeteredCall]:
        self._calls[call.step] += 1
        metered = MeteredCall(provider, model)
        seat = f"{call.step}#{self._calls[call.step]}"
        async with self._tools.meter.call(self._lease, seat, metered, estimate, self.waits):
            yield metered

    async def report(self, progress: Progress) -> None:
        try:
            await self._tools.store.progress(self._lease, progress)
        except StoreUnavailable:
            # Progress is worth a try, not a wait.
            return

    async def save(self, step: str, saved: str, files: Sequence[FileRef], usage: Sequence[UsageItem]) -> None:
        # It is paid for: a Redis that is away for a moment must not lose it.
        uncounted = [item for item in usage if not self._tools.meter.counts(item.provider, item.model)]
        await retry_while_unavailable(
            lambda: self._tools.store.save_step(self._lease, step, saved, files=files, usage=usage, uncounted=uncounted)
        )
