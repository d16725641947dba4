"""Deployments onto one that serves: promoted when they are well, and otherwise as if they had not been."""

import pytest

from tests.cloudrun.project import API, TOKEN, WORKER, Project

pytestmark = [pytest.mark.cloudrun, pytest.mark.timeout(240)]

UNREADY = 'uvicorn tests.cloudrun.broken_images:unready --factory --port "$PORT"'
FAULTY = 'uvicorn tests.cloudrun.broken_images:faulty --factory --port "$PORT"'


def _is_up(project: Project) -> bool:
    with project.client(project.service("api").url) as client:
        return client.get("/workers").is_success


def test_an_upgrade_moves_all_traffic_and_a_rollback_moves_it_back(deployed: Project) -> None:
    """And another deployment after the rollback gets traffic, which a plain one would not."""
    api = deployed.service("api")
    before = api.serving()
    image = deployed.push("api", "v2", API)
    run = deployed.deploy("--only", "api", IMAGE_TAG="v2")
    assert run.status == 0, run
    after = api.serving()
    assert list(after.values()) == [100]
    assert after.keys() != before.keys()
    assert deployed.image("api") == image

    run = deployed.deploy("--only", "api", "--rollback")
    assert run.status == 0, run
    assert api.serving() == before
    assert _is_up(deployed)

    run = deployed.deploy("--only", "api", IMAGE_TAG="v2")
    assert run.status == 0, run
    assert list(api.serving().values()) == [100]
    assert api.serving().keys() & (before.keys() | after.keys()) == set()


def test_a_rollback_of_shared_traffic_goes_to_who_had_most_of_it(deployed: Project) -> None:
    api = deployed.service("api")
    (first,) = api.serving()
    assert deployed.deploy("--only", "api").status == 0
    (second,) = api.serving()
    shares = f"--to-revisions={first}=70,{second}=30"
    deployed.gcloud.run(
        "run", "services", "update-traffic", api.name, shares, "--region=us-central1", f"--project={deployed.name}"
    )
    assert api.serving() == {first: 70, second: 30}
    assert deployed.deploy("--only", "api").status == 0

    assert deployed.deploy("--only", "api", "--rollback").status == 0

    assert api.serving() == {first: 100}


@pytest.mark.parametrize(
    ("tag", "command", "says"),
    [
        ("crashing", "python -c 'raise SystemExit(3)'", "the new revision did not start"),
        ("unready", UNREADY, "the new revision is not healthy"),
    ],
)
def test_a_bad_revision_never_gets_traffic(deployed: Project, tag: str, command: str, says: str) -> None:
    api = deployed.service("api")
    before, ever = api.serving(), set(api.ever_served)
    deployed.push("api", tag, command)
    run = deployed.deploy("--only", "api", IMAGE_TAG=tag, HEALTH_TIMEOUT="3")
    assert run.status == 1, run
    assert says in run.said
    assert "serves as before" in run.said
    assert api.serving() == before
    assert api.ever_served == ever, "not while its health was asked for either"
    assert _is_up(deployed)


def test_the_api_is_opened_to_everyone_only_once_the_new_revision_serves(deployed: Project) -> None:
    """Before, they would get to the old one, which may ask for no token."""
    url = f"{deployed.service('api').url}/health/live"
    deployed.push("api", "never", "false")
    assert deployed.deploy("--only", "api", IMAGE_TAG="never", API_ACCESS="public").status == 1
    assert deployed.get(url) == 403
    run = deployed.deploy("--only", "api", API_ACCESS="public")
    assert run.status == 0, run
    assert deployed.get(url) == 200
    run = deployed.deploy("--only", "api")
    assert run.status == 0, run
    assert deployed.get(url) == 403


def test_what_was_promoted_before_the_failure_is_rolled_back_too(deployed: Project) -> None:
    before = {name: deployed.service(name).serving() for name in ("worker", "api")}
    deployed.push("worker", "half", WORKER)
    deployed.push("api", "half", "false")
    run = deployed.deploy("--only", "worker", "--only", "api", IMAGE_TAG="half")
    assert run.status == 1, run
    assert "headrace-worker: headrace-worker" in run.said, "the worker was promoted first"
    assert {name: deployed.service(name).serving() for name in ("worker", "api")} == before
    assert _is_up(deployed)


def test_a_missing_secret_stops_the_deployment_before_it_begins(deployed: Project) -> None:
    asked = len(deployed.cloud.asked)
    run = deployed.deploy("--only", "api", API_TOKEN_SECRET="no-such-secret")  # noqa: S106  # a name
    assert run.status == 1, run
    assert "secret no-such-secret has no version; make one with: printf %s" in run.said
    assert not _changes(deployed, asked)


def test_a_dry_run_prints_commands_and_changes_nothing(deployed: Project) -> None:
    asked = len(deployed.cloud.asked)
    run = deployed.deploy("--dry-run")
    assert run.status == 0, run
    commands = [line.split()[3:6] for line in run.out.splitlines()]
    assert [" ".join(words[:2]) for words in commands] == [
        *["run deploy", "run services"] * 3,
        "run jobs",
    ]
    assert not _changes(deployed, asked)


def test_a_bug_that_answers_500_is_found_by_the_test_and_in_the_logs(deployed: Project) -> None:
    deployed.push("api", "faulty", FAULTY)
    run = deployed.deploy("--only", "api", IMAGE_TAG="faulty")
    assert run.status == 0, run
    checked = deployed.check(
        *(deployed.service("api").url, "--identity-token", "gcloud", "--logs", "gcloud"),
        PROJECT_ID=deployed.name,
        HEADRACE_API_TOKEN=TOKEN,
    )
    assert deployed.deploy("--only", "api", "--rollback").status == 0
    assert checked.status == 1, checked
    failed = [line for line in checked.out.splitlines() if line.startswith("FAILED")]
    assert [line.split(" s  ")[1].split("  ")[0] for line in failed] == ["queues", "no errors in the logs"], checked
    assert "/queues" in failed[1]


def _changes(project: Project, since: int) -> list[str]:
    """What was asked for that changes something; a token is no change, a search of logs neither."""
    return [asked for asked in project.cloud.asked[since:] if not asked.startswith("GET ") and "/token" not in asked]
