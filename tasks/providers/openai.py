"""OpenAI, and whatever else speaks its protocol at a base URL of its own."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import openai
from pydantic import ValidationError

from jobs.states import Reason
from tasks.errors import Busy, ProviderError, Rejected, Unavailable
from tasks.providers.base import Answer, Call, Image, ImageRequest, Text, TextRequest, Usage

CONNECT_WITHIN = timedelta(seconds=5)
PNG = b"\x89PNG\r\n\x1a\n"

_CONTENT = frozenset({"content_policy_violation", "moderation_blocked", "invalid_prompt", "content_filter"})
"""Codes of a 400 that is about the content: of pictures by two generations of models, of text, and Azure's for both."""
_PASSING = frozenset({408, 409})
"""Refusals below 500 that pass by themselves: too slow, and in conflict with another call."""
_ALWAYS_BASE64 = ("gpt-image-", "chatgpt-image-")
"""Models that refuse to be asked for base64, because they answer nothing else; they are asked for PNG."""
_LONGEST_MESSAGE = 500


class OpenAIProvider:
    """Text from chat completions with a JSON schema, pictures from image generations. No call is made twice.

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

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        """The model's answer to the facts under the instructions. Raises ProviderError."""
        facts = json.dumps(dict(request.facts), ensure_ascii=False)
        async with self._answered():
            completion = await self._client.chat.completions.parse(
                model=self._text_model,
                messages=[{"role": "system", "content": request.instructions}, {"role": "user", "content": facts}],
                response_format=request.answer,
                seed=request.seed,
                extra_headers=_payer(request.call),
            )
            message = completion.choices[0].message
        if message.refusal:
            raise Rejected(f"The model refuses: {_short(message.refusal)}")
        if message.parsed is None:
            raise _invalid("it is empty")
        used = completion.usage
        return Text(
            message.parsed,
            Usage(
                self.name,
                completion.model or self._text_model,
                input_tokens=used.prompt_tokens if used else 0,
                output_tokens=used.completion_tokens if used else 0,
            ),
        )

    async def image(self, request: ImageRequest) -> Image:
        """The picture, of the size asked for. Raises ProviderError."""
        always_base64 = self._image_model.startswith(_ALWAYS_BASE64)
        async with self._answered():
            response = await self._client.images.generate(
                model=self._image_model,
                prompt=request.prompt,
                size=f"{request.width}x{request.height}",
                output_format="png" if always_base64 else openai.omit,
                response_format=openai.omit if always_base64 else "b64_json",
                extra_headers=_payer(request.call),
            )
            [picture] = response.data or []
            png = base64.b64decode(picture.b64_json or "", validate=True)
        if not png.startswith(PNG):
            raise _invalid("it is not a PNG")
        used = response.usage
        return Image(
            png,
            Usage(
                self.name,
                self._image_model,
                input_tokens=used.input_tokens if used else 0,
                output_tokens=used.output_tokens if used else 0,
                images=1,
            ),
        )

    async def aclose(self) -> None:
        await self._client.close()

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
        except openai.ContentFilterFinishReasonError as error:
            raise Rejected("The provider's content filter stopped the answer") from error
        except openai.LengthFinishReasonError as error:
            raise _invalid("it was cut at the model's longest output") from error
        except ValidationError as error:
            raise _invalid(_first(error)) from error
        except (openai.OpenAIError, LookupError, ValueError, TypeError, AttributeError) as error:
            # The SDK builds its models without a check: what is not of their shape fails where it is used.
            raise _invalid(f"it is not of the protocol ({type(error).__name__})") from error

    def _refusal(self, error: openai.APIStatusError) -> ProviderError:
        message = f"The provider answered: {_short(error.message.replace(self._key, '***'))}"
        if isinstance(error, openai.RateLimitError):
            return Busy(message, retry_after=_told_wait(error.response.headers.get("retry-after")))
        if isinstance(error, openai.InternalServerError) or error.status_code in _PASSING:
            return Unavailable(message)
        if error.code in _CONTENT:
            return Rejected(message)
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            # Its words are not repeated: OpenAI quotes both ends of the key.
            message = f"The provider answered: Error code: {error.status_code} - the API key is not accepted"
        return Rejected(message, reason=Reason.PROVIDER_REJECTED)


def _payer(call: Call) -> dict[str, str]:
    return {"Idempotency-Key": call.key, "X-Headrace-Job": call.job_id, "X-Headrace-Step": call.step}


def _told_wait(told: str | None) -> timedelta | None:
    """A Retry-After header, in seconds or as a date; None when it says nothing that can be understood."""
    if told is None:
        return None
    with suppress(ValueError, OverflowError):
        return max(timedelta(seconds=float(told)), timedelta(0))
    with suppress(ValueError, TypeError):  # not a date; a date without a zone
        return max(parsedate_to_datetime(told) - datetime.now(UTC), timedelta(0))
    return None


def _invalid(why: str) -> Rejected:
    return Rejected(f"The provider's answer is of no use: {why}", reason=Reason.PROVIDER_REJECTED)


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, fault["loc"]))
    return f"{where}: {fault['msg']}" if where else fault["msg"]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}..."
