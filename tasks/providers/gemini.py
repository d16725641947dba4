"""Google's Gemini, through its developer API."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import httpx2
from google import genai
from google.genai import errors, types
from pydantic import BaseModel, ValidationError

from headrace.errors import Busy, InvalidAnswer, ProviderError, Rejected, Unavailable
from headrace.provider import Answer, Image, ImageRequest, Text, TextRequest
from headrace.retry_after import retry_info, wait_of
from headrace.sdk_errors import PASSING
from headrace.usage import Usage
from jobs.states import Reason
from tasks.providers.wire import (
    CONNECT_WITHIN,
    TRUNCATED,
    payer,
    picture_type,
    read_answer,
    read_picture,
    short,
)

API_VERSION = "v1beta"
"""Not the SDK's own v1, which has refused `systemInstruction` and `responseSchema` (googleapis/python-genai#1398)."""

_UNAUTHORISED = frozenset({401, 403})
_TOO_MANY = 429
_FINISHED = types.FinishReason
_CONTENT = frozenset(
    {
        _FINISHED.SAFETY,
        _FINISHED.RECITATION,
        _FINISHED.BLOCKLIST,
        _FINISHED.PROHIBITED_CONTENT,
        _FINISHED.SPII,
        _FINISHED.IMAGE_SAFETY,
        _FINISHED.IMAGE_PROHIBITED_CONTENT,
        _FINISHED.IMAGE_RECITATION,
        _FINISHED.ESCALATION,
        _FINISHED.MODEL_ARMOR,
    }
)
"""Why a model stops when it is about the content."""
_RATIOS = {name: int(name.split(":")[0]) / int(name.split(":")[1]) for name in (
    "1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9",
)}  # fmt: skip
"""The shapes that the models paint (`ImageConfig.aspect_ratio`)."""


