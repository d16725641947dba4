"""`headrace demo` when the API goes away while it watches: it says so and ends."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from cli.demo import tell_story
from cli.stack import Ports, Stack, StackFailed


class Api(BaseHTTPRequestHandler):
    """Takes a story; its events are answered with `status`, or not at all."""

    status: int | None
    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202, {"id": "a-job"})

    def do_GET(self) -> None:
        type(self).asked += 1
        if self.status is not None:
            self._answer(self.status, {"detail": "no"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
        pass

    def _answer(self, status: int, body: dict[str, str]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


@pytest.fixture
def api() -> Iterator[tuple[type[Api], Stack]]:
    class OneApi(Api):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), OneApi) as server:
        threading.Thread(target=server.serve_forever).start()
        yield OneApi, Stack(Ports(api=server.server_port))
        server.shutdown()


def _tell(stack: Stack) -> None:
    tell_story(stack, {"title": "A", "prompt": "B", "pages": 4}, Console(quiet=True))


@pytest.mark.parametrize("status", [503, None])
def test_a_broken_stream_is_taken_up_a_few_times(
    api: tuple[type[Api], Stack], status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.demo.AGAIN_EVERY", 0.01)
    monkeypatch.setattr("cli.demo.TRIES", 3)
    answers, stack = api
    answers.status = status
    with pytest.raises(StackFailed, match="does not answer any more"):
        _tell(stack)
    assert answers.asked == 3


@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_is_gone_is_said_at_once(api: tuple[type[Api], Stack], status: int) -> None:
    answers, stack = api
    answers.status = status
    with pytest.raises(StackFailed, match=f"does not answer as it should: Client error '{status} [^\\n]*$"):
        _tell(stack)
    assert answers.asked == 1
