"""A release of before, as its wheel had it, in a virtual environment of its own, with the libraries of the tests."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.ports import free_port
from tests.support.processes import Api, Process, Worker

HERE = Path(__file__).parent
WHEEL = HERE / "headrace-0.1.0-py3-none-any.whl"
"""Of commit ad0f923, the last one of version 0.1.0 (docs/decisions/0029)."""


class Release:
    """Its API and its worker, as processes that see nothing of the code beside these tests."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        own = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        with zipfile.ZipFile(WHEEL) as wheel:
            wheel.extractall(own)
        # Behind its own; the .pth files in there are not read, and so neither is the one that leads to this repository.
        (own / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.folder = folder
        self.python = str(folder / "bin" / "python")

    def says(self, code: str) -> str:
        """What the code prints there."""
        done = subprocess.run([self.python, "-c", code], cwd=self.folder, check=True, capture_output=True, text=True)  # noqa: S603  # our own
        return done.stdout

    def api(self, *, environment: Mapping[str, str], log: Path) -> Api:
        return _OldApi(self, environment=environment, log=log)

    def worker(self, *, environment: Mapping[str, str], log: Path) -> Worker:
        return _OldWorker(self, environment=environment, log=log)


class _OldApi(Api):
    def __init__(self, release: Release, *, environment: Mapping[str, str], log: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [release.python, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", str(port)]
        Process.__init__(self, command, environment=environment, log=log, folder=release.folder)


class _OldWorker(Worker):
    def __init__(self, release: Release, *, environment: Mapping[str, str], log: Path) -> None:
        command = [release.python, "-m", "celery", "-A", "tasks", "worker", "--without-gossip", "--without-mingle"]
        Process.__init__(self, command, environment=environment, log=log, folder=release.folder)
