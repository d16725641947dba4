"""test_deployment.sh: green on a platform that works, red on whatever does not."""

import asyncio
import os
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM

import httpx
import pytest

from tests.cloudrun.containers import ROOT
from tests.support.platform import NewPlatform, Platform
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cloudrun

TOKEN = "s3cret"  # noqa: S105  # of a platform of this test's own
ALL = [
    "health",
    "a worker is there",
    "queues",
    "errors as problem+json",
    "idempotency",
    "cancel",
    "a story, end to end",
    "events, live and resumed",
    "five stories at once",
    "Flower",
    "no errors in the logs",
]


class Report:
    """The exit status and the JUnit report of one run."""

    def __init__(self, done: subprocess.CompletedProcess[str], junit: Path) -> None:
        self.status = done.returncode
        self.text = done.stdout + done.stderr
        cases = list(ET.parse(junit).getroot())  # noqa: S314  # our own file
        self.names = [case.attrib["name"] for case in cases]
        self.failed = {
            case.attrib["name"]: one.attrib["message"] for case in cases for one in case if one.tag == "failure"
        }
        self.skipped = {case.attrib["name"] for case in cases for one in case if one.tag == "skipped"}


async def _check(url: str, folder: Path, *arguments: str, **environment: str) -> Report:
    junit = folder / "junit.xml"
    done = await asyncio.to_thread(
        subprocess.run,
        ["./test_deployment.sh", url, "--junit", str(junit), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    return Report(done, junit)


def _spawn(platform: Platform, *module: str, log: Path, **settings: str) -> None:
    command = [sys.executable, "-m", *module]
    platform.processes.append(Process(command, environment={**platform.environment, **settings}, log=log))


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        httpx.get(url)
        return True
    return False


async def test_all_is_green_on_a_platform_that_works(new_platform: NewPlatform, tmp_path: Path) -> None:
    platform = new_platform(HEADRACE_API_TOKEN=TOKEN)
    await platform.start()
    port, log = free_port(), tmp_path / "flower.log"
    url = f"http://127.0.0.1:{port}"
    # PORT is set as Cloud Run does, and for Flower alone: loading the worker's app takes no port.
    settings = {"FLOWER_BASIC_AUTH": "operator:open-sesame", "PORT": str(port)}
    _spawn(platform, "celery", "-A", "tasks", "flower", f"--port={port}", log=log, **settings)
    await wait_until(lambda: _answers(url), within=30, what="Flower answers")
    report = await _check(
        *(platform.api.url, tmp_path, "--flower", url, "--logs", str(platform.api.log)),
        HEADRACE_API_TOKEN=TOKEN,
        FLOWER_BASIC_AUTH="operator:open-sesame",
    )
    assert report.status == 0, report.text
    assert report.names == ALL
    assert not report.failed
    assert not report.skipped


async def test_without_a_worker_it_is_red_and_leaves_no_job_waiting(new_platform: NewPlatform, tmp_path: Path) -> None:
    platform = new_platform()
    await platform.start(workers=0)
    report = await _check(platform.api.url, tmp_path, "--timeout", "2")
    assert report.status == 1, report.text
    assert report.failed.keys() == {
        "a worker is there",
        "a story, end to end",
        "events, live and resumed",
        "five stories at once",
    }
    assert "no worker has reported" in report.failed["a worker is there"]
    jobs = (await platform.client.get("/jobs")).json()["jobs"]
    assert {job["state"] for job in jobs} == {"cancelled"}


async def test_without_redis_it_is_red(new_platform: NewPlatform, tmp_path: Path) -> None:
    platform = new_platform()
    await platform.start()
    platform.redis.kill()
    report = await _check(platform.api.url, tmp_path, "--timeout", "2", "--logs", str(platform.api.log))
    assert report.status == 1, report.text
    assert report.failed.keys() == set(ALL) - {"Flower"}
    assert "/health/ready: got 503 instead of 200" in report.failed["health"]


async def test_an_answer_of_500_is_red_and_so_is_its_trace_in_the_log(
    new_platform: NewPlatform, tmp_path: Path
) -> None:
    platform = new_platform(HEADRACE_LOG_FORMAT="json")
    await platform.start()
    port, log = free_port(), tmp_path / "faulty.log"
    url = f"http://127.0.0.1:{port}"
    faulty = "tests.cloudrun.broken_images:faulty"
    _spawn(platform, "uvicorn", faulty, "--factory", "--port", str(port), "--app-dir", str(ROOT), log=log)
    await wait_until(lambda: _answers(url), within=30, what="the API with a bug answers")
    report = await _check(url, tmp_path, "--logs", str(log))
    assert report.status == 1, report.text
    assert report.failed.keys() == {"queues", "no errors in the logs"}
    assert "got 500 instead of 200" in report.failed["queues"]


async def test_logs_that_cannot_be_read_are_red(tmp_path: Path) -> None:
    report = await _check(f"http://127.0.0.1:{free_port()}", tmp_path, "--logs", str(tmp_path))
    assert f"{tmp_path} cannot be read" in report.failed["no errors in the logs"]


async def test_it_leaves_no_credentials_behind(tmp_path: Path) -> None:
    """Also where no job was made, which there would be to cancel."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    url = f"http://127.0.0.1:{free_port()}"
    report = await _check(url, tmp_path, TMPDIR=str(temporary), HEADRACE_API_TOKEN=TOKEN)
    assert report.status == 1
    assert list(temporary.iterdir()) == []


async def test_told_to_stop_it_leaves_no_credentials_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {**os.environ, "TMPDIR": str(temporary), "HEADRACE_API_TOKEN": TOKEN}
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        check = Process(["./test_deployment.sh", url], environment=environment, log=tmp_path / "log", folder=ROOT)
        try:
            await wait_until(lambda: any(temporary.glob("*/health.said")), within=10, what="the first check begins")
            check.signal_all(SIGTERM)
            await wait_until(lambda: check.exit_code is not None, within=10, what="the end")
            assert check.exit_code == 130
            assert list(temporary.iterdir()) == []
        finally:
            check.end()


@pytest.mark.parametrize("arguments", [[], ["http://a", "--junit"], ["http://a", "--logs", "/no/such"], ["ftp://a"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    done = subprocess.run(  # noqa: S603  # our own script
        ["./test_deployment.sh", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("test_deployment.sh: ")
