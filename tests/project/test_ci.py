"""CI leaves nothing out unless it is told to: neither `.ci/run` its parts, nor pytest a test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.makefile import ROOT

SCRIPTS = {
    "bin/make": 'echo "made $*"',
    "bin/wrk": "",
    ".venv/bin/pytest": "",
    "tests/containers/engine": "exit 1",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """`.ci/run` on a machine without gcloud, where no Docker can be had; everything else passes."""
    for name, text in SCRIPTS.items():
        script = tmp_path / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    for program in ("bash", "dirname"):
        found = shutil.which(program)
        assert found
        (tmp_path / "bin" / program).symlink_to(found)
    return tmp_path


def _run(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own
        [checkout / "bin/bash", ".ci/run"],
        cwd=checkout,
        env={"PATH": str(checkout / "bin"), **variables},
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_laptop_does_without_and_is_told(checkout: Path) -> None:
    done = _run(checkout)
    assert done.returncode == 0, done.stderr
    skipped = [line.split(",")[0] for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert skipped == ["SKIPPED: make test-deploy", "SKIPPED: make test-containers"]


@pytest.mark.parametrize(("left_out", "missed"), [("", "deploy"), ("deploy", "containers"), ("containers", "deploy")])
def test_ci_fails_for_want_of_what_it_is_not_to_leave_out(checkout: Path, left_out: str, missed: str) -> None:
    done = _run(checkout, CI="true", HEADRACE_CI_WITHOUT=left_out)
    assert done.returncode == 1
    assert done.stderr.startswith(f"FAILED: make test-{missed}, because ")


def test_ci_leaves_out_what_it_is_told_to(checkout: Path) -> None:
    done = _run(checkout, CI="true", HEADRACE_CI_WITHOUT="deploy containers")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == [
        "made check",
        "made docs",
        "made test",
        "made test-random MINUTES=2",
        "made test-redis QUICK=--quick redis-8.2 valkey-9.1",
        "LEFT OUT: make test-deploy",
        "LEFT OUT: make test-containers",
        "",
    ]


@pytest.mark.parametrize(
    ("variables", "outcome"),
    [
        ({"CI": ""}, "1 skipped"),
        ({"CI": "true"}, "1 failed"),
        ({"CI": "true", "HEADRACE_CI_WITHOUT": "deploy wrk"}, "1 skipped"),
    ],
)
def test_a_test_is_skipped_on_a_laptop_only(tmp_path: Path, variables: dict[str, str], outcome: str) -> None:
    test = tmp_path / "test_it.py"
    test.write_text('import pytest\n\ndef test_it():\n    pytest.skip("wrk is not installed")\n')
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), str(test)],
        cwd=ROOT,
        env=os.environ | {"HEADRACE_CI_WITHOUT": ""} | variables,
        check=False,
        capture_output=True,
        text=True,
    )
    assert f"{outcome} in " in done.stdout
    assert "wrk is not installed" in done.stdout
