"""Cloud Run services: revisions that are probed first, tags, traffic by percent, roll-outs that fail."""

import json
import random
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.cloudrun.containers import Container, Runtime, probed
from tests.cloudrun.front import Front
from tests.cloudrun.identity import Identity
from tests.cloudrun.logs import resource
from tests.cloudrun.wire import REGION, ApiError, Json, Request, Route, condition, not_found, stamped

_SERVICES = r"/apis/serving\.knative\.dev/v1/namespaces/([^/]+)/services"


@dataclass
class Revision:
    """Runs while it has traffic; one that is only tagged starts when it is called."""

    name: str
    service: str
    project: str
    template: Json
    runtime: Runtime
    error: str = ""
    container: Container | None = None
    _starting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def resource(self) -> Json:
        labels = {"service_name": self.service, "revision_name": self.name, "configuration_name": self.service}
        return resource("cloud_run_revision", self.project, **labels)

    @property
    def _specification(self) -> Json:
        return self.template["spec"]["containers"][0]

    def start(self) -> int:
        """Starts it unless it runs. Returns its port; raises ApiError when it does not start."""
        with self._starting:
            if self.container is None or self.container.exit_code is not None:
                says = {"K_SERVICE": self.service, "K_REVISION": self.name, "K_CONFIGURATION": self.service}
                self.container = self.runtime.start(
                    self._specification, project=self.project, resource=self.resource, says=says
                )
                trouble = probed(self.container, self._specification)
                if trouble:
                    self.container.stop()
                    raise ApiError(503, "UNAVAILABLE", trouble)
            return self.container.port

    def stop(self) -> None:
        with self._starting:
            if self.container is not None:
                self.container.stop()
                self.container = None