class GeminiProvider:
    """Text with a response schema, pictures as inline parts, both from `generateContent`. No call is made twice.

    `timeout` is for one whole call. Every call says which job and step pays for it, in the headers of `payer`.
    """

    def __init__(
        self, *, api_key: str, text_model: str, image_model: str, timeout: timedelta, base_url: str | None = None
    ) -> None:
        self._key = api_key
        self._text_model = text_model
        self._image_model = image_model
        self._timeout = timeout
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout.total_seconds(), connect=min(timeout, CONNECT_WITHIN).total_seconds())
        )
        self._client = genai.Client(
            # Said, or GOOGLE_GENAI_USE_VERTEXAI in the environment would lead elsewhere.
            vertexai=False,
            api_key=api_key,
            http_options=types.HttpOptions(
                base_url=base_url,
                api_version=API_VERSION,
                timeout=round(timeout.total_seconds() * 1000),
                retry_options=types.HttpRetryOptions(attempts=1),
                httpx_async_client=self._http,
            ),
        )

    @property
    def name(self) -> str:
        return "gemini"

    @property
    def text_model(self) -> str:
        return self._text_model

    @property
    def image_model(self) -> str:
        return self._image_model

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        """The model's answer to the facts under the instructions. Raises ProviderError."""
        config = types.GenerateContentConfig(
            system_instruction=request.instructions,
            response_mime_type="application/json",
            response_schema=request.answer,
            seed=request.seed,
            http_options=types.HttpOptions(headers=payer(request.call)),
        )
        model = request.model or self._text_model
        async with self._answered():
            response = await self._client.aio.models.generate_content(
                model=model, contents=_conversation(request), config=config
            )
            usage = self._usage(model, response)
            parts = _parts(response, usage)
        return Text(read_answer(_text(parts), request.answer, usage), usage)

    async def image(self, request: ImageRequest) -> Image:
        """The picture, of the shape nearest to the one asked for. Raises ProviderError."""
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(aspect_ratio=_ratio(request)),
            http_options=types.HttpOptions(headers=payer(request.call)),
        )
        model = request.model or self._image_model
        async with self._answered():
            response = await self._client.aio.models.generate_content(
                model=model, contents=types.UserContent(_prompt(request)), config=config
            )
            usage = self._usage(model, response)
            parts = _parts(response, usage)
        pictures = [part.inline_data.data for part in parts if part.inline_data and part.inline_data.data]
        if not pictures:
            raise InvalidAnswer("it has no picture", answer=_text(parts), usage=usage)
        usage = self._usage(model, response, images=len(pictures))
        return Image(await read_picture(pictures[-1], usage), usage)

    async def aclose(self) -> None:
        await self._http.aclose()
        self._client.close()

    def _usage(self, model: str, response: types.GenerateContentResponse, *, images: int = 0) -> Usage:
        model = response.model_version or model
        used = response.usage_metadata
        if used is None:
            return Usage(self.name, model, images=images)
        # Thoughts are billed as output.
        output = (used.candidates_token_count or 0) + (used.thoughts_token_count or 0)
        return Usage(self.name, model, input_tokens=used.prompt_token_count or 0, output_tokens=output, images=images)

    @asynccontextmanager
    async def _answered(self) -> AsyncGenerator[None]:
        """Raises ProviderError for everything that is not an answer, and for an answer that cannot be read."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                yield
        except (httpx2.TimeoutException, TimeoutError) as error:
            raise Unavailable(f"The provider did not answer within {self._timeout.total_seconds():g} s") from error
        except httpx2.TransportError as error:
            raise Unavailable(f"The connection to the provider failed: {error}") from error
        except errors.APIError as error:
            raise self._refusal(error) from None  # its text may have the key
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            message = f"The provider's answer is not of the protocol ({type(error).__name__}); check its base URL"
            raise Rejected(message, reason=Reason.PROVIDER_REJECTED) from error

    def _refusal(self, error: errors.APIError) -> ProviderError:
        message = f"The provider answered: {error.code} {error.status} - {error.message}".replace(self._key, "***")
        details = _details(error)
        if error.code == _TOO_MANY:
            return Busy(short(message), retry_after=_wait(error, details))
        if isinstance(error, errors.ServerError) or error.code in PASSING:
            return Unavailable(short(message))
        if error.code in _UNAUTHORISED or any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            message = f"The provider answered: {error.code} {error.status} - the API key is not accepted"
        return Rejected(short(message), reason=Reason.PROVIDER_REJECTED)


class _Error(BaseModel):
    details: list[dict[str, Any]] = []


class _ErrorBody(BaseModel):
    """The part of an error that the SDK leaves as it came."""

    error: _Error


def _conversation(request: TextRequest[Any]) -> list[types.Content]:
    contents: list[types.Content] = [types.UserContent(json.dumps(dict(request.facts), ensure_ascii=False))]
    if request.correction is None:
        return contents
    if request.correction.answer:
        contents.append(types.ModelContent(request.correction.answer))
    return [*contents, types.UserContent(request.correction.words)]


def _prompt(request: ImageRequest) -> list[types.Part]:
    words = types.Part.from_text(text=request.words)
    if request.source is None:
        return [words]
    return [types.Part.from_bytes(data=request.source, mime_type=picture_type(request.source)), words]


def _parts(response: types.GenerateContentResponse, usage: Usage) -> list[types.Part]:
    """What the model says. Raises Rejected for blocked content, InvalidAnswer when truncated, ValueError for none."""
    feedback = response.prompt_feedback
    if feedback and feedback.block_reason:
        raise Rejected(f"The provider refuses the content: {feedback.block_reason.value}", usage=usage)
    [candidate] = response.candidates or []
    parts = (candidate.content and candidate.content.parts) or []
    if candidate.finish_reason in _CONTENT:
        why = candidate.finish_message or str(candidate.finish_reason)
        raise Rejected(f"The provider refuses the content: {short(why)}", usage=usage)
    if candidate.finish_reason is _FINISHED.MAX_TOKENS:
        raise InvalidAnswer(TRUNCATED, answer=_text(parts), usage=usage)
    return parts


def _text(parts: list[types.Part]) -> str:
    return "".join(part.text for part in parts if part.text and not part.thought)


def _details(error: errors.APIError) -> list[dict[str, Any]]:
    """The `google.rpc` messages of an error, such as RetryInfo; none when the body is of another form."""
    try:
        return _ErrorBody.model_validate(error.details).error.details
    except ValidationError:
        return []


def _wait(error: errors.APIError, details: list[dict[str, Any]]) -> timedelta | None:
    """The RetryInfo in the body, else a Retry-After header."""
    headers = cast("httpx2.Headers", error.response.headers)
    return retry_info(details) or wait_of(headers.get("retry-after"))


def _ratio(request: ImageRequest) -> str:
    return min(_RATIOS, key=lambda name: abs(_RATIOS[name] - request.width / request.height))
