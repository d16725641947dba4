"""What is OpenAI's own beside the contract of all providers: its codes, its headers, and calls that end early."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from headrace.errors import Busy, ProviderError, Rejected, Unavailable
from headrace.provider import Call, ImageRequest, Provider, TextRequest
from jobs.states import Reason
from kinds.story import StoryOutline
from tasks.providers.openai import OpenAIProvider
from tests.support.counting_provider import CountingProvider, Fault
from tests.support.waiting import wait_until

KEY = "sk-proj-abcdefghijklmnop"
OpenProvider = Callable[..., OpenAIProvider]


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingProvider]:
    folder = tmp_path_factory.mktemp("counting")
    server = CountingProvider(ledger=folder / "ledger", log=folder / "log")
    yield server
    server.end()


@pytest.fixture
async def server(counting: CountingProvider) -> CountingProvider:
    await wait_until(counting.answers, within=15, what="the counting provider answers")
    counting.heal()
    return counting


@pytest.fixture
async def open_provider(server: CountingProvider) -> AsyncIterator[OpenProvider]:
    opened: list[OpenAIProvider] = []

    def open_it(**changes: Any) -> OpenAIProvider:  # noqa: ANN401  # arguments of the provider
        arguments: dict[str, Any] = {
            "api_key": KEY,
            "base_url": server.url,
            "text_model": "gpt-5.4-mini",
            "image_model": "gpt-image-2",
            "timeout": timedelta(seconds=10),
        }
        opened.append(OpenAIProvider(**arguments | changes))
        return opened[-1]

    yield open_it
    for provider in opened:
        await provider.aclose()


@pytest.fixture
def provider(open_provider: OpenProvider) -> Provider:
    return open_provider()


@pytest.fixture
def call() -> Call:
    return Call(str(uuid4()), "outline")


def story(call: Call) -> TextRequest[StoryOutline]:
    facts = {"title": "Füchse", "prompt": "a fox in the forest", "pages": 5}
    return TextRequest(call, "Write a picture book.", facts, StoryOutline, seed=1)


def fox(call: Call) -> ImageRequest:
    return ImageRequest(call, "a fox", {"setting": "forest"}, width=1024, height=768)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("retry_after", "told"),
    [
        (7, timedelta(seconds=7)),
        ("1.5", timedelta(seconds=1.5)),
        ("-3", timedelta(0)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta(0)),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
        ("soon", None),
        ("nan", None),
        ("1e400", None),
        (None, None),
    ],
)
async def test_too_many_calls_are_busy_for_as_long_as_told(
    provider: Provider, server: CountingProvider, call: Call, retry_after: int | str | None, told: timedelta | None
) -> None:
    server.fail_next(Fault(status=429, retry_after=retry_after, code="rate_limit_exceeded", message="Slow down"))
    with pytest.raises(Busy, match="429 - Slow down") as caught:
        await provider.text(story(call))
    assert caught.value.retry_after == told
    assert server.calls(call.job_id) == ["outline"], "the SDK does not retry"


async def test_an_answer_that_trickles_in_is_unavailable(open_provider: OpenProvider, call: Call) -> None:
    """The time limit is for the whole call, not for each piece of the answer."""

    async def trickle(writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async with answering(trickle) as url:
        with pytest.raises(Unavailable, match=r"within 0\.3 s"):
            await open_provider(base_url=url, timeout=timedelta(milliseconds=300)).image(fox(call))


@pytest.mark.parametrize("code", ["content_policy_violation", "moderation_blocked", "invalid_prompt", "content_filter"])
async def test_content_against_the_policy_is_rejected(
    provider: Provider, server: CountingProvider, call: Call, code: str
) -> None:
    server.fail_next(Fault(status=400, code=code, message="Rejected by our safety system"))
    with pytest.raises(Rejected, match="safety system") as caught:
        await provider.image(fox(call))
    assert caught.value.reason is Reason.CONTENT_REJECTED


async def test_an_account_without_money_is_not_waited_for(
    provider: Provider, server: CountingProvider, call: Call
) -> None:
    """OpenAI says it with the status of a call too many."""
    server.fail_next(Fault(status=429, code="insufficient_quota", message="You exceeded your current quota"))
    with pytest.raises(Rejected, match="current quota") as caught:
        await provider.text(story(call))
    assert caught.value.reason is Reason.PROVIDER_REJECTED


async def test_the_ends_of_a_bad_key_are_not_told(provider: Provider, server: CountingProvider, call: Call) -> None:
    """OpenAI quotes them."""
    server.fail_next(Fault(status=401, code="invalid_api_key", message="Incorrect API key provided: sk-proj-****mnop"))
    with pytest.raises(Rejected, match="the API key is not accepted") as caught:
        await provider.text(story(call))
    assert "mnop" not in whole_story(caught.value)


@pytest.mark.parametrize(
    ("body", "why", "reason"),
    [
        ('{"created": 1, "data": [{"b64_json": "R0lGODlh"}]}', "not a picture", Reason.INVALID_ANSWER),
        ('{"created": 1, "data": [{"url": "https://example.com/fox.png"}]}', "not a picture", Reason.INVALID_ANSWER),
        ('{"created": 1, "data": [{"b64_json": "no base64!"}]}', "not of the protocol", Reason.PROVIDER_REJECTED),
        ('{"created": 1, "data": []}', "not of the protocol", Reason.PROVIDER_REJECTED),
        ('{"created": 1}', "not of the protocol", Reason.PROVIDER_REJECTED),
    ],
)
async def test_a_picture_of_no_use_is_rejected(
    provider: Provider, server: CountingProvider, call: Call, body: str, why: str, reason: Reason
) -> None:
    server.fail_next(Fault(status=200, body=body))
    with pytest.raises(Rejected, match=why) as caught:
        await provider.image(fox(call))
    assert caught.value.reason is reason


async def test_a_cancelled_call_is_aborted_at_once(provider: Provider, server: CountingProvider, call: Call) -> None:
    server.fail_next(Fault(delay=60))
    asking = asyncio.create_task(provider.image(fox(call)))
    await wait_until(lambda: server.calls(call.job_id), within=5, what="the call arrives")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await wait_until(lambda: server.aborted(call.job_id), within=1, what="the server sees the client go")
    assert server.answered(call.job_id) == []


@asynccontextmanager
async def answering(body: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncGenerator[str]:
    """The base URL of a server that promises a long answer to its one call and then sends `body`."""
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
        await body(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        await ended.wait()


def whole_story(error: ProviderError) -> str:
    """All that a log may show of an error: its text and that of what it came from."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        told.append(repr(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return " ".join(told)
