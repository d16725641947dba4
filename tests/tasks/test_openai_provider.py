"""The OpenAI provider over real HTTP: answers, what a call says of its payer, and every way not to be answered."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest

from jobs.kinds.story import StoryOutline
from jobs.states import Reason
from tasks.errors import Busy, ProviderError, Rejected, Unavailable
from tasks.providers.base import Call, ImageRequest, Provider, TextRequest, Usage
from tasks.providers.openai import OpenAIProvider
from tests.support.counting_provider import CountingProvider, Fault, choice
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
    return TextRequest(call, "story", "Write a picture book.", facts, StoryOutline, seed=1)


def fox(call: Call) -> ImageRequest:
    return ImageRequest(call, "a fox", {"setting": "forest"}, width=1024, height=768)


def completion(**changes: Any) -> str:  # noqa: ANN401  # fields of a choice
    """The body of a chat completion with one choice."""
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice(**changes)]})


async def test_a_story_and_its_usage(provider: Provider, call: Call) -> None:
    answer = await provider.text(story(call))
    assert answer.value.title == "Füchse"
    assert len(answer.value.pages) == 5
    assert answer.usage == Usage("openai", "gpt-5.4-mini", input_tokens=120, output_tokens=340)


async def test_a_picture_and_its_usage(provider: Provider, call: Call) -> None:
    image = await provider.image(fox(call))
    assert image.png.startswith(b"\x89PNG\r\n\x1a\n")
    assert image.usage == Usage("openai", "gpt-image-2", input_tokens=30, output_tokens=1056, images=1)
    assert image.stand_ins == []


async def test_every_call_says_who_pays_for_it(provider: Provider, server: CountingProvider, call: Call) -> None:
    await provider.text(story(call))
    await provider.image(fox(Call(call.job_id, "page:1")))
    assert [(noted.step, noted.kind, noted.key, noted.event) for noted in server.noted(call.job_id)] == [
        ("outline", "text", f"{call.job_id}:outline", "arrived"),
        ("outline", "text", f"{call.job_id}:outline", "answered"),
        ("page:1", "image", f"{call.job_id}:page:1", "arrived"),
        ("page:1", "image", f"{call.job_id}:page:1", "answered"),
    ]


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


async def test_a_wait_can_be_told_as_a_date(provider: Provider, server: CountingProvider, call: Call) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.fail_next(Fault(status=429, retry_after=date))
    with pytest.raises(Busy) as caught:
        await provider.image(fox(call))
    assert caught.value.retry_after is not None
    assert timedelta(seconds=80) < caught.value.retry_after <= timedelta(seconds=90)


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 529])
async def test_server_errors_are_unavailable(
    provider: Provider, server: CountingProvider, call: Call, status: int
) -> None:
    server.fail_next(Fault(status=status, body="<html>Bad gateway</html>"))
    with pytest.raises(Unavailable, match=str(status)) as caught:
        await provider.text(story(call))
    assert caught.value.reason is Reason.PROVIDER_UNAVAILABLE
    assert server.calls(call.job_id) == ["outline"], "the SDK does not retry"


async def test_a_slow_answer_is_unavailable(open_provider: OpenProvider, server: CountingProvider, call: Call) -> None:
    server.fail_next(Fault(delay=60))
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"within 0\.3 s"):
        await open_provider(timeout=timedelta(milliseconds=300)).text(story(call))
    assert time.monotonic() - started < 2
    await wait_until(lambda: server.aborted(call.job_id), within=2, what="the server sees the client go")


async def test_an_answer_that_trickles_in_is_unavailable(open_provider: OpenProvider, call: Call) -> None:
    """The time limit is for the whole call, not for each piece of the answer."""

    async def trickle(writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async with answering(trickle) as url:
        with pytest.raises(Unavailable, match=r"within 0\.3 s"):
            await open_provider(base_url=url, timeout=timedelta(milliseconds=300)).image(fox(call))


async def test_an_answer_cut_off_is_unavailable(open_provider: OpenProvider, call: Call) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"id": ')
        await writer.drain()

    async with answering(cut) as url:
        with pytest.raises(Unavailable, match="connection to the provider failed"):
            await open_provider(base_url=url).image(fox(call))


async def test_a_refused_connection_is_unavailable(open_provider: OpenProvider, call: Call) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}/v1"
        with pytest.raises(Unavailable, match="connection to the provider failed"):
            await open_provider(base_url=url).text(story(call))


@pytest.mark.parametrize("code", ["content_policy_violation", "moderation_blocked", "invalid_prompt", "content_filter"])
async def test_content_against_the_policy_is_rejected(
    provider: Provider, server: CountingProvider, call: Call, code: str
) -> None:
    server.fail_next(Fault(status=400, code=code, message="Rejected by our safety system"))
    with pytest.raises(Rejected, match="safety system") as caught:
        await provider.image(fox(call))
    assert caught.value.reason is Reason.CONTENT_REJECTED


@pytest.mark.parametrize(
    "body",
    [
        completion(content="", finish_reason="content_filter"),
        completion(content=None, refusal="I cannot help with that."),
    ],
)
async def test_a_model_that_refuses_rejects_the_content(
    provider: Provider, server: CountingProvider, call: Call, body: str
) -> None:
    server.fail_next(Fault(status=200, body=body))
    with pytest.raises(Rejected) as caught:
        await provider.text(story(call))
    assert caught.value.reason is Reason.CONTENT_REJECTED


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_call_refused_for_itself_is_rejected_without_the_key(
    provider: Provider, server: CountingProvider, call: Call, status: int
) -> None:
    server.fail_next(Fault(status=status, message=f"Something is wrong with {KEY}"))
    with pytest.raises(Rejected, match=str(status)) as caught:
        await provider.text(story(call))
    assert caught.value.reason is Reason.PROVIDER_REJECTED
    assert KEY not in whole_story(caught.value)


async def test_the_ends_of_a_bad_key_are_not_told(provider: Provider, server: CountingProvider, call: Call) -> None:
    """OpenAI quotes them."""
    server.fail_next(Fault(status=401, code="invalid_api_key", message="Incorrect API key provided: sk-proj-****mnop"))
    with pytest.raises(Rejected, match="the API key is not accepted") as caught:
        await provider.text(story(call))
    assert "mnop" not in whole_story(caught.value)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (completion(content='{"title": "The', finish_reason="length"), "it was cut"),
        (completion(content='{"title": "The'), "Invalid JSON"),
        (completion(content='{"title": "The Fox", "hero": "a fox"}'), "pages: Field required"),
        (completion(content=None), "it is empty"),
        ('{"choices": []}', "not of the protocol"),
        ('{"choices": null}', "not of the protocol"),
        ("[]", "not of the protocol"),
        ("<html>Sign in</html>", "not of the protocol"),
    ],
)
async def test_text_of_no_use_is_rejected(
    provider: Provider, server: CountingProvider, call: Call, body: str, why: str
) -> None:
    """A repeat would be paid for again, and likely for the same."""
    server.fail_next(Fault(status=200, body=body))
    with pytest.raises(Rejected, match=why) as caught:
        await provider.text(story(call))
    assert caught.value.reason is Reason.PROVIDER_REJECTED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"created": 1, "data": [{"b64_json": "R0lGODlhAQABAAAAACw="}]}', "not a PNG"),
        ('{"created": 1, "data": [{"url": "https://example.com/fox.png"}]}', "not a PNG"),
        ('{"created": 1, "data": [{"b64_json": "no base64!"}]}', "not of the protocol"),
        ('{"created": 1, "data": []}', "not of the protocol"),
        ('{"created": 1}', "not of the protocol"),
    ],
)
async def test_a_picture_of_no_use_is_rejected(
    provider: Provider, server: CountingProvider, call: Call, body: str, why: str
) -> None:
    server.fail_next(Fault(status=200, body=body))
    with pytest.raises(Rejected, match=why) as caught:
        await provider.image(fox(call))
    assert caught.value.reason is Reason.PROVIDER_REJECTED


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
