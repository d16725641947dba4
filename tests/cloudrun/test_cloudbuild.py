"""cloudbuild.yaml: as the schema has it, its steps in an order that can be, nothing untested deployed."""

import re
import subprocess
import sys
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


def test_the_settings_that_it_gives_deploy_sh_exist(build: Build) -> None:
    known = (ROOT / "deploy.env.example").read_text()
    for name in (one.partition("=")[0] for one in build["options"]["env"][1:]):
        assert re.search(rf"^#?{name}=", known, re.MULTILINE), name


def test_what_it_builds_is_there(build: Build) -> None:
    arguments = [argument for step in build["steps"] for argument in step.get("args", [])]
    files = [argument.removeprefix("--file=") for argument in arguments if argument.startswith("--file=")]
    assert sorted(files) == ["Dockerfile.api", "Dockerfile.worker"]
    assert all((ROOT / name).is_file() for name in files)
