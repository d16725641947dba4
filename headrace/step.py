"""A step: the unit that is paid once. Its result, usage and files are saved together, under the fence."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from obstore.exceptions import BaseError

from headrace.backend import Backend
from headrace.backoff import backoff
from headrace.errors import Busy, InvalidAnswer, ProviderError, Unavailable
from headrace.provider import (
    Answer,
    Call,
    Chosen,
    Correction,
    Image,
    ImageRequest,
    Offline,
    Provider,
    Style,
    TextRequest,
    Usage,
)
from headrace.saved import Saved
from jobs.model import FileRef, UsageItem
from jobs.states import Reason

T = TypeVar("T")
log = structlog.stdlib.get_logger("headrace.steps")

STEP_TRIES = 4
"""Most times one call is made within a step; after that the job waits without holding a worker."""
FIRST_WAIT = timedelta(milliseconds=500)


class Step:
    """What the code of a step may do: ask the provider and keep files."""

    def __init__(self, name: str, backend: Backend, chosen: Chosen) -> None:
        self.call = Call(backend.job_id, name)
        self._backend = backend
        self._chosen = chosen
        self._usage: list[UsageItem] = []
        self._kept: list[FileRef] = []

    async def text(  # all but one by keyword
        self,
        instructions: str,
        *,
        answer: type[Answer],
        facts: Mapping[str, Any] | None = None,
        seed: int = 0,
        offline: Offline | None = None,
    ) -> Answer:
        """Structured text from `facts`, data that the instructions speak of; `offline` answers where there is no model.

        An answer of no use is asked for once more. Raises ProviderError, after short waits.
        """
        request = TextRequest(
            call=self.call,
            instructions=instructions,
            facts=facts or {},
            answer=answer,
            seed=seed,
            model=self._chosen.model,
            offline=offline,
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
        scene: Mapping[str, Any] | None = None,
        style: Style = "picture",
        source: bytes | None = None,
        seed: int = 0,
    ) -> Image:
        """A picture; `scene` is the prompt in parts, for the offline illustrator.

        Raises ProviderError, after short waits.
        """
        request = ImageRequest(
            call=self.call,
            prompt=prompt,
            scene=scene if scene is not None else {"subjects": [prompt]},
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
                return await self._backend.files.put(self.call.job_id, name, data, content_type)

        ref = await self._patiently(put)
        self._kept.append(ref)
        return ref

    def saved(self, value: object, *, phase: int, item: str | None, version: int) -> Saved:
        """What is to be kept of it, with `value`, a JSON value, as its result."""
        return Saved(phase=phase, value=value, usage=self._usage, files=self._kept, item=item, version=version)

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call to a provider, with short waits after Busy and Unavailable. Raises ProviderError."""

        async def noted() -> T:
            with self._backend.waits.call():
                return await call()

        return await self._patiently(noted)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(1, STEP_TRIES + 1):
            try:
                return await call()
            except (Busy, Unavailable) as error:
                wait = _wait(error, attempt)
                if attempt == STEP_TRIES or wait > self._backend.settings.step_patience:
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
        message = "The file store fails: see the worker's log, and HEADRACE_FILES_URL."
        raise Unavailable(message, reason=Reason.FILES_UNAVAILABLE) from error


def _wait(error: ProviderError, attempt: int) -> timedelta:
    retry_after = error.retry_after if isinstance(error, Busy) else None
    return retry_after or backoff(attempt, base=FIRST_WAIT, limit=timedelta(minutes=1))
