"""OpenAI, and whatever else speaks its protocol at a base URL of its own."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import openai
from openai.types import CompletionUsage, ImagesResponse
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from headrace.errors import Busy, InvalidAnswer, ProviderError, Rejected, Unavailable
from headrace.provider import Answer, Image, ImageRequest, Text, TextRequest
from headrace.retry_after import wait_of
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

_CONTENT = frozenset({"content_policy_violation", "moderation_blocked", "invalid_prompt", "content_filter"})
"""Codes of a 400 that is about the content: of pictures by two generations of models, of text, and Azure's for both."""
_UNPAID = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Codes of a 429 or 400 that no waiting helps: the account has no money left."""
_ALWAYS_BASE64 = ("gpt-image-", "chatgpt-image-")
"""Models that refuse to be asked for base64, because they answer nothing else; they are asked for PNG."""
_FIXED_SIZES = ("gpt-image-1", "chatgpt-image-")
_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))
"""Models that paint in three sizes only, and these (`size` in openai.types.ImageGenerateParams)."""


class OpenAIProvider:
    """Text from chat completions with a JSON schema, pictures from image generations and edits. No call is made twice.

    `timeout` is for one whole call. Every call says which job and step pays for it: in `Idempotency-Key`, for servers
    that act on it (OpenAI itself does not say that it does), and in `X-Headrace-Job` and `X-Headrace-Step`.
    """

    def __init__(
        self, *, api_key: str, text_model: str, image_model: str, timeout: timedelta, base_url: str | None = None
    ) -> None:
        self._key = api_key
        self._text_model = text_model
        self._image_model = image_model
        self._timeout = timeout
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(timeout.total_seconds(), connect=min(timeout, CONNECT_WITHIN).total_seconds()),
        )

    @property
    def name(self) -> str:
        return "openai"

    @property
    def text_model(self) -> str:
        return self._text_model

    @property
    def image_model(self) -> str:
        return self._image_model

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        """The model's answer to the facts under the instructions. Raises ProviderError."""
        model = request.model or self._text_model
        async with self._answered():
            completion = await self._client.chat.completions.create(
                model=model,
                messages=_conversation(request),
                response_format={"type": "json_schema", "json_schema": _schema(request.answer)},
                seed=request.seed,
                extra_headers=payer(request.call),
            )
            usage = self._text_usage(completion.model or model, completion.usage)
            [choice] = completion.choices
            text, refusal = choice.message.content, choice.message.refusal
        if refusal:
            raise Rejected(f"The model refuses: {short(refusal)}", usage=usage)
        if choice.finish_reason == "content_filter":
            raise Rejected("The provider's content filter stopped the answer", usage=usage)
        if choice.finish_reason == "length":
            raise InvalidAnswer(TRUNCATED, answer=text or "", usage=usage)
        return Text(read_answer(text, request.answer, usage), usage)

    async def image(self, request: ImageRequest) -> Image:
        """The picture, of the size asked for where the model paints it. Raises ProviderError."""
        model = request.model or self._image_model
        async with self._answered():
            response = await self._paint(model, request)
            usage = self._image_usage(model, response)
            [picture] = response.data or []
            data = base64.b64decode(picture.b64_json or "", validate=True)
        return Image(await read_picture(data, usage), usage)

    async def aclose(self) -> None:
        await self._client.close()

    async def _paint(self, model: str, request: ImageRequest) -> ImagesResponse:
        always_base64 = model.startswith(_ALWAYS_BASE64)
        if request.source is None:
            return await self._client.images.generate(
                model=model,
                prompt=request.words,
                size=_size(model, request),
                output_format="png" if always_base64 else openai.omit,
                response_format=openai.omit if always_base64 else "b64_json",
                extra_headers=payer(request.call),
            )
        media_type = picture_type(request.source)
        return await self._client.images.edit(
            model=model,
            image=(f"source.{media_type.removeprefix('image/')}", request.source, media_type),
            prompt=request.words,
            size=_size(model, request),
            output_format="png" if always_base64 else openai.omit,
            response_format=openai.omit if always_base64 else "b64_json",
            extra_headers=payer(request.call),
        )

    def _text_usage(self, model: str, used: CompletionUsage | None) -> Usage:
        if used is None:
            return Usage(self.name, model)
        return Usage(self.name, model, input_tokens=used.prompt_tokens, output_tokens=used.completion_tokens)

    def _image_usage(self, model: str, response: ImagesResponse) -> Usage:
        pictures, used = len(response.data or []), response.usage
        if used is None:
            return Usage(self.name, model, images=pictures)
        return Usage(
            self.name, model, input_tokens=used.input_tokens, output_tokens=used.output_tokens, images=pictures
        )

    @asynccontextmanager
    async def _answered(self) -> AsyncGenerator[None]:
        """Raises ProviderError for everything that is not an answer, and for an answer that cannot be read."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                yield
        except (openai.APITimeoutError, TimeoutError) as error:
            raise Unavailable(f"The provider did not answer within {self._timeout.total_seconds():g} s") from error
        except openai.APIConnectionError as error:
            raise Unavailable(f"The connection to the provider failed: {error.__cause__ or error}") from error
        except openai.APIStatusError as error:
            raise self._refusal(error) from None  # its text may have the key
        except (openai.OpenAIError, LookupError, ValueError, TypeError, AttributeError) as error:
            # The SDK builds its models without a check: what is not of their shape fails where it is used.
            message = f"The provider's answer is not of the protocol ({type(error).__name__}); check its base URL"
            raise Rejected(message, reason=Reason.PROVIDER_REJECTED) from error

    def _refusal(self, error: openai.APIStatusError) -> ProviderError:
        message = f"The provider answered: {short(error.message.replace(self._key, '***'))}"
        if error.code in _UNPAID:
            return Rejected(message, reason=Reason.PROVIDER_REJECTED)
        if isinstance(error, openai.RateLimitError):
            return Busy(message, retry_after=wait_of(error.response.headers.get("retry-after")))
        if isinstance(error, openai.InternalServerError) or error.status_code in PASSING:
            return Unavailable(message)
        if error.code in _CONTENT:
            return Rejected(message)
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            # Its words are not repeated: OpenAI quotes both ends of the key.
            message = f"The provider answered: Error code: {error.status_code} - the API key is not accepted"
        return Rejected(message, reason=Reason.PROVIDER_REJECTED)


def _conversation(request: TextRequest[Any]) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": request.instructions},
        {"role": "user", "content": json.dumps(dict(request.facts), ensure_ascii=False)},
    ]
    if request.correction is None:
        return messages
    if request.correction.answer:
        messages.append({"role": "assistant", "content": request.correction.answer})
    return [*messages, {"role": "user", "content": request.correction.words}]


def _schema(answer: type[BaseModel]) -> Any:  # noqa: ANN401  # its parameters are a JSON schema, untyped in the SDK
    # The SDK's one public way to the strict form of a schema; a response format calls its parameters `schema`.
    function = openai.pydantic_function_tool(answer)["function"]
    return {"name": function["name"], "strict": True, "schema": function.get("parameters")}


def _size(model: str, request: ImageRequest) -> str:
    width, height = request.width, request.height
    if model.startswith(_FIXED_SIZES):
        width, height = min(_SIZES, key=lambda size: abs(size[0] / size[1] - request.width / request.height))
    return f"{width}x{height}"
