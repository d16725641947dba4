"""A worker's health over HTTP, for platforms that want a port: `/health/live`, `/health/ready`, `/health/startup`."""

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog

from tasks.engine.watchdog import Watchdog

log = structlog.stdlib.get_logger("headrace.health")


class HealthServer:
    """Answers from the watchdog's observations alone, so that no answer waits for Redis."""

    def __init__(self, port: int, watchdog: Watchdog) -> None:
        checks = {
            "/health/live": watchdog.alive,
            "/health/ready": watchdog.consumes,
            "/health/startup": watchdog.started,
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # http.server's name
                check = checks.get(self.path)
                if check is None:
                    self._answer(HTTPStatus.NOT_FOUND, "not_found")
                elif check():
                    self._answer(HTTPStatus.OK, "ok")
                else:
                    self._answer(HTTPStatus.SERVICE_UNAVAILABLE, watchdog.fault() or "not_ready")

            def _answer(self, status: HTTPStatus, word: str) -> None:
                body = json.dumps({"status": word}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's signature
                log.debug(format, *args)

        # A platform's probe comes from outside the container, so the port is open to it; it says nothing but health.
        self._server = ThreadingHTTPServer(("0.0.0.0", port), Handler)  # noqa: S104
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
