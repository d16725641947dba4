"""The front end of a service: checks who calls, sends each request to a revision, streams the answer, logs it."""

import http.client
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from tests.cloudrun.wire import ApiError

if TYPE_CHECKING:
    from tests.cloudrun.services import Revision, Service

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host"}


class Front:
    """An address of a service on the loopback interface."""

    def __init__(self, service: "Service", tag: str) -> None:
        class Handler(_Handler):
            pass

        Handler.service, Handler.tag = service, tag
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    service: "Service"
    tag: str
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        refused = self.service.refuses(self.tag, {name.lower(): value for name, value in self.headers.items()})
        revision = self.service.pick(self.tag)
        if refused or revision is None:
            self._answer(refused or HTTPStatus.NOT_FOUND)
            return
        started = time.monotonic()
        status = self._forward(revision, body)
        severity = "ERROR" if status >= 500 else "WARNING" if status >= 400 else "INFO"
        request = {
            "requestMethod": self.command,
            "requestUrl": f"{self.service.url}{self.path}",
            "status": status,
            "latency": f"{time.monotonic() - started:.6f}s",
        }
        self.service.log_request(revision, severity, request)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815  # http.server's names

    def _forward(self, revision: "Revision", body: bytes) -> int:
        """Returns the status that the caller saw."""
        seconds = float(revision.template["spec"].get("timeoutSeconds", 300))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        try:
            connection = http.client.HTTPConnection("127.0.0.1", revision.start(), timeout=seconds)
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
        except (ApiError, OSError, http.client.HTTPException):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
            return HTTPStatus.SERVICE_UNAVAILABLE
        try:
            self._relay(answer)
        finally:
            connection.close()
        return answer.status

    def _relay(self, answer: http.client.HTTPResponse) -> None:
        """Passes on every piece as it comes, so that event streams do stream."""
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"date", "server"}:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        try:
            while piece := answer.read1(65536):
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            return  # the caller went away

    def _answer(self, status: HTTPStatus) -> None:
        text = status.phrase.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's signature
        """Requests are logged as Cloud Run does, not printed."""
