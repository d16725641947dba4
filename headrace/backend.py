"""What stands behind an attempt at a job: the engine's store, files and providers, or memory in `headrace.testing`."""

from collections.abc import Sequence
from typing import Protocol

from headrace.generated import GeneratedInput
from headrace.provider import Chosen
from headrace.waits import Waits
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

    @property
    def waits(self) -> Waits:
        """The calls under way."""
        ...

    def choose(self, requested: GeneratedInput) -> Chosen:
        """Who writes and paints, metered. Raises Rejected for models that cannot be asked for."""
        ...

    async def report(self, progress: Progress) -> None:
        """Shows how far the job is; nothing is written while the store is away."""
        ...

    async def save(self, step: str, saved: str, files: Sequence[FileRef], usage: Sequence[UsageItem]) -> None:
        """Keeps a step's result (JSON), its files and what it used, however long the store is away meanwhile."""
        ...
