"""What every provider behind HTTP promises a step, each in its vendor's own wire format on the loopback interface."""

import asyncio
import io
import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import PIL.Image
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from headrace.errors import Busy, InvalidAnswer, ProviderError, Rejected, Unavailable
from headrace.provider import Call, Correction, ImageRequest, Provider, TextRequest
from headrace.usage import Usage
from jobs.states import Reason
from kinds.story import StoryOutline
from tests.support.stopwatch import Stopwatch
from tests.support.vendors import INPUT_TOKENS, KEY, OUTPUT_TOKENS, Asked, Gemini, Local, OpenAI, Reply, Vendor

PAGE = {
    "text": "Pim wakes up.",
    "scene": {"setting": "forest", "time_of_day": "dawn", "weather": "clear", "subjects": ["fox"]},
    "picture": "A fox yawns.",
}
OUTLINE = json.dumps({"title": "Füchse", "hero": "a red fox", "style": "watercolour", "pages": [PAGE] * 4})
CALL = Call("job-1", "page:1")
STORY = TextRequest(CALL, "Write a picture book.", {"title": "Füchse", "pages": 4}, StoryOutline, seed=1)
FOX = ImageRequest(CALL, "a fox", {"setting": "forest", "subjects": ["fox"]})
Ask = Callable[[Provider], Awaitable[Any]]


def write(provider: Provider) -> Awaitable[Any]:
    return provider.text(STORY)


def paint(provider: Provider) -> Awaitable[Any]:
    return provider.image(FOX)


class Server:
    """Answers with the replies it is given, in order, and remembers what it was asked."""

    def __init__(self, http: HTTPServer) -> None:
        self.url = http.url_for("").rstrip("/")
        self.requests: list[Request] = []
        self.released = threading.Event()
        self._replies: list[Reply | None] = []
        http.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def will(self, *replies: Reply | None) -> None:
        """None: no answer before the test is over."""
        self._replies.extend(replies)

    def _answer(self, request: Request) -> Response:
        request.get_data(parse_form_data=True)
        self.requests.append(request)
        reply = self._replies.pop(0)
        if reply is None:
            self.released.wait(30)
            return Response(status=500)
        return Response(reply.body, reply.status, dict(reply.headers))


@pytest.fixture
def server(httpserver_ipv4: HTTPServer) -> Iterator[Server]:
    server = Server(httpserver_ipv4)
    yield server
    server.released.set()


def _vendors(monkeypatch: pytest.MonkeyPatch) -> dict[str, Vendor]:
    return {"openai": OpenAI(), "gemini": Gemini(), "local": Local(monkeypatch)}


@pytest.fixture(params=["openai", "gemini", "local"])
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    return _vendors(monkeypatch)[request.param]


@pytest.fixture(params=["openai", "gemini"])
def painter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """A vendor whose models paint."""
    return _vendors(monkeypatch)[request.param]


@pytest.fixture
async def provider(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Provider]:
    name = "painter" if "painter" in request.fixturenames else "vendor"
    vendor: Vendor = request.getfixturevalue(name)
    provider = vendor.open(server.url, timedelta(seconds=10))
    yield provider
    await provider.aclose()


def only(server: Server, vendor: Vendor) -> Asked:
    """What the one request asked for: no SDK repeats a call by itself."""
    [request] = server.requests
    return vendor.asked(request)


# -- Text -------------------------------------------------------------------------------------------------------------


async def test_text_is_validated_and_its_usage_told(provider: Provider, vendor: Vendor, server: Server) -> None:
    server.will(vendor.text(OUTLINE))
    answer = await provider.text(STORY)
    assert answer.value == StoryOutline.model_validate_json(OUTLINE)
    assert answer.usage == Usage(vendor.name, vendor.text_model, INPUT_TOKENS, OUTPUT_TOKENS)
    assert provider.name == vendor.name


