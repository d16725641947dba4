"""A worker that could not work says so and ends, instead of failing every job; API and Flower need none of it."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tasks.engine.loop_guard import EX_SOFTWARE
from tests.support.platform import Platform
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
WORKER = ["-m", "celery", "-A", "tasks", "worker"]
HEADRACE = ["-c", "from cli.main import run; run()"]
API = ["-m", "uvicorn", "api.app:create_app", "--factory", f"--port={free_port()}"]
DRAIN = [*HEADRACE, "drain"]
NO_KEY = {"HEADRACE_PROVIDER": "gemini", "GEMINI_API_KEY": ""}


@pytest.mark.parametrize(
    ("command", "settings", "says"),
    [
        (WORKER, NO_KEY, "the gemini provider cannot be used here: GEMINI_API_KEY is not set"),
        (DRAIN, NO_KEY, "the gemini provider cannot be used here: GEMINI_API_KEY is not set"),
        (
            WORKER,
            {"HEADRACE_PROVIDER": "local", "HEADRACE_LOCAL_MODEL": "/nowhere/model.gguf"},
            "HEADRACE_LOCAL_MODEL names /nowhere/model.gguf, which is not a file",
        ),
        (
            WORKER,
            {"HEADRACE_PROVIDER": "offline", "HEADRACE_PRICES": "/nowhere/prices.toml"},
            "HEADRACE_PRICES: /nowhere/prices.toml cannot be read: No such file or directory",
        ),
        (WORKER, {"HEADRACE_LEASE": "soon"}, "headrace: HEADRACE_LEASE: must be seconds or a number with a unit"),
        (API, {"REDIS_URL": "localhost:6379"}, "headrace: REDIS_URL: is no address of a Redis; write redis://"),
        (WORKER, {"HEADRACE_FILES_URL": "gcs://bucket"}, "HEADRACE_FILES_URL: files cannot be kept in gcs://bucket: "),
        (
            WORKER,
            {"HEADRACE_FILES_URL": "file:///dev/null/files"},
            "HEADRACE_FILES_URL: files cannot be kept in file:///dev/null/files: ",
        ),
        (API, {"HEADRACE_FILES_URL": "file:///proc"}, "headrace: HEADRACE_FILES_URL: files cannot be kept in file:///"),
    ],
)
async def test_what_could_not_work_says_so_and_does_not_start(
    tmp_path: Path, command: list[str], settings: dict[str, str], says: str
) -> None:
    environment = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", **settings}
    worker = Process([sys.executable, *command], environment=environment, log=tmp_path / "log", folder=ROOT)
    try:
        await wait_until(lambda: worker.exit_code is not None, within=20, what="the worker ends")
        assert worker.exit_code == 1
        assert says in worker.output()
        assert "Traceback" not in worker.output(), worker.output()
    finally:
        worker.end()


async def test_dev_says_why_and_does_not_start(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"} | NO_KEY
    command = [
        sys.executable,
        *HEADRACE,
        "dev",
        *(f"--{name}-port={free_port()}" for name in ("api", "flower", "redis")),
    ]
    dev = Process(command, environment=environment, log=tmp_path / "log", folder=tmp_path)
    try:
        await wait_until(lambda: dev.exit_code is not None, within=30, what="dev ends")
        assert dev.exit_code == 1
        said = dev.output().strip().splitlines()[-1]
        assert said == "headrace: the gemini provider cannot be used here: GEMINI_API_KEY is not set"
    finally:
        dev.end()


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
