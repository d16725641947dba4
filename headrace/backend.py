"""What stands behind an attempt at a job: the engine's store, files and providers, or memory in `headrace.testing`."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from headrace.generated import GeneratedInput
from headrace.metered import Estimate, MeteredCall
from headrace.provider import Call, Chosen
from jobs.files import FileStore
from jobs.model import FileRef, Progress, UsageItem
from jobs.settings import Settings


class Backend(Protocol):
    """One attempt's. Its writes raise LeaseLost once the job is no longer this worker's."""

    @property
    def job_id(self) -> str: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def files(self) -> FileStore: ...

    def choose(self, requested: GeneratedInput) -> Chosen:
        """Who writes and paints. Raises Rejected for models that cannot be asked for."""
        ...

    def meter(
        self, call: Call, provider: str, model: str, estimate: Estimate
    ) -> AbstractAsyncContextManager[MeteredCall]:
        """Entered when the call may be made; left, it has counted the usage of the call and set its cost.

        Entering raises RateLimited, and Rejected for a budget that has no room.
        """
        ...

    async def report(self, progress: Progress) -> None:
        """Shows how far the job is; nothing is written while the store is away."""
        ...

    async def save(self, step: str, saved: str, files: Sequence[FileRef], usage: Sequence[UsageItem]) -> None:
        """Keeps a step's result (JSON), its files and what it used, however long the store is away meanwhile."""
        ...
