"""The API as a process of its own, told to stop."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from jobs.settings import Settings
from jobs.store import JobStore
from tests.api.sse import blocks
from tests.support.jobs_at_hand import queued
from tests.support.processes import Api
from tests.support.waiting import wait_until


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_open_streams_do_not_hold_up_a_stop(
    settings: Settings, store: JobStore, tmp_path: Path, number: signal.Signals
) -> None:
    """They end at once, and cleanly; their clients connect again, to another process."""
    job_id = await queued(store)
    environment = os.environ | {
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "HEADRACE_FILES_URL": settings.files_url,
    }
    process = Api(environment=environment, log=tmp_path / "api.log")
    try:
        await wait_until(process.answers, within=20, what="the API answers")
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream("GET", f"{process.url}/jobs/{job_id}/events") as response,
        ):
            async for block in blocks(response):
                if block.event == "queued":
                    process.signal(number)
        await wait_until(lambda: process.exit_code is not None, within=3, what="the process is gone")
        assert "Traceback" not in process.output(), process.output()
        assert "Application shutdown complete" in process.output()
    finally:
        process.end()
