"""A worker whose usual provider or file store cannot work says so and ends, instead of failing every job."""

import os
import shutil
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.child import EX_SOFTWARE
from tests.support.platform import Platform
from tests.support.ports import free_port
from tests.support.processes import Worker
from tests.support.waiting import wait_until


@contextmanager
def _worker(folder: Path, settings: Mapping[str, str]) -> Generator[Worker]:
    environment = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", **settings}
    worker = Worker(environment=environment, log=folder / "log")
    try:
        yield worker
    finally:
        worker.end()


async def test_a_worker_without_its_local_model_does_not_start(tmp_path: Path) -> None:
    settings = {"HEADRACE_PROVIDER": "local", "HEADRACE_LOCAL_MODEL": "/nowhere/model.gguf"}
    with _worker(tmp_path, settings) as worker:
        await wait_until(lambda: worker.exit_code is not None, within=20, what="the worker ends")
        assert worker.exit_code == 1
        assert "HEADRACE_LOCAL_MODEL names /nowhere/model.gguf, which is not a file" in worker.output()
        assert "Traceback" not in worker.output()


@pytest.mark.parametrize("url", ["gcs://bucket", "file:///dev/null/files"])
async def test_a_worker_without_a_place_for_files_does_not_start(tmp_path: Path, url: str) -> None:
    with _worker(tmp_path, {"HEADRACE_FILES_URL": url}) as worker:
        await wait_until(lambda: worker.exit_code is not None, within=20, what="the worker ends")
        assert worker.exit_code == 1
        (line,) = (line for line in worker.output().splitlines() if "HEADRACE_FILES_URL" in line)
        assert line.startswith(f"headrace: HEADRACE_FILES_URL: files cannot be kept in {url}: ")
        assert "Traceback" not in worker.output()


async def test_a_worker_whose_new_child_cannot_open_its_stores_ends(platform: Platform) -> None:
    """The folder for files is gone when the child is replaced."""
    await platform.start()
    (worker,) = platform.workers
    files = platform.folder / "files"
    shutil.rmtree(files)
    files.touch()
    os.kill(worker.child, signal.SIGKILL)
    await wait_until(lambda: worker.exit_code is not None, within=20, what="the worker ends")
    assert worker.exit_code == EX_SOFTWARE, worker.output()
    assert "this process cannot run jobs; ending the worker" in worker.output()