class Service:
    def __init__(self, project: str, name: str, runtime: Runtime, identity: Identity) -> None:
        self.project = project
        self.name = name
        self.revisions: dict[str, Revision] = {}
        self.body: Json = {}
        self.ever_served: set[str] = set()
        """Revisions that have had traffic, be it for a moment."""
        self._runtime = runtime
        self._identity = identity
        self._fronts: dict[str, Front] = {}
        self._rolled: str = ""
        self._rollout = threading.Lock()

    @property
    def url(self) -> str:
        return self.front("").url

    def front(self, tag: str) -> Front:
        """The door of the service itself, or of a tag: each has an address of its own, as a host name would be."""
        if tag not in self._fronts:
            self._fronts[tag] = Front(self, tag)
        return self._fronts[tag]

    def close(self) -> None:
        for front in self._fronts.values():
            front.close()

    def replace(self, body: Json) -> Json:
        """Stores what was sent, and starts the roll-out of it."""
        earlier = self.body or None
        body = stamped(body, project=self.project, earlier=earlier)
        body["spec"].setdefault("traffic", [{"latestRevision": True, "percent": 100}])
        status = {**(earlier or {}).get("status", {"observedGeneration": 0})}
        rolling = [condition(kind, ok=None) for kind in ("Ready", "ConfigurationsReady", "RoutesReady")]
        body["status"] = {**status, "url": self.url, "address": {"url": self.url}, "conditions": rolling}
        self.body = body
        threading.Thread(target=self._roll_out, args=(body,), daemon=True).start()
        return body

    def refuses(self, tag: str, headers: Mapping[str, str]) -> HTTPStatus | None:
        name = f"projects/{self.project}/locations/{REGION}/services/{self.name}"
        return self._identity.refuses(name, {self.url, self.front(tag).url}, headers)

    def pick(self, tag: str) -> Revision | None:
        """The revision that the next request goes to."""
        targets: list[Json] = self.body["status"].get("traffic", [])
        if tag:
            found = [one for one in targets if one.get("tag") == tag]
        else:
            shares = [one.get("percent", 0) for one in targets]
            found = random.choices(targets, shares) if sum(shares) else []  # noqa: S311  # a share, no secret
        return self.revisions[found[0]["revisionName"]] if found else None

    def serving(self) -> dict[str, int]:
        """Percent of the traffic by revision."""
        shares: dict[str, int] = {}
        for target in self.body["status"].get("traffic", []):
            if target.get("percent"):
                name = target["revisionName"]
                shares[name] = shares.get(name, 0) + target["percent"]
        return shares

    def log_request(self, revision: Revision, severity: str, request: Json) -> None:
        self._runtime.logs.add(revision.resource, "requests", severity, httpRequest=request)

    def _roll_out(self, body: Json) -> None:
        """What the controller does after a change, as Knative has it: Ready is both other conditions together."""
        with self._rollout:
            status = dict(body["status"])
            template = json.dumps(body["spec"]["template"], sort_keys=True)
            if template != self._rolled:
                self._add_revision(body, status)
                self._rolled = template
            latest = self.revisions[status["latestCreatedRevisionName"]]
            trouble = (
                f"Revision '{latest.name}' is not ready and cannot serve traffic. {latest.error}"
                if latest.error
                else ""
            )
            routed = self._route(body, status)
            status["observedGeneration"] = body["metadata"]["generation"]
            status["conditions"] = [
                condition("Ready", ok=not trouble and routed, message=trouble),
                condition("ConfigurationsReady", ok=not trouble, message=trouble),
                condition("RoutesReady", ok=routed, message="" if routed else trouble),
            ]
            body["status"] = status
            self.ever_served |= self.serving().keys()
            self._retire()

    def _add_revision(self, body: Json, status: Json) -> None:
        template = body["spec"]["template"]
        number = f"{self.name}-{body['metadata']['generation']:05d}"
        name = template.get("metadata", {}).get("name") or number
        revision = Revision(name, self.name, self.project, template, self._runtime)
        self.revisions[name] = revision
        status["latestCreatedRevisionName"] = name
        try:
            revision.start()
            status["latestReadyRevisionName"] = name
        except ApiError as error:
            revision.error = str(error)

    def _route(self, body: Json, status: Json) -> bool:
        """Points the traffic where it is wanted, unless that cannot serve."""
        ready = status.get("latestReadyRevisionName")
        wanted: list[Json] = body["spec"]["traffic"]
        targets: list[Json] = [
            {**one, "revisionName": ready} if one.get("latestRevision") else {**one} for one in wanted
        ]
        for target in targets:
            if target.get("tag"):
                target["url"] = self.front(target["tag"]).url
        broken = [one for one in targets if one["revisionName"] is None or self.revisions[one["revisionName"]].error]
        if any(one.get("percent") for one in broken):
            return False
        for one in targets:
            if one.get("percent"):
                with suppress(ApiError):
                    self.revisions[one["revisionName"]].start()
        status["traffic"] = [one for one in targets if one not in broken]
        return not broken

    def _retire(self) -> None:
        """Stops what has neither traffic nor a tag, and scales to nothing what is no longer new and only has a tag."""
        serving = self.serving()
        latest = self.body["status"].get("latestCreatedRevisionName")
        for revision in self.revisions.values():
            if revision.name not in serving and revision.name != latest:
                revision.stop()


class Services:
    def __init__(self, runtime: Runtime, identity: Identity) -> None:
        self._runtime = runtime
        self._identity = identity
        self._services: dict[tuple[str, str], Service] = {}

    def routes(self) -> list[Route]:
        return [
            Route.of("GET", _SERVICES, self._list),
            Route.of("POST", _SERVICES, self._create),
            Route.of("GET", rf"{_SERVICES}/([^/]+)", self._describe),
            Route.of("PUT", rf"{_SERVICES}/([^/]+)", self._replace),
        ]

    def get(self, project: str, name: str) -> Service:
        """Raises ApiError."""
        if (project, name) not in self._services:
            raise not_found(f"Resource '{name}' of kind 'SERVICE' in region '{REGION}'")
        return self._services[project, name]

    def close(self) -> None:
        for service in self._services.values():
            service.close()

    def _list(self, _: Request, project: str) -> Json:
        items = [service.body for (owner, _), service in self._services.items() if owner == project]
        return {"apiVersion": "serving.knative.dev/v1", "kind": "ServiceList", "metadata": {}, "items": items}

    def _describe(self, _: Request, project: str, name: str) -> Json:
        return self.get(project, name).body

    def _create(self, request: Request, project: str) -> Json:
        name = request.body["metadata"]["name"]
        if (project, name) in self._services:
            raise ApiError(409, "ALREADY_EXISTS", f"Service {name} already exists.")
        service = self._services[project, name] = Service(project, name, self._runtime, self._identity)
        return service.replace(request.body)

    def _replace(self, request: Request, project: str, name: str) -> Json:
        return self.get(project, name).replace(request.body)