async def test_a_model_is_given_instructions_facts_and_the_form_of_the_answer(
    provider: Provider, vendor: Vendor, server: Server
) -> None:
    server.will(vendor.text(OUTLINE))
    await provider.text(STORY)
    asked = only(server, vendor)
    [(_, instructions), (who, facts)] = asked.conversation
    assert (instructions, who, json.loads(facts)) == ("Write a picture book.", "asker", dict(STORY.facts))
    assert "Füchse" in facts, "letters are sent as they are"
    assert set(asked.schema["required"]) == {"title", "hero", "style", "pages"}
    assert (asked.model, asked.key) == (vendor.text_model, KEY)


async def test_a_correction_goes_on_with_the_conversation(provider: Provider, vendor: Vendor, server: Server) -> None:
    server.will(vendor.text(OUTLINE))
    await provider.text(replace(STORY, correction=Correction('{"title": "Pim"}', "pages: Field required")))
    conversation = only(server, vendor).conversation
    assert [who for who, _ in conversation] == ["instructions", "asker", "model", "asker"]
    assert conversation[2][1] == '{"title": "Pim"}'
    assert "pages: Field required" in conversation[3][1]


async def test_a_correction_of_an_empty_answer_quotes_nothing(
    provider: Provider, vendor: Vendor, server: Server
) -> None:
    server.will(vendor.text(OUTLINE))
    await provider.text(replace(STORY, correction=Correction("", "it is empty")))
    assert [who for who, _ in only(server, vendor).conversation] == ["instructions", "asker", "asker"]


async def test_a_request_may_name_another_model(provider: Provider, vendor: Vendor, server: Server) -> None:
    server.will(vendor.text(OUTLINE))
    await provider.text(replace(STORY, model="another-model"))
    assert only(server, vendor).model == "another-model"


async def test_every_call_says_who_pays_for_it(provider: Provider, vendor: Vendor, server: Server) -> None:
    server.will(vendor.text(OUTLINE))
    await provider.text(STORY)
    [request] = server.requests
    names = ("Idempotency-Key", "X-Headrace-Job", "X-Headrace-Step")
    assert [request.headers[name] for name in names] == ["job-1:page:1", "job-1", "page:1"]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ('{"title": "The', "Invalid JSON"),
        ('{"title": "The Fox", "hero": "a fox", "style": "flat"}', "pages: Field required"),
        ("Once upon a time", "Invalid JSON"),
        ("", "it is empty"),
    ],
)
async def test_a_malformed_answer_is_told_with_what_came_back(
    provider: Provider, vendor: Vendor, server: Server, answer: str, fault: str
) -> None:
    server.will(vendor.text(answer))
    with pytest.raises(InvalidAnswer, match=fault) as caught:
        await provider.text(STORY)
    assert (caught.value.reason, caught.value.answer) == (Reason.INVALID_ANSWER, answer)
    assert caught.value.usage == Usage(vendor.name, vendor.text_model, INPUT_TOKENS, OUTPUT_TOKENS), "it was paid for"


async def test_a_truncated_answer_is_called_so(provider: Provider, vendor: Vendor, server: Server) -> None:
    """Even if what there is of it could be read."""
    server.will(vendor.truncated(OUTLINE))
    with pytest.raises(InvalidAnswer, match="truncated") as caught:
        await provider.text(STORY)
    assert (caught.value.reason, caught.value.answer) == (Reason.INVALID_ANSWER, OUTLINE)
    assert caught.value.usage == Usage(vendor.name, vendor.text_model, INPUT_TOKENS, OUTPUT_TOKENS)


async def test_content_that_is_refused_is_rejected(provider: Provider, vendor: Vendor, server: Server) -> None:
    for reply, usage in vendor.refusals():
        server.will(reply)
        with pytest.raises(Rejected) as caught:
            await provider.text(STORY)
        assert (caught.value.reason, caught.value.usage) == (Reason.CONTENT_REJECTED, usage)


# -- No answer --------------------------------------------------------------------------------------------------------


