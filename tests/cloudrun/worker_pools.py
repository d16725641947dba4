"""Cloud Run worker pools: as many containers of a revision as it is scaled to, without an address.

gcloud changes them over gRPC, which `grpc_bridge` brings here as the v2 API's JSON, and lists them over REST v1.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.cloudrun.containers import Container, Runtime
from tests.cloudrun.logs import resource
from tests.cloudrun.wire import REGION, ApiError, Json, Request, Route, condition, done, not_found, now

_POOL = r"/v2/projects/([^/]+)/locations/[^/]+/workerPools/([^/]+)"
_SETTLED = 2.0
"""Seconds that a container must run for its revision to count as started; pools have no probes here."""


@dataclass
class Pool:
    project: str
    name: str
    runtime: Runtime
    body: Json = field(default_factory=dict[str, Any])
    templates: dict[str, Json] = field(default_factory=dict[str, Json])
    running: dict[str, list[Container]] = field(default_factory=dict[str, list[Container]])

    @property
    def full_name(self) -> str:
        return f"projects/{self.project}/locations/{REGION}/workerPools/{self.name}"

    @property
    def current(self) -> str:
        """The revision that has the instances."""
        splits: list[Json] = self.body.get("instanceSplits", [])
        pinned = [one["revision"] for one in splits if one.get("revision")]
        return (pinned or [self.body["latestReadyRevision"]])[0].rpartition("/")[2]

    def replace(self, body: Json, *, new_revision: bool) -> str:
        """Makes it so. Returns why the new revision did not start, or ""."""
        generation = int(self.body.get("generation", 0)) + 1
        revision, trouble = self.body.get("latestReadyRevision", ""), ""
        if new_revision or body["template"] != self.body.get("template"):
            name = f"{self.name}-{generation:05d}"
            self.templates[name] = body["template"]
            trouble = self._scale(name, int(body["scaling"].get("manualInstanceCount", 1)))
            revision = revision if trouble else f"{self.full_name}/revisions/{name}"
            body = {**body, "latestCreatedRevision": f"{self.full_name}/revisions/{name}"}
        state = "CONDITION_FAILED" if trouble else "CONDITION_SUCCEEDED"
        self.body = {
            **body,
            "name": self.full_name,
            "uid": self.body.get("uid", uuid4().hex),
            "generation": str(generation),
            "observedGeneration": str(generation),
            "createTime": self.body.get("createTime", now()),
            "updateTime": now(),
            "latestReadyRevision": revision,
            "terminalCondition": {"type": "Ready", "state": state, "message": trouble},
            "conditions": [
                {"type": kind, "state": state} for kind in ("InstanceSplitsProvisioned", "ConfigurationsReady")
            ],
        }
        if revision:
            self._settle()
        return trouble

    def _settle(self) -> None:
        count = int(self.body["scaling"].get("manualInstanceCount", 1))
        self._scale(self.current, count)
        for name in self.running:
            if name != self.current:
                self._scale(name, 0)

    def _scale(self, name: str, count: int) -> str:
        containers = self.running.setdefault(name, [])
        while len(containers) > count:
            containers.pop().stop()
        try:
            while len(containers) < count:
                containers.append(self._start(name))
        except ApiError as error:
            return str(error)
        return ""

    def _start(self, name: str) -> Container:
        labels = resource("cloud_run_worker_pool", self.project, worker_pool_name=self.name, revision_name=name)
        container = self.runtime.start(
            _as_v1(self.templates[name]["containers"][0]),
            project=self.project,
            resource=labels,
            says={"CLOUD_RUN_WORKER_POOL": self.name, "CLOUD_RUN_REVISION": name},
        )
        if container.wait(_SETTLED) is not None:
            raise ApiError(400, "FAILED_PRECONDITION", f"The container exited with code {container.exit_code}.")
        return container

    def as_v1(self) -> Json:
        split = {"revisionName": self.current, "percent": 100}
        ready = self.body["terminalCondition"]["state"] == "CONDITION_SUCCEEDED"
        return {
            "apiVersion": "run.googleapis.com/v1",
            "kind": "WorkerPool",
            "metadata": {
                "name": self.name,
                "namespace": self.project,
                "labels": {**self.body.get("labels", {}), "cloud.googleapis.com/location": REGION},
                "generation": int(self.body["generation"]),
                "creationTimestamp": self.body["createTime"],
            },
            "spec": {
                "template": {"spec": {"containers": [{"image": self.body["template"]["containers"][0]["image"]}]}}
            },
            "status": {
                "observedGeneration": int(self.body["generation"]),
                "instanceSplits": [split] if self.body["latestReadyRevision"] else [],
                "latestReadyRevisionName": self.body["latestReadyRevision"].rpartition("/")[2],
                "conditions": [condition("Ready", ok=ready)],
            },
        }


class WorkerPools:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.pools: dict[tuple[str, str], Pool] = {}

    def routes(self) -> list[Route]:
        return [
            Route.of("GET", _POOL, self._describe),
            Route.of("PATCH", _POOL, self._upsert),
            Route.of("GET", r"/apis/run\.googleapis\.com/v1/namespaces/([^/]+)/workerpools", self._list),
        ]

    def _get(self, project: str, name: str) -> Pool:
        if (project, name) not in self.pools:
            raise not_found(f"Resource '{name}' of kind 'WORKERPOOL'")
        return self.pools[project, name]

    def _describe(self, _: Request, project: str, name: str) -> Json:
        return self._get(project, name).body

    def _list(self, _: Request, project: str) -> Json:
        items = [pool.as_v1() for (owner, _), pool in self.pools.items() if owner == project]
        return {"apiVersion": "run.googleapis.com/v1", "kind": "WorkerPoolList", "metadata": {}, "items": items}

    def _upsert(self, request: Request, project: str, name: str) -> Json:
        pool = self.pools.setdefault((project, name), Pool(project, name, self._runtime))
        trouble = pool.replace(request.body, new_revision=request.query.get("forceNewRevision") == "true")
        operation = done(pool.body, parent=f"{pool.full_name}/")
        if trouble:
            return {"name": operation["name"], "done": True, "error": {"code": 9, "message": trouble}}
        return operation


def _as_v1(container: Json) -> Json:
    """A v2 container in the form that the v1 API has for it."""

    def variable(one: Json) -> Json:
        if "valueSource" not in one:
            return one
        reference = one["valueSource"]["secretKeyRef"]
        key = {"name": reference["secret"].rpartition("/")[2], "key": reference.get("version", "latest")}
        return {"name": one["name"], "valueFrom": {"secretKeyRef": key}}

    return {**container, "env": [variable(one) for one in container.get("env", [])]}
