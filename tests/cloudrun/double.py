"""A loopback Cloud Run: the APIs that gcloud calls, over one plain-HTTP port that gcloud takes for its proxy.

As a proxy it hears of every request, whatever the host, so no name is looked up and nothing leaves this machine.
Services, jobs and worker pools run as real processes. It does not model quotas, cold starts, instance counts above
one, liveness restarts or what Google's servers check about arguments.
"""

import json
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.cloudrun.containers import Registry, Runtime
from tests.cloudrun.identity import Identity
from tests.cloudrun.jobs import Jobs
from tests.cloudrun.logs import Logs
from tests.cloudrun.secrets import Secrets
from tests.cloudrun.services import Services
from tests.cloudrun.wire import REGION, ApiError, Json, Request, Route, not_found
from tests.cloudrun.worker_pools import WorkerPools

GRPC_HOST = f"{REGION}-run.loopback"


class CloudRun:
    def __init__(self) -> None:
        self.logs = Logs()
        self.secrets = Secrets()
        self.registry = Registry()
        self.projects: dict[str, set[str]] = {}
        """The APIs that are enabled, by project."""
        self.asked: list[str] = []
        """`METHOD host/path` of every request."""
        self.refused: list[str] = []
        """Where gcloud wanted to go that is not here."""
        self.grpc_port: int | None = None
        self._runtime = Runtime(self.registry, self.secrets, self.logs)
        self._identity = Identity()
        self.services = Services(self._runtime, self._identity)
        self.jobs = Jobs(self._runtime)
        self.worker_pools = WorkerPools(self._runtime)
        self._routes = [
            *self.services.routes(),
            *self.jobs.routes(),
            *self.worker_pools.routes(),
            *self._identity.routes(),
            *self.secrets.routes(),
            *self.registry.routes(),
            *self.logs.routes(),
            Route.of("GET", r"/v1/projects/([^/]+)", self._project),
            Route.of("GET", r"/v1/projects/([^/]+)/services", self._enabled),
            Route.of("GET", r"/v1/projects/([^/]+)/services/([^/]+)", self._is_enabled),
        ]

    def start(self) -> None:
        class Handler(_Handler):
            cloud = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.services.close()
        self._runtime.close()

    def answer(self, request: Request) -> Json:
        """Raises ApiError."""
        self.asked.append(f"{request.method} {request.host}{request.path}")
        for route in self._routes:
            found = route.pattern.fullmatch(request.path) if route.method == request.method else None
            if found:
                return route.handler(request, *found.groups())
        self.refused.append(f"{request.method} {request.host}{request.path}")
        raise ApiError(404, "NOT_FOUND", f"The double has no {request.method} {request.path}")

    def _project(self, _: Request, project: str) -> Json:
        if project not in self.projects:
            raise ApiError(403, "PERMISSION_DENIED", "The caller does not have permission")
        return {"projectId": project, "projectNumber": "123456789", "lifecycleState": "ACTIVE", "name": project}

    def _enabled(self, _: Request, project: str) -> Json:
        names = sorted(self.projects[project])
        return {
            "services": [
                {"name": f"projects/{project}/services/{name}", "state": "ENABLED", "config": {"name": name}}
                for name in names
            ]
        }

    def _is_enabled(self, _: Request, project: str, api: str) -> Json:
        if project not in self.projects:
            raise not_found(project)
        state = "ENABLED" if api in self.projects[project] else "DISABLED"
        return {"name": f"projects/{project}/services/{api}", "state": state, "config": {"name": api}}


class _Handler(BaseHTTPRequestHandler):
    cloud: CloudRun
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = 200
        try:
            body = self.cloud.answer(Request.parse(self.command, self.path, raw))
        except ApiError as error:
            status, body = error.code, error.body
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # http.server's names

    def do_CONNECT(self) -> None:
        """A tunnel to the gRPC server, which is all that gcloud may speak TLS with."""
        self.close_connection = True
        if self.path != f"{GRPC_HOST}:443" or self.cloud.grpc_port is None:
            self.cloud.refused.append(f"CONNECT {self.path}")
            self.send_error(403)
            return
        with socket.create_connection(("127.0.0.1", self.cloud.grpc_port)) as far:
            self.send_response(200, "Connection established")
            self.end_headers()
            self.wfile.flush()
            _tunnel(self.connection, far)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's signature
        """`asked` has it."""


def _tunnel(near: socket.socket, far: socket.socket) -> None:
    while True:
        for source in select.select([near, far], [], [])[0]:
            piece = source.recv(65536)
            if not piece:
                return
            (far if source is near else near).sendall(piece)
