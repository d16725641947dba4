"""deploy.sh refuses what cannot be meant before it asks Google anything, and says what to do instead."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloudrun.containers import ROOT

GOOD = {"PROJECT_ID": "p", "FILES_URL": "gs://b/h", "NETWORK": "default", "SUBNET": "default"}


def _tools(folder: Path) -> Path:
    """A PATH without gcloud: what gets as far as asking Google says so instead."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("bash", "cat", "curl", "dirname"):
        (tools / name).symlink_to(shutil.which(name) or "")
    return tools


def _deploy(folder: Path, *arguments: str, file: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    path = folder / "deploy.env"
    path.write_text(file)
    return subprocess.run(  # noqa: S603  # our own script
        ["./deploy.sh", *arguments],
        cwd=ROOT,
        env={"PATH": str(_tools(folder)), "DEPLOY_ENV": str(path), **GOOD, **settings},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"PROJECT_ID": ""}, "PROJECT_ID is not set; set it in the environment or in deploy.env"),
        ({"FILES_URL": "/data"}, "FILES_URL is a bucket, as in gs://my-bucket/headrace, not '/data'"),
        ({"WORKER_AS": "vm"}, "WORKER_AS is auto, pool or service, not 'vm'"),
        ({"FILES_URL": "file:///data"}, "FILES_URL is a bucket, as in gs://my-bucket/headrace, not 'file:///data'"),
        (
            {"API_ACCESS": "public"},
            "API_ACCESS=public lets everyone make jobs; name the secret of a token in API_TOKEN_SECRET",
        ),
        ({"API_ACCESS": "open"}, "API_ACCESS is private or public, not 'open'"),
        ({"HEALTH_TIMEOUT": "1m"}, "HEALTH_TIMEOUT is a whole number, not '1m'"),
        ({"NETWORK": "", "SUBNET": ""}, "set NETWORK and SUBNET (Direct VPC egress), or VPC_CONNECTOR"),
        ({"VPC_CONNECTOR": "c"}, "set either VPC_CONNECTOR, or NETWORK and SUBNET"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    done = _deploy(tmp_path, **settings)
    assert done.returncode == 1
    assert done.stderr == f"deploy.sh: {says}\n" or done.stderr.endswith(f"{says}\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "redis"], "--only takes api, worker, flower or drain"),
        (["--only"], "--only takes api, worker, flower or drain"),
        (["now"], "unknown argument now; see --help"),
        (["--dry-run", "--rollback"], "--dry-run is for deployments; a rollback only moves traffic"),
    ],
)
def test_a_wrong_argument_is_named(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = _deploy(tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr == f"deploy.sh: {says}\n"


def test_without_a_tool_it_does_nothing(tmp_path: Path) -> None:
    done = _deploy(tmp_path)
    assert done.returncode == 1
    assert done.stderr == "deploy.sh: gcloud is needed and not on the PATH\n"


def test_without_gcloud_the_tests_of_a_deployment_fail_and_are_not_skipped(tmp_path: Path) -> None:
    asked = "tests/cloudrun/test_upgrade.py::test_a_dry_run_prints_commands_and_changes_nothing"
    done = subprocess.run(  # noqa: S603  # this test's own
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", asked],
        cwd=ROOT,
        env={**os.environ, "PATH": str(_tools(tmp_path))},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout
    assert "gcloud is not on the PATH" in done.stdout


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    done = _deploy(tmp_path, file="# a comment\n\nREGON=europe-west1\n")
    assert done.returncode == 1
    assert "no setting is called 'REGON'" in done.stderr


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    done = _deploy(tmp_path, file="WORKER_AS=nonsense\nAPI_ACCESS=nonsense\n", WORKER_AS="service")
    assert done.stderr == "deploy.sh: API_ACCESS is private or public, not 'nonsense'\n"


def test_the_example_names_every_setting_and_no_other() -> None:
    script = (ROOT / "deploy.sh").read_text()
    known = script[script.index("SETTINGS=(") + len("SETTINGS=(") :]
    known = known[: known.index("\n)")]
    example = [
        line.removeprefix("#").partition("=")[0]
        for line in (ROOT / "deploy.env.example").read_text().splitlines()
        if "=" in line and not line.startswith("# ")
    ]
    assert sorted(example) == sorted(word.partition("=")[0] for word in known.split())


def test_help_is_given(tmp_path: Path) -> None:
    done = _deploy(tmp_path, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ./deploy.sh")
