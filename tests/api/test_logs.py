"""What the API process writes to its log."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.liveness import answers
from tests.support.ports import free_port
from tests.support.waiting import wait_until


@pytest.mark.slow
async def test_every_line_is_json(redis_url: str) -> None:
    """The server's own lines too: its start, each request, its end."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", str(port)]
    environment = {**os.environ, "REDIS_URL": redis_url, "HEADRACE_LOG_FORMAT": "json"}

    def is_up() -> bool:
        return answers(f"http://127.0.0.1:{port}/health/live")

    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:  # noqa: ASYNC220, S603  # our own command
        try:
            await wait_until(is_up, within=20, what="the server answers")
        finally:
            server.terminate()
            written, _ = server.communicate(timeout=60)

    lines = [json.loads(line) for line in written.splitlines()]
    assert {line["severity"] for line in lines} == {"INFO"}
    assert any("GET /health/live" in line["message"] for line in lines)
    assert any("Finished server process" in line["message"] for line in lines)
