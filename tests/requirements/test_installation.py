"""A lock is installed as it stands, whatever has been released since, by the pips that people have.

The commands are those of the Makefile; the index is a folder of small wheels.
"""

import os
import re
import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.requirements.wheels import make_wheel
from tests.support.makefile import ROOT, command

NEWEST = "pip"
PIPS = [
    *(["pip==23.0.1"] if sys.version_info < (3, 12) else []),  # brought by Python 3.11; does not start on 3.12
    "pip==23.2.1",  # brought by later 3.11 and by 3.12
    NEWEST,
]
INSTALLS = {
    ("Makefile", "requirements/dev.txt"),
    ("Makefile", "requirements/redis-servers.txt"),
    ("Dockerfile.api", "requirements/build.txt"),
    ("Dockerfile.api", "requirements/api.txt"),
    ("Dockerfile.worker", "requirements/build.txt"),
    ("Dockerfile.worker", "requirements/image.txt"),
}


def _compile(requirements: Path, index: Path, lock: Path) -> None:
    words = command("lock", "-o requirements/api.txt")
    options = words[: words.index("pyproject.toml")]
    where = ["--no-index", "--find-links", str(index)]
    subprocess.run([*options, *where, str(requirements), "-o", str(lock)], cwd=ROOT, check=True)  # noqa: S603


@pytest.fixture(scope="module", params=PIPS)
def pip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pip of that version, which the package index is asked for."""
    folder = tmp_path_factory.mktemp("pip")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", str(folder)]
    subprocess.run([*install, request.param], check=True)  # noqa: S603  # our own
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """What can be had on the day of the lock: `client`, which needs an extra of `auth`, which needs `http`."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "client", "1.0", requires=["auth[web]>=1.0"])
    make_wheel(folder, "auth", "1.0", requires=['http>=1.0; extra == "web"'], extra="web")
    make_wheel(folder, "http", "1.0")
    return folder


@pytest.fixture
def lock(index: Path, tmp_path: Path) -> Path:
    requirements, lock = tmp_path / "requirements.in", tmp_path / "lock.txt"
    requirements.write_text("client\n")
    _compile(requirements, index, lock)
    return lock


def _release_more(index: Path) -> None:
    make_wheel(index, "auth", "2.0", requires=['http>=1.0; extra == "web"'], extra="web")
    make_wheel(index, "http", "2.0")


def _install(lock: Path, index: Path, pip: Path, environment: Path) -> dict[str, str]:
    """Versions of what `make setup` with this pip puts into the environment."""
    venv.create(environment, with_pip=False)
    words = command("setup", "requirements/dev.txt")
    assert words[1:4] == ["-m", "pip", "install"]
    assert words[-2:] == ["-r", "requirements/dev.txt"]
    settings = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    settings |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    python = str(environment / "bin" / "python")
    done = subprocess.run(  # noqa: S603  # our own
        [python, *words[1:-1], str(lock)],
        env=settings | {"PYTHONPATH": str(pip)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [packages] = environment.glob("lib/python*/site-packages")
    return {found.name: found.version for found in distributions(path=[str(packages)])}


def test_a_lock_keeps_the_extras_and_names_no_index(lock: Path) -> None:
    text = lock.read_text()
    assert re.findall(r"^[^# ]+==\S+", text, re.MULTILINE) == ["auth[web]==1.0", "client==1.0", "http==1.0"]
    assert "--index-url" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("extras", ["kept", "left out"])
def test_what_was_released_since_the_lock_changes_nothing(
    pip: Path, lock: Path, index: Path, tmp_path: Path, extras: str
) -> None:
    """Also from a lock without extras, at which pip 23 stopped when it looked for dependencies by itself."""
    if extras == "left out":
        lock.write_text(lock.read_text().replace("[web]", ""))
    _release_more(index)
    assert _install(lock, index, pip, tmp_path / "venv") == {"auth": "1.0", "client": "1.0", "http": "1.0"}


def test_no_lock_is_installed_otherwise() -> None:
    files = [ROOT / "Makefile", ROOT / "cloudbuild.yaml", ROOT / ".ci" / "run", *ROOT.glob("Dockerfile.*")]
    lines = [(file.name, line) for file in files for line in file.read_text().splitlines()]
    installs = [(name, line.split()) for name, line in lines if re.search(r"\bpip\b.* install .*-r ", line)]
    assert {(name, words[words.index("-r") + 1]) for name, words in installs} == INSTALLS
    careless = [words for _, words in installs if not {"--no-deps", "--require-hashes"} <= set(words)]
    assert careless == []
