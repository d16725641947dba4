"""A step: the unit that is paid once. Its result, usage and files are saved together, under the fence."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from obstore.exceptions import BaseError
from pydantic import Field

from headrace.backoff import backoff
from headrace.errors import Busy, InvalidAnswer, ProviderError, Unavailable
from headrace.provider import (
    Answer,
    Call,
    Correction,
    Image,
    ImageRequest,
    Provider,
    Style,
    TextRequest,
    Usage,
)
from headrace.waits import Waits
from jobs.files import FileStore
from jobs.model import FileRef, UsageItem
from jobs.settings import Settings
from jobs.steps import SavedStep
from tasks.providers.registry import Chosen

T = TypeVar("T")
log = structlog.stdlib.get_logger("headrace.steps")

STEP_TRIES = 4
"""Most times one call is made within a step; after that the job waits without holding a worker."""
FIRST_WAIT = timedelta(milliseconds=500)


class Saved(SavedStep):
    """What is kept of a finished step."""

    value: Any
    usage: list[UsageItem] = Field(default_factory=list[UsageItem])
    files: list[FileRef] = Field(default_factory=list[FileRef])


class Step:
    """What the code of a step may do: ask the provider and keep files."""

    def __init__(
        self,
        call: Call,
        *,
        chosen: Chosen,
        files: FileStore,
        settings: Settings,
        waits: Waits,
    ) -> None:
        self.call = call
        self._chosen = chosen
        self._files = files
        self._settings = settings
        self._waits = waits
        self._usage: list[UsageItem] = []
        self._kept: list[FileRef] = []

    async def text(
        self, task: str, *, instructions: str, facts: Mapping[str, Any], answer: type[Answer], seed: int = 0
    ) -> Answer:
        """Structured text; an answer of no use is asked for once more. Raises ProviderError, after short waits."""
        request = TextRequest(
            call=self.call,
            task=task,
            instructions=instructions,
            facts=facts,
            answer=answer,
            seed=seed,
            model=self._chosen.model,
        )
        try:
            return await self._text(request)
        except InvalidAnswer as first:
            again = replace(request, correction=Correction(first.answer, first.fault))
            try:
                return await self._text(again)
            except InvalidAnswer as second:
                await self._keep_rejected(first, second)
                raise

    async def image(
        self,
        prompt: str,
        *,
        scene: Mapping[str, Any],
        style: Style = "picture",
        source: bytes | None = None,
        seed: int = 0,
    ) -> Image:
        """A picture. Raises ProviderError, after short waits."""
        request = ImageRequest(
            call=self.call,
            prompt=prompt,
            scene=scene,
            style=style,
            source=source,
            seed=seed,
            model=self._chosen.image_model,
        )
        try:
            provider = await self._provider()
            image = await self.ask(lambda: provider.image(request))
        except InvalidAnswer as error:
            await self._keep_rejected(error)
            raise
        self._used(image.usage)
        return image

    async def keep(self, name: str, data: bytes, content_type: str) -> FileRef:
        """Stores a file of the job. Raises Unavailable, after short waits: what is in it may have been paid for."""

        async def put() -> FileRef:
            with files_answer():
                return await self._files.put(self.call.job_id, name, data, content_type)

        ref = await self._patiently(put)
        self._kept.append(ref)
        return ref

    def saved(self, value: Any, *, phase: int) -> Saved:  # noqa: ANN401  # any JSON value
        return Saved(phase=phase, value=value, usage=self._usage, files=self._kept)

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call to a provider, with short waits after Busy and Unavailable. Raises ProviderError."""

        async def noted() -> T:
            with self._waits.call():
                return await call()

        return await self._patiently(noted)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(1, STEP_TRIES + 1):
            try:
                return await call()
            except (Busy, Unavailable) as error:
                wait = _wait(error, attempt)
                if attempt == STEP_TRIES or wait > self._settings.step_patience:
                    raise self._at_this_stage(error) from error.__cause__
                await asyncio.sleep(wait.total_seconds())
            except ProviderError as error:
                if error.usage:
                    self._used(error.usage)
                raise self._at_this_stage(error) from error.__cause__
        raise AssertionError("the last attempt returns or raises")

    async def _text(self, request: TextRequest[Answer]) -> Answer:
        provider = await self._provider()
        text = await self.ask(lambda: provider.text(request))
        self._used(text.usage)
        return text.value

    async def _provider(self) -> Provider:
        try:
            return await self._chosen.open()
        except ProviderError as error:
            raise self._at_this_stage(error) from error.__cause__

    def _used(self, usage: Usage) -> None:
        self._usage.append(UsageItem(**vars(usage)))

    async def _keep_rejected(self, *errors: InvalidAnswer) -> None:
        """What came back, for whoever wants to know why it was of no use."""
        answers = "\n\n".join(
            f"-- Answer {number}, of no use: {error.fault}\n\n{error.answer}" for number, error in enumerate(errors, 1)
        )
        name = f"rejected-{self.call.step.replace(':', '-')}.txt"
        await self.keep(name, answers.encode("utf-8", "replace"), "text/plain; charset=utf-8")

    def _at_this_stage(self, error: ProviderError) -> ProviderError:
        error.stage = self.call.step
        return error


@contextmanager
def files_answer() -> Generator[None]:
    """Raises Unavailable for trouble with the file store: it passes, or someone mends it while the job waits."""
    try:
        yield
    except (BaseError, OSError) as error:
        log.warning("the file store fails", why=str(error))
        raise Unavailable("The file store fails: see the worker's log, and HEADRACE_FILES_URL.") from error


def _wait(error: ProviderError, attempt: int) -> timedelta:
    told = error.retry_after if isinstance(error, Busy) else None
    return told or backoff(attempt, base=FIRST_WAIT, limit=timedelta(minutes=1))