async def test_asked_too_often_is_busy_for_as_long_as_told(provider: Provider, vendor: Vendor, server: Server) -> None:
    server.will(vendor.busy())
    with pytest.raises(Busy, match="Slow down") as caught:
        await provider.text(STORY)
    assert caught.value.retry_after == timedelta(seconds=7)
    only(server, vendor)


async def test_the_wait_may_be_a_date(provider: Provider, vendor: Vendor, server: Server) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.will(vendor.error(429, "Slow down", Retry_After=date))
    with pytest.raises(Busy) as caught:
        await provider.text(STORY)
    assert caught.value.retry_after is not None
    assert timedelta(seconds=80) < caught.value.retry_after <= timedelta(seconds=90)


async def test_the_wait_may_be_left_open(provider: Provider, vendor: Vendor, server: Server) -> None:
    server.will(vendor.error(429, "Slow down"))
    with pytest.raises(Busy) as caught:
        await provider.text(STORY)
    assert caught.value.retry_after is None


async def test_server_errors_are_unavailable(provider: Provider, vendor: Vendor, server: Server) -> None:
    """In the vendor's form, or as the page of a proxy."""
    for status in (408, 409, 500, 502, 503, 504, 529):
        page = Reply("<html>Bad gateway</html>", status, {"Content-Type": "text/html"})
        for reply in (page, vendor.error(status, "Overloaded")):
            server.requests.clear()
            server.will(reply)
            with pytest.raises(Unavailable, match=str(status)) as caught:
                await provider.text(STORY)
            assert caught.value.reason is Reason.PROVIDER_UNAVAILABLE
            only(server, vendor)


async def test_a_slow_answer_is_unavailable(vendor: Vendor, server: Server) -> None:
    server.will(None)
    provider = vendor.open(server.url, timedelta(milliseconds=300))
    watch = Stopwatch()
    with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
        await provider.text(STORY)
    assert watch.took.net < 2
    await provider.aclose()


async def test_a_refused_connection_is_unavailable(vendor: Vendor) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        provider = vendor.open(f"http://127.0.0.1:{nobody_listens.getsockname()[1]}", timedelta(seconds=10))
        with pytest.raises(Unavailable, match="connection to the provider failed"):
            await provider.text(STORY)
        await provider.aclose()


async def test_an_answer_cut_off_is_unavailable(vendor: Vendor) -> None:
    closed = asyncio.Event()

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"')
        await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        closed.set()

    async with await asyncio.start_server(cut, "127.0.0.1", 0) as cutting:
        provider = vendor.open(f"http://127.0.0.1:{cutting.sockets[0].getsockname()[1]}", timedelta(seconds=10))
        with pytest.raises(Unavailable, match="connection to the provider failed"):
            await provider.text(STORY)
        await provider.aclose()
        await closed.wait()


async def test_a_bad_key_is_told_without_the_key(provider: Provider, vendor: Vendor, server: Server) -> None:
    server.will(vendor.bad_key())
    with pytest.raises(Rejected, match="the API key is not accepted") as caught:
        await provider.text(STORY)
    assert caught.value.reason is Reason.PROVIDER_REJECTED
    assert KEY not in whole_story(caught.value)
    assert KEY[-4:] not in whole_story(caught.value)


async def test_a_call_refused_for_itself_is_rejected_without_the_key(
    provider: Provider, vendor: Vendor, server: Server
) -> None:
    for status in (400, 401, 403, 404, 422):
        server.will(vendor.error(status, f"Something is wrong with {KEY}"))
        with pytest.raises(Rejected, match=str(status)) as caught:
            await provider.text(STORY)
        assert caught.value.reason is Reason.PROVIDER_REJECTED
        assert KEY not in whole_story(caught.value)


