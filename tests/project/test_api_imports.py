"""The API's process has nothing of the worker's: no pipeline, no engine, none of the libraries of its extra."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from jobs.settings import Settings
import api.app
api.app.create_app(Settings(files_url="file://" + sys.argv[1])).openapi()
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that an API has imported by the time it can say what its kinds are."""
    folder = tmp_path_factory.mktemp("api")
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    answer = subprocess.run(  # noqa: S603  # this interpreter
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(answer.stdout))


def _names(requirements: Iterable[str]) -> set[str]:
    found = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {_normal(match[0]) for match in found if match}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_has_the_kinds_but_no_pipeline(imported: set[str]) -> None:
    assert {"kinds.story", "kinds.coloring_page", "kinds.report", "kinds.lesson", "kinds.warmup"} <= imported
    pipelines = {name for name in imported if re.fullmatch(r"kinds\.\w+\.pipeline", name)}
    assert pipelines == set()


@pytest.mark.parametrize("package", ["kinds.offline", "tasks", "cli"])
def test_it_has_nothing_of_the_other_roles(imported: set[str], package: str) -> None:
    assert {name for name in imported if name == package or name.startswith(f"{package}.")} == set()


def test_it_has_none_of_the_libraries_of_the_workers_extra(imported: set[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    workers = _names(extras["worker"]) - _names(extras["api"]) - _names(project["dependencies"])
    assert {"openai", "numpy", "typst"} <= workers
    by_package = {
        package: {_normal(name) for name in names} & workers for package, names in packages_distributions().items()
    }
    # A namespace such as `google` is that of many distributions: what counts is the module below it.
    by_package.pop("google", None)
    tops = {name.partition(".")[0] for name in imported}
    assert {package for package in tops if by_package.get(package)} == set()
    assert "google.genai" not in imported
