"""`headrace new`: what it writes works as it stands, and what cannot be is told in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.errors import CommandFailed
from cli.new_kind import write_package

pytestmark = pytest.mark.slow


def _python(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603  # this interpreter
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["podcast", "weekly_news"])
def test_its_own_test_passes_and_the_linters_find_nothing(tmp_path: Path, name: str) -> None:
    write_package(name, tmp_path / "new")
    assert "2 passed" in _python(tmp_path / "new", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    kind = tmp_path / "new" / name / "__init__.py"
    assert len(kind.read_text().splitlines()) < 100
    options = ["--isolated", "--line-length=120", "--select=E,F,I,N,UP,B,RUF", "--target-version=py311"]
    _python(tmp_path / "new", "-m", "ruff", "check", *options, ".")
    _python(tmp_path / "new", "-m", "ruff", "format", "--isolated", "--line-length=120", "--check", ".")


@pytest.mark.parametrize("name", ["Podcast", "my-podcast", "2nd", "", "class", "a/b", "p" * 41])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandFailed, match=f"{name!r} cannot be the name of a kind"):
        write_package(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("name", "said"), [("story", "a kind 'story' already"), ("json", "a module 'json' already")])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(CommandFailed, match=f"there is {said}"):
        write_package(name, tmp_path / "new")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "pyproject.toml"
    mine.write_text("mine")
    with pytest.raises(CommandFailed, match="nothing is overwritten: choose another with --folder"):
        write_package("podcast", tmp_path)
    with pytest.raises(CommandFailed, match="nothing is overwritten"):
        write_package("podcast", mine)
    assert list(tmp_path.iterdir()) == [mine]
    assert mine.read_text() == "mine"
