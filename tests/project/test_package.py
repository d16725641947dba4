"""What the wheel says and has, and that it agrees with the rest of the project."""

import re
import subprocess
import sys
import tomllib
from email import message_from_bytes
from email.message import Message
from zipfile import ZipFile

import pytest
import yaml

from tests.support.makefile import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603  # our own
    [built] = folder.glob("*.whl")
    return ZipFile(built)


@pytest.fixture(scope="module")
def metadata(wheel: ZipFile) -> Message:
    [name] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    return message_from_bytes(wheel.read(name))


def test_every_package_is_typed(wheel: ZipFile) -> None:
    packages = {name.split("/")[0] for name in wheel.namelist() if name.endswith(".py")}
    assert packages
    assert {name for name in wheel.namelist() if name.endswith("py.typed")} == {f"{name}/py.typed" for name in packages}


def test_the_licence_comes_along(wheel: ZipFile, metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    [licence] = [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]
    assert wheel.read(licence).decode() == (ROOT / "LICENSE").read_text()


def test_the_changelog_begins_with_this_version(metadata: Message) -> None:
    [newest, *_] = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == metadata["Version"]


def test_ci_tests_every_python_that_is_named() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    named = [item.removeprefix("Programming Language :: Python :: ") for item in PROJECT["classifiers"]]
    jobs = workflow["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == [item for item in named if re.fullmatch(r"3\.\d+", item)]
