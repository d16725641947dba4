"""Secret Manager: secrets with numbered versions."""

import base64
from dataclasses import dataclass, field

from tests.cloudrun.wire import Json, Request, Route, not_found, now

_PATH = r"/v1/projects/([^/]+)/secrets/([^/:]+)"


@dataclass
class Secrets:
    _versions: dict[tuple[str, str], list[str]] = field(default_factory=dict[tuple[str, str], list[str]])

    def routes(self) -> list[Route]:
        return [
            Route.of("GET", _PATH, self._describe),
            Route.of("GET", rf"{_PATH}/versions/(\w+)", self._describe_version),
            Route.of("GET", rf"{_PATH}/versions/(\w+):access", self._access),
            Route.of("POST", rf"{_PATH}:addVersion", self._add_version),
        ]

    def add(self, project: str, name: str, value: str) -> str:
        """Adds a version, and the secret if there is none. Returns its number."""
        versions = self._versions.setdefault((project, name), [])
        versions.append(value)
        return str(len(versions))

    def remove(self, project: str, name: str) -> None:
        del self._versions[project, name]

    def value(self, project: str, name: str, version: str) -> str:
        """Raises ApiError, as Cloud Run words it."""
        return self._versions[project, name][int(self._number(project, name, version)) - 1]

    def _number(self, project: str, name: str, version: str) -> str:
        count = len(self._versions.get((project, name), []))
        number = str(count) if version == "latest" else version
        if not number.isdigit() or not 1 <= int(number) <= count:
            raise not_found(f"Secret projects/{project}/secrets/{name}/versions/{version}")
        return number

    def _describe(self, _: Request, project: str, name: str) -> Json:
        self._number(project, name, "latest")
        return {"name": f"projects/{project}/secrets/{name}", "createTime": now(), "replication": {"automatic": {}}}

    def _describe_version(self, _: Request, project: str, name: str, version: str) -> Json:
        number = self._number(project, name, version)
        return {
            "name": f"projects/{project}/secrets/{name}/versions/{number}",
            "state": "ENABLED",
            "createTime": now(),
        }

    def _access(self, request: Request, project: str, name: str, version: str) -> Json:
        data = base64.b64encode(self.value(project, name, version).encode()).decode()
        return {"name": self._describe_version(request, project, name, version)["name"], "payload": {"data": data}}

    def _add_version(self, request: Request, project: str, name: str) -> Json:
        number = self.add(project, name, base64.b64decode(request.body["payload"]["data"]).decode())
        # gcloud sent a checksum, and takes an answer without this for corrupted data.
        return {**self._describe_version(request, project, name, number), "clientSpecifiedPayloadChecksum": True}
