"""cloudbuild.yaml: as the schema has it, its steps in an order that can be, nothing untested deployed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cloudrun.containers import ROOT

PATH = ROOT / "cloudbuild.yaml"
Build = dict[str, Any]


@pytest.fixture(scope="module")
def build() -> Build:
    return yaml.safe_load(PATH.read_text())


def _steps(build: Build) -> dict[str, Build]:
    return {step["id"]: step for step in build["steps"]}


def _awaited(build: Build, name: str) -> set[str]:
    """The steps that are over when this one starts."""
    direct = {step for step in _steps(build)[name]["waitFor"] if step != "-"}
    return direct.union(*(_awaited(build, step) for step in direct))


def test_it_fits_the_schema_of_cloud_build() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.cloudbuild", str(PATH)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # our own file
    assert done.returncode == 0, done.stdout + done.stderr


def test_steps_wait_for_earlier_steps_only(build: Build) -> None:
    earlier: set[str] = set()
    for step in build["steps"]:
        assert set(step["waitFor"]) <= earlier | {"-"}, step["id"]
        earlier.add(step["id"])
    assert len(earlier) == len(build["steps"])


def test_images_are_built_side_by_side_and_nothing_untested_is_pushed_or_deployed(build: Build) -> None:
    for name in ("build-api", "build-worker", "test"):
        assert _steps(build)[name]["waitFor"] == ["-"]
    assert {"test", "test-api"} <= _awaited(build, "push-api")
    assert {"test", "test-worker"} <= _awaited(build, "push-worker")
    assert {"push-api", "push-worker"} <= _awaited(build, "deploy-worker")
    assert "deploy-worker" in _awaited(build, "deploy-api")


def test_every_image_that_is_built_is_listed_and_named_after_its_commit(build: Build) -> None:
    built = {
        argument.removeprefix("--tag=")
        for step in build["steps"]
        for argument in step["args"]
        if argument.startswith("--tag=") and argument.endswith(":${_TAG}")
    }
    assert set(build["images"]) == built
    assert build["substitutions"]["_TAG"] == "${SHORT_SHA}"
    assert build["options"]["requestedVerifyOption"] == "VERIFIED"


def test_substitutions_are_all_defined_and_all_used(build: Build) -> None:
    text = "\n".join(line for line in PATH.read_text().splitlines() if not line.lstrip().startswith("#"))
    used = set(re.findall(r"\$\{(_\w+)\}", text))
    assert used == set(build["substitutions"])


def test_it_decides_project_and_images_and_leaves_every_other_setting_to_deploy_env(build: Build) -> None:
    """The environment wins over the file, so whatever stood here would silently replace an operator's setting."""
    names = [one.partition("=")[0] for one in build["options"]["env"]]
    assert names == ["DOCKER_BUILDKIT", "PROJECT_ID", "API_IMAGE", "WORKER_IMAGE"]
    known = (ROOT / "deploy.env.example").read_text()
    assert all(re.search(rf"^#?{name}=", known, re.MULTILINE) for name in names[1:])


def test_without_deploy_env_nothing_is_deployed(build: Build, tmp_path: Path) -> None:
    step = _steps(build)["settings"]
    command = [step["entrypoint"], *step["args"]]
    without = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)  # noqa: S603  # our own
    assert without.returncode == 1
    assert "deploy.env is not here" in without.stderr
    (tmp_path / "deploy.env").touch()
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0  # noqa: S603  # as above
    assert "settings" in _awaited(build, "deploy-worker")


@pytest.mark.cloudrun
def test_deploy_env_is_sent_along_and_nothing_else_that_git_ignores(tmp_path: Path) -> None:
    for name in (".gitignore", ".gcloudignore"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    for name in ("deploy.env", "deploy.sh", ".venv/lib/code.py", ".git/config", "jobs/__pycache__/store.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    listed = subprocess.run(  # noqa: S603  # no input of others
        ["gcloud", "meta", "list-files-for-upload", str(tmp_path)],  # noqa: S607  # that of this machine
        env={**os.environ, "CLOUDSDK_CONFIG": str(tmp_path / "config")},
        check=True,
        capture_output=True,
        text=True,
    )
    sent = {line for line in listed.stdout.splitlines() if not line.startswith("config/")}
    assert sent == {".gitignore", "deploy.env", "deploy.sh"}


def test_there_is_time_for_the_longest_way_through_the_steps(build: Build) -> None:
    def until_the_end_of(name: str) -> int:
        step = _steps(build)[name]
        before = [until_the_end_of(other) for other in step["waitFor"] if other != "-"]
        return max(before, default=0) + int(step.get("timeout", "0").removesuffix("s"))

    longest = max(until_the_end_of(name) for name in _steps(build))
    assert longest < int(build["timeout"].removesuffix("s"))


def test_what_it_builds_is_there(build: Build) -> None:
    arguments = [argument for step in build["steps"] for argument in step.get("args", [])]
    files = [argument.removeprefix("--file=") for argument in arguments if argument.startswith("--file=")]
    assert sorted(files) == ["Dockerfile.api", "Dockerfile.worker"]
    assert all((ROOT / name).is_file() for name in files)
