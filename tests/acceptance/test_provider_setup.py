"""A worker whose usual provider cannot work says so and ends, instead of failing every job."""

import os
import sys
from pathlib import Path

from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


async def test_a_worker_without_its_local_model_does_not_start(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HEADRACE_PROVIDER": "local",
        "HEADRACE_LOCAL_MODEL": "/nowhere/model.gguf",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker"]
    worker = Process(command, environment=environment, log=tmp_path / "log", folder=ROOT)
    try:
        await wait_until(lambda: worker.exit_code is not None, within=20, what="the worker ends")
        assert worker.exit_code == 1
        assert "HEADRACE_LOCAL_MODEL names /nowhere/model.gguf, which is not a file" in worker.output()
        assert "Traceback" not in worker.output()
    finally:
        worker.end()
