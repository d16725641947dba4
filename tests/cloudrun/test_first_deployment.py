"""What the first deployment makes of an empty project."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cloudrun.project import TOKEN, Project, Run
from tests.cloudrun.wire import Json

pytestmark = [pytest.mark.cloudrun, pytest.mark.timeout(240)]


def _template(project: Project, name: str) -> Json:
    return project.service(name).body["spec"]["template"]


def _said(template: Json) -> Json:
    """What a template says, in one flat dictionary."""
    container = template["spec"]["containers"][0]
    limits = container["resources"]["limits"]
    return {
        **template["metadata"]["annotations"],
        "memory": limits["memory"],
        "cpu": limits["cpu"],
        "concurrency": template["spec"].get("containerConcurrency"),
        "timeout": template["spec"].get("timeoutSeconds"),
    }


def test_everything_serves_after_the_first_deployment(deployed: Project, first: Run) -> None:
    for name in ("worker", "api", "flower"):
        service = deployed.service(name)
        assert list(service.serving().values()) == [100], first
    assert ("loopback-project", "headrace-drain") in deployed.cloud.jobs.jobs
    # Nothing asked for that the double does not have: nothing would have left this machine.
    assert deployed.cloud.refused == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "api",
            {
                "memory": "1Gi",
                "cpu": "1",
                "concurrency": 100,
                "timeout": 300,
                "run.googleapis.com/cpu-throttling": "True",
                "autoscaling.knative.dev/maxScale": "10",
            },
        ),
        (
            "worker",
            {
                "memory": "2Gi",
                "cpu": "2",
                "concurrency": 1,
                "timeout": 3600,
                "run.googleapis.com/cpu-throttling": "False",
                "autoscaling.knative.dev/maxScale": "5",
            },
        ),
    ],
)
def test_resources_are_as_planned(deployed: Project, name: str, expected: Json) -> None:
    said = _said(_template(deployed, name))
    assert {key: said.get(key) for key in expected} == expected
    assert said["run.googleapis.com/vpc-access-egress"] == "private-ranges-only"
    assert deployed.service(name).body["metadata"]["annotations"]["run.googleapis.com/minScale"] == "1"


def test_images_are_deployed_by_digest_and_secrets_by_version(deployed: Project) -> None:
    for name in ("worker", "api", "flower"):
        container = _template(deployed, name)["spec"]["containers"][0]
        assert "@sha256:" in container["image"]
        references = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one]
        assert references
        assert all(reference["key"].isdigit() for reference in references), references


def test_nobody_gets_in_without_an_identity(deployed: Project) -> None:
    for name in ("worker", "api", "flower"):
        result = deployed.get(deployed.service(name).url + "/")
        assert result == 403, name


def test_the_deployment_passes_its_own_test(deployed: Project, tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    run = deployed.check(
        *(deployed.service("api").url, "--flower", deployed.service("flower").url),
        *("--identity-token", "gcloud", "--logs", "gcloud", "--junit", str(report)),
        PROJECT_ID=deployed.name,
        HEADRACE_API_TOKEN=TOKEN,
        FLOWER_BASIC_AUTH="operator:open-sesame",
    )
    assert run.status == 0, f"{run}\n{deployed.logs()[-3000:]}"
    suite = ET.parse(report).getroot()  # noqa: S314  # our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("11", "0", "0")


def test_the_drain_job_empties_the_queue_and_ends(deployed: Project) -> None:
    deployed.gcloud.run(
        "run", "jobs", "execute", "headrace-drain", "--wait", "--region=us-central1", f"--project={deployed.name}"
    )
    (execution,) = deployed.cloud.jobs.executions.values()
    assert execution["status"]["succeededCount"] == 1
    summaries = [
        entry["jsonPayload"]
        for entry in map(json.loads, deployed.logs().splitlines())
        if entry["resource"]["type"] == "cloud_run_job" and "exit_reason" in entry.get("jsonPayload", {})
    ]
    assert summaries, deployed.logs()[-3000:]
    assert summaries[-1]["exit_reason"] == "queue_empty"
