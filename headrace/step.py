"""A step: the unit that is paid once. Its result, usage and files are saved together, under the fence."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from obstore.exceptions import BaseError

from headrace.backend import Backend
from headrace.backoff import backoff
from headrace.errors import Busy, InvalidAnswer, ProviderError, Unavailable
from headrace.metered import Estimate, MeteredCall
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
    Text,
    TextRequest,
)
from headrace.saved import Saved
from headrace.sdk_errors import SdkErrors
from jobs.model import FileRef, UsageItem
from jobs.states import Reason

T = TypeVar("T")
Answered = TypeVar("Answered", Text[Any], Image)
log = structlog.stdlib.get_logger("headrace.steps")

STEP_TRIES = 4
"""Most times one call is made within a step; after that the job waits without holding a worker."""
FIRST_WAIT = timedelta(milliseconds=500)


class Step:
    """What the code of a step may do: ask the provider, or any vendor's SDK, and keep files."""

    def __init__(self, name: str, backend: Backend, chosen: Chosen, errors: SdkErrors) -> None:
        self.call = Call(backend.job_id, name)
        self._backend = backend
        self._chosen = chosen
        self._errors = errors
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
            model = request.model or provider.image_model
            return await self._asked(provider, model, request.estimate, lambda: provider.image(request))
        except InvalidAnswer as error:
            await self._keep_rejected(error)
            raise

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
        """A call to anyone, made again after short waits for Busy and Unavailable.

        What the SDK of a vendor raises is taken for one of headrace.errors, as headrace.sdk_errors and the kind's
        `errors` say. Raises ProviderError, and as they are the exceptions that neither knows.
        """

        async def translated() -> T:
            with self._errors.translated():
                return await call()

        return await self._patiently(translated)

    @asynccontextmanager
    async def metered(self, provider: str, model: str, *, estimate: Estimate) -> AsyncGenerator[MeteredCall]:
        """One call to any vendor's model, made in the body, under the rates and budgets of the deployment.

        The body says what was used: `call.used(input_tokens=..., output_tokens=...)`. A body that does not is taken to
        have used its estimate; one that fails, what it has said until then. Raises RateLimited, and Rejected for a
        budget that has no room; make it within `ask`, which waits and repeats the call.
        """
        call: MeteredCall | None = None
        try:
            async with self._backend.meter(self.call, provider, model, estimate) as call:
                try:
                    with self._errors.translated():
                        yield call
                except ProviderError as error:
                    call.usage = call.usage or error.usage
                    raise
                if call.usage is None:
                    log.warning("a call did not say what it used", step=self.call.step, provider=provider, model=model)
                    call.used(
                        input_tokens=estimate.input_tokens,
                        output_tokens=estimate.output_tokens or 0,
                        images=estimate.images,
                        cost=estimate.cost,
                    )
        finally:
            if call is not None and call.usage is not None:
                self._usage.append(UsageItem(**vars(call.usage)))

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
                raise self._at_this_stage(error) from error.__cause__
        raise AssertionError("the last attempt returns or raises")

    async def _text(self, request: TextRequest[Answer]) -> Answer:
        provider = await self._provider()
        model = request.model or provider.text_model
        text = await self._asked(provider, model, request.estimate, lambda: provider.text(request))
        return text.value

    async def _asked(
        self, provider: Provider, model: str, estimate: Estimate, call: Callable[[], Awaitable[Answered]]
    ) -> Answered:
        async def once() -> Answered:
            async with self.metered(provider.name, model, estimate=estimate) as metered:
                answer = await call()
                metered.usage = answer.usage
            return replace(answer, usage=metered.usage)

        return await self.ask(once)

    async def _provider(self) -> Provider:
        try:
            return await self._chosen.open()
        except ProviderError as error:
            raise self._at_this_stage(error) from error.__cause__

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
