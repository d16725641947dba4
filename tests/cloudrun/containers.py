"""Containers, stood in for by processes of this checkout: the image says which command, as its Dockerfile does."""

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

from tests.cloudrun.logs import Logs
from tests.cloudrun.secrets import Secrets
from tests.cloudrun.wire import ApiError, Json, Request, Route, not_found
from tests.support import leash
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
KILL_AFTER = 10.0
"""Seconds between SIGTERM and SIGKILL, as on Cloud Run."""
START_PERIOD = 0.1
"""Seconds between two probes here; a probe's own period counts for how long it may take in all."""

Open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Registry:
    """Artifact Registry: an image is the command that its containers run, with `$PORT` where it listens."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}
        self._commands: dict[str, str] = {}

    def routes(self) -> list[Route]:
        repository = r"/v1/(projects/[^/]+/locations/[^/]+/repositories/[^/]+)"
        package = r"/v1/projects/([^/]+)/locations/([^/]+)/repositories/([^/]+)/packages/([^/]+)"
        return [
            Route.of("GET", repository, self._repository),
            Route.of("GET", rf"{package}/tags/([^/]+)", self._tag),
            Route.of("GET", rf"{package}/versions/([^/]+)", self._version),
        ]

    def push(self, image: str, command: str) -> str:
        """Stores an image under its tag, as `host/project/repository/name:tag`. Returns its digest."""
        digest = f"sha256:{uuid4().hex}{uuid4().hex}"
        self._digests[image] = digest
        self._commands[f"{image.rsplit(':', 1)[0]}@{digest}"] = command
        return digest

    def command(self, image: str) -> list[str]:
        """Raises ApiError. Deployed by tag, an image is whatever the tag points to now."""
        known = f"{image.rsplit(':', 1)[0]}@{self._digests[image]}" if image in self._digests else image
        if known not in self._commands:
            raise ApiError(400, "FAILED_PRECONDITION", f"Image '{image}' not found.")
        return ["sh", "-c", f"exec {self._commands[known]}"]

    def _repository(self, _: Request, name: str) -> Json:
        return {"name": name, "format": "DOCKER"}

    def _tag(self, _: Request, project: str, location: str, repository: str, package: str, tag: str) -> Json:
        digest = self._digests.get(f"{location}-docker.pkg.dev/{project}/{repository}/{package}:{tag}")
        if digest is None:
            raise not_found(f"Tag {tag} of {package}")
        name = f"projects/{project}/locations/{location}/repositories/{repository}/packages/{package}"
        return {"name": f"{name}/tags/{tag}", "version": f"{name}/versions/{digest}"}

    def _version(self, _: Request, project: str, location: str, repository: str, package: str, digest: str) -> Json:
        if f"{location}-docker.pkg.dev/{project}/{repository}/{package}@{digest}" not in self._commands:
            raise not_found(f"Version {digest} of {package}")
        name = f"projects/{project}/locations/{location}/repositories/{repository}/packages/{package}"
        return {"name": f"{name}/versions/{digest}"}


class Container:
    """A running process. What it prints are log entries of `resource`."""

    def __init__(self, command: list[str], environment: Mapping[str, str], *, logs: Logs, resource: Json) -> None:
        self.port = int(environment["PORT"])
        self._process = subprocess.Popen(  # noqa: S603  # what the deployment named, in a session of its own
            command,
            env=dict(environment),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(logs, resource), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None when it still runs after so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.exit_code

    def stop(self) -> None:
        self._process.terminate()
        self.wait(KILL_AFTER)
        self.kill()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, SIGKILL)
        self._process.wait()
        self._reader.join(timeout=5)

    def _read(self, logs: Logs, resource: Json) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            for line in output:
                logs.add_line(resource, line.rstrip("\n"))


@dataclass
class Runtime:
    """Starts containers from their specifications, as the v1 API writes them."""

    registry: Registry
    secrets: Secrets
    logs: Logs
    _running: list[Container] = field(default_factory=list[Container])

    def start(self, specification: Json, *, project: str, resource: Json, says: Mapping[str, str]) -> Container:
        """`says` is what the platform tells the container of itself. Raises ApiError: no image, no secret."""
        command = specification.get("command") or self.registry.command(specification["image"])
        self.registry.command(specification["image"])
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "PORT": str(free_port()),
            **leash.handed_on(),
            **says,
            **{one["name"]: self._value(one, project) for one in specification.get("env", [])},
        }
        container = Container(
            [*command, *specification.get("args", [])], environment, logs=self.logs, resource=resource
        )
        self._running.append(container)
        return container

    def close(self) -> None:
        for container in self._running:
            container.kill()

    def _value(self, variable: Json, project: str) -> str:
        if "valueFrom" in variable:
            reference = variable["valueFrom"]["secretKeyRef"]
            return self.secrets.value(project, reference["name"], reference["key"])
        return variable.get("value", "")


def probed(container: Container, specification: Json) -> str:
    """Calls the startup probe as it is specified, or connects when there is none. Returns why it failed, or ""."""
    probe: Json = specification.get("startupProbe") or {"failureThreshold": 1, "periodSeconds": 240}
    asked: Json = probe.get("httpGet", {})
    path = asked.get("path")
    deadline = time.monotonic() + probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10)
    while time.monotonic() < deadline:
        if container.exit_code is not None:
            return f"The user-provided container exited with code {container.exit_code}."
        if _answers(container.port, path, probe.get("timeoutSeconds", 1)):
            return ""
        time.sleep(START_PERIOD)
    return "The user-provided container failed the configured startup probe checks."


def _answers(port: int, path: str | None, timeout: float) -> bool:
    try:
        with Open(f"http://127.0.0.1:{port}{path or '/'}", timeout=timeout) as answer:
            return answer.status < 400
    except urllib.error.HTTPError:
        return path is None
    except OSError:
        return False