@pytest.mark.parametrize("ask", [write, paint])
@pytest.mark.parametrize("body", ["[]", "<html>Sign in</html>", '{"choices": null, "candidates": 7}'])
async def test_what_is_not_of_the_protocol_is_rejected(
    provider: Provider, painter: Vendor, server: Server, ask: Ask, body: str
) -> None:
    """Another server answers at this address: nothing that a repeat would mend."""
    server.will(Reply(body, 200, {"Content-Type": "application/json"}))
    with pytest.raises(Rejected, match="not of the protocol") as caught:
        await ask(provider)
    assert caught.value.reason is Reason.PROVIDER_REJECTED
    only(server, painter)


# -- Pictures ---------------------------------------------------------------------------------------------------------


async def test_a_picture_and_its_usage(provider: Provider, painter: Vendor, server: Server) -> None:
    server.will(painter.picture(picture("PNG")))
    image = await provider.image(FOX)
    assert image.png == picture("PNG")
    assert image.usage == Usage(painter.name, painter.image_model, INPUT_TOKENS, OUTPUT_TOKENS, images=1)
    asked = only(server, painter)
    assert (asked.model, asked.shape, asked.conversation) == (painter.image_model, painter.shape, [("asker", "a fox")])


async def test_a_picture_of_another_form_becomes_a_png(provider: Provider, painter: Vendor, server: Server) -> None:
    server.will(painter.picture(picture("WEBP")))
    image = await provider.image(FOX)
    with PIL.Image.open(io.BytesIO(image.png)) as opened:
        assert (opened.format, opened.size) == ("PNG", (8, 6))


@pytest.mark.parametrize(("form", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
async def test_a_source_is_redrawn_in_the_style_asked_for(
    provider: Provider, painter: Vendor, server: Server, form: str, media_type: str
) -> None:
    server.will(painter.picture(picture("PNG")))
    source = picture(form)
    await provider.image(replace(FOX, source=source, style="line_art", model="another-model"))
    asked = only(server, painter)
    assert asked.source == (media_type, source)
    [(_, prompt)] = asked.conversation
    assert prompt.startswith("a fox\n\n")
    assert "black outlines" in prompt
    assert (asked.model, asked.shape) == ("another-model", painter.shape)


async def test_a_picture_that_is_refused_is_rejected(provider: Provider, painter: Vendor, server: Server) -> None:
    for reply in painter.image_refusals():
        server.will(reply)
        with pytest.raises(Rejected) as caught:
            await provider.image(FOX)
        assert caught.value.reason is Reason.CONTENT_REJECTED


@pytest.mark.parametrize("spoil", ["no picture", "cut short", "too large"])
async def test_a_picture_of_no_use_is_told_with_its_usage(
    provider: Provider, painter: Vendor, server: Server, spoil: str
) -> None:
    """Before it is saved as a step that was paid for."""
    spoilt = {"no picture": b"GIF89a, or not", "cut short": picture("PNG")[:-20], "too large": picture("PNG", 7000)}
    server.will(painter.picture(spoilt[spoil]))
    with pytest.raises(InvalidAnswer, match="megapixels" if spoil == "too large" else "not a picture") as caught:
        await provider.image(FOX)
    assert caught.value.usage == Usage(painter.name, painter.image_model, INPUT_TOKENS, OUTPUT_TOKENS, images=1)


async def test_a_picture_is_converted_beside_the_event_loop(
    provider: Provider, painter: Vendor, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    load = PIL.Image.Image.load

    def noted(image: PIL.Image.Image) -> object:
        threads.append(threading.current_thread())
        return load(image)

    server.will(painter.picture(picture("BMP")))
    monkeypatch.setattr(PIL.Image.Image, "load", noted)
    await provider.image(FOX)
    assert threads
    assert threading.main_thread() not in threads


def picture(form: str, width: int = 8) -> bytes:
    data = io.BytesIO()
    PIL.Image.new("1" if width > 8 else "RGB", (width, 6000 if width > 8 else 6), "white").save(data, form)
    return data.getvalue()


def whole_story(error: ProviderError) -> str:
    """All that a log may show of an error: its text and that of what it came from."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        told.append(repr(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return " ".join(told)
