"""deploy/: manifests against their schemas, and against what the images and /metrics really have.

Kubernetes' own kinds are checked with the schemas of Kubernetes, strictly. KEDA's and CREMA's have no published schema
that a test can install; scaling_schema.json has the fields that are used here, and refuses any other.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import kubernetes_validate
import pytest
import yaml

from api.app import create_app
from api.metrics import FleetCollector
from jobs.fleet import Counters, Schedules
from jobs.settings import Settings
from tasks.engine.health import HealthServer
from tasks.engine.watchdog import Watchdog

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = "1.31"
KUBERNETES_KINDS = {"Deployment", "StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy"}
SCALING_KINDS = {"ScaledObject", "TriggerAuthentication", "CremaConfig"}
UNCHECKED_KINDS = {"Kustomization", "RunMonitoring"}
"""No schema of these can be installed."""
SCALING_SCHEMA = json.loads((Path(__file__).parent / "scaling_schema.json").read_text())


def _documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(DEPLOY.glob("*/*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.name, document


def _of_kinds(kinds: set[str]) -> list[Any]:
    return [pytest.param(doc, id=f"{name}:{doc['kind']}") for name, doc in _documents() if doc["kind"] in kinds]


def _deployment(name: str) -> dict[str, Any]:
    (found,) = [doc for _, doc in _documents() if doc["kind"] == "Deployment" and doc["metadata"]["name"] == name]
    return found["spec"]["template"]["spec"]


def _triggers() -> list[dict[str, Any]]:
    specs: list[dict[str, Any]] = []
    for _, document in _documents():
        if document["kind"] == "ScaledObject":
            specs.append(document["spec"])
        elif document["kind"] == "CremaConfig":
            specs += [scaled["spec"] for scaled in document["spec"]["scaledObjects"]]
    return [trigger for spec in specs for trigger in spec["triggers"]]


def test_no_manifest_goes_unchecked_unsaid() -> None:
    found = {document["kind"] for _, document in _documents()}
    assert found == KUBERNETES_KINDS | SCALING_KINDS | UNCHECKED_KINDS


@pytest.mark.parametrize("document", _of_kinds(KUBERNETES_KINDS))
def test_kubernetes_takes_it(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_wrong_manifest_is_refused() -> None:
    document = next(doc for _, doc in _documents() if doc["kind"] == "Deployment")
    document["spec"]["template"]["spec"]["terminationGraceSeconds"] = 60
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


@pytest.mark.parametrize("document", _of_kinds(SCALING_KINDS))
def test_keda_and_crema_have_these_fields(document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCALING_SCHEMA)


@pytest.mark.parametrize("document", _of_kinds({"CremaConfig"}))
def test_an_authentication_that_a_trigger_names_is_there(document: dict[str, Any]) -> None:
    there = {item["metadata"]["name"] for item in document["spec"]["triggerAuthentications"]}
    named = {
        trigger["authenticationRef"]["name"]
        for scaled in document["spec"]["scaledObjects"]
        for trigger in scaled["spec"]["triggers"]
    }
    assert named == there


def test_every_trigger_scales_by_a_metric_that_the_api_has() -> None:
    metrics = {metric.name for metric in FleetCollector(Counters(), [], {}, [], 0, Schedules(), 0).collect()}
    assert "headrace_demand" in metrics
    asked = [trigger["metadata"].get("valueLocation") or trigger["metadata"]["query"] for trigger in _triggers()]
    assert asked == ["max(headrace_demand)", "headrace_demand", "headrace_demand"]


def test_the_target_is_one_job_for_each_worker() -> None:
    """With more, the fleet could be smaller than the jobs that run."""
    targets = [trigger["metadata"].get("targetValue") or trigger["metadata"]["threshold"] for trigger in _triggers()]
    assert targets == ["1", "1", "1"]


@pytest.mark.parametrize("name", ["headrace-api", "headrace-worker"])
def test_variables_are_settings_and_probes_are_there(name: str) -> None:
    (container,) = _deployment(name)["containers"]
    fields = Settings.model_fields.items()
    known = {str(field.validation_alias or f"HEADRACE_{key.upper()}") for key, field in fields}
    assert {variable["name"] for variable in container["env"]} <= known
    probes = [container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")]
    assert probes == ["/health/startup", "/health/ready", "/health/live"]
    assert set(probes) <= _answered(name)


def _answered(name: str) -> set[str]:
    """The paths under /health that this part has."""
    if name == "headrace-api":
        return set(create_app().openapi()["paths"])
    server = HealthServer(0, Watchdog(timedelta(seconds=30)))
    server.start()
    try:
        paths = [f"/health/{word}" for word in ("startup", "ready", "live", "well")]
        found = {path: httpx.get(f"http://127.0.0.1:{server.port}{path}").status_code for path in paths}
    finally:
        server.close()
    return {path for path, status in found.items() if status != HTTPStatus.NOT_FOUND}


def test_each_part_has_its_own_secrets_and_no_other() -> None:
    """A provider's key is the worker's, the clients' token the API's: in Kubernetes and in compose.yaml."""
    services = yaml.safe_load((DEPLOY.parent / "compose.yaml").read_text())["services"]
    secrets = {"HEADRACE_API_TOKEN", "OPENAI_API_KEY", "GEMINI_API_KEY", "FLOWER_BASIC_AUTH"}
    given = {name: secrets & services[name]["environment"].keys() for name in ("api", "worker", "flower")}
    for name in ("api", "worker"):
        variables = {item["name"] for item in _deployment(f"headrace-{name}")["containers"][0]["env"]}
        assert secrets & variables == given[name]
    assert given == {
        "api": {"HEADRACE_API_TOKEN"},
        "worker": {"OPENAI_API_KEY", "GEMINI_API_KEY"},
        "flower": {"FLOWER_BASIC_AUTH"},
    }


def test_redis_has_started_once_it_answers_pong_as_in_compose() -> None:
    """`redis-cli ping` alone is content with the error of a server that still loads its file."""
    (redis,) = [doc for _, doc in _documents() if doc["kind"] == "StatefulSet"]
    container = redis["spec"]["template"]["spec"]["containers"][0]
    composed = yaml.safe_load((DEPLOY.parent / "compose.yaml").read_text())["services"]["redis"]
    assert container["startupProbe"]["exec"]["command"][-1] == composed["healthcheck"]["test"][-1]
    assert container["image"] == composed["image"]


def test_a_worker_is_gone_by_itself_before_it_is_killed() -> None:
    pod = _deployment("headrace-worker")
    values = {item["name"]: item.get("value") for item in pod["containers"][0]["env"]}
    settings = Settings.model_validate({"grace": values["HEADRACE_GRACE"], "stop_limit": values["HEADRACE_STOP_LIMIT"]})
    assert settings.grace < settings.stop_limit
    assert settings.stop_limit.total_seconds() < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", ["headrace-api", "headrace-worker"])
def test_containers_have_no_rights_they_do_not_need(name: str) -> None:
    pod = _deployment(name)
    assert pod["securityContext"]["runAsNonRoot"]
    security = pod["containers"][0]["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert security["capabilities"] == {"drop": ["ALL"]}


def test_redis_keeps_every_job() -> None:
    (redis,) = [doc for _, doc in _documents() if doc["kind"] == "StatefulSet"]
    args = redis["spec"]["template"]["spec"]["containers"][0]["args"]
    options = dict(zip(args[::2], args[1::2], strict=True))
    assert (options["--appendonly"], options["--maxmemory-policy"]) == ("yes", "noeviction")
