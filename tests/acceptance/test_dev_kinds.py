"""`headrace dev` with kinds that are being written: found from any folder, and loaded anew as their files change."""

import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.client import Client
from tests.support.command_line import exit_code, free_ports, headrace_command, left_behind
from tests.support.processes import Process
from tests.support.waiting import wait_until

KIND = """\
from pathlib import Path
import asyncio
from pydantic import BaseModel
from headrace import JobContext, Kind, Step

class Input(BaseModel):
    topic: str
    gate: str = ""

class Result(BaseModel):
    words: str

async def make(job: JobContext, input: Input) -> Result:
    async def write(step: Step) -> str:
        return f"first words on {input.topic}"

    async def wait(step: Step) -> None:
        while input.gate and not Path(input.gate).exists():
            await asyncio.sleep(0.02)

    words = await job.step("write", write)
    await job.step("wait", wait)
    return Result(words=words)

KIND = Kind(name="podcast", path="/podcasts", input=Input, result=Result, summary="A podcast", make=make)
"""


class Dev(Client):
    def __init__(self, process: Process, client: httpx.AsyncClient) -> None:
        self.process = process
        self.client = client

    async def post(self, **body: str) -> str:
        answer = await self.client.post("/podcasts", json={"topic": "tides"} | body)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return answer.json()["id"]

    async def says(self, what: str) -> None:
        await wait_until(lambda: what in self.process.output(), within=40, what=f"{what!r}: {self.process.output()}")

    async def words(self, job_id: str) -> str:
        job: dict[str, Any] = await self.until_state(job_id, "completed", within=40)
        return job["result"]["words"]


NewDev = Callable[..., AbstractAsyncContextManager[Dev]]


@pytest.fixture
def dev() -> NewDev:
    @asynccontextmanager
    async def start(folder: Path, *options: str, **settings: str) -> AsyncGenerator[Dev]:
        ports = free_ports()
        arguments = [*options, *(f"{option}={port}" for option, port in ports.items())]
        with headrace_command(folder, "dev", *arguments, **settings) as process:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['--api-port']}", timeout=10) as client:
                started = Dev(process, client)
                await started.says("Headrace is up")
                yield started
            process.signal(signal.SIGINT)
            assert await exit_code(process, within=20) == 0, process.output()
        assert "Traceback" not in process.output(), process.output()
        assert left_behind(folder) == []

    return start


async def test_a_folder_may_have_packages_of_the_same_names_as_ours(tmp_path: Path, dev: NewDev) -> None:
    for name in ("api", "bench", "cli", "headrace", "jobs", "kinds", "tasks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not the one that is meant')\n")
    (tmp_path / "podcast.py").write_text(KIND)
    async with dev(tmp_path, HEADRACE_KINDS="podcast") as running:
        assert await running.words(await running.post()) == "first words on tides"


async def test_a_change_is_loaded_while_a_job_runs_and_a_wrong_one_is_told(tmp_path: Path, dev: NewDev) -> None:
    """From another folder, which has nothing to do with the kinds."""
    elsewhere, gate = tmp_path / "elsewhere", tmp_path / "gate"
    file = tmp_path / "my_kinds" / "podcast" / "__init__.py"
    elsewhere.mkdir()
    file.parent.mkdir(parents=True)
    file.write_text(KIND)
    async with dev(elsewhere, "--kinds=../my_kinds") as running:
        job = await running.post(gate=str(gate))
        await running.until_steps(job, 1)

        file.write_text(KIND.replace("async def make", "async make"))
        await running.says("__init__.py changed, and what runs is left as it was: ")
        await running.says(f"{file}, line 13: invalid syntax")
        assert (await running.job(job))["state"] == "running"

        file.write_text(KIND.replace('"/podcasts"', '"/stories"'))
        await running.says("kind 'podcast': path /stories is taken by kind 'story'")
        assert await running.post(gate=str(gate))

        file.write_text(KIND.replace("first words", "other words"))
        await running.says("__init__.py changed: API and worker run with it.")
        gate.touch()
        assert await running.words(job) == "first words on tides", "its first step was saved before the change"
        assert (await running.job(job))["attempt"] == 1, "an attempt that is handed back does not count"
        assert await running.words(await running.post()) == "other words on tides"


@pytest.mark.parametrize(
    ("files", "option", "said"),
    [
        ({}, "gone", "--kinds: gone is no folder"),
        ({"mine/podcast.py": "KIN = 7"}, "mine", "--kinds: no module in mine has a KIND; `headrace new` writes one"),
        ({"mine/podcast.py": "KIND = ("}, "mine", "mine/podcast.py, line 1: '(' was never closed"),
        ({"mine/json.py": KIND}, "mine", "mine/json.py: there is another module json"),
        ({"mine/my-podcast.py": KIND}, "mine", "'my-podcast' is no name of a module; rename it"),
        ({"mine/podcast.py": "KIND = 7"}, "mine", "HEADRACE_KINDS: podcast: podcast:KIND is no Kind but int"),
    ],
)
async def test_what_cannot_be_a_kind_is_told_in_one_line(
    tmp_path: Path, files: dict[str, str], option: str, said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    arguments = [f"{option}={port}" for option, port in free_ports().items()]
    with headrace_command(tmp_path, "dev", f"--kinds={option}", *arguments) as process:
        assert await exit_code(process, within=30) == 1
        last = process.output().strip().splitlines()[-1]
    assert last.startswith("headrace: ")
    assert said in last
    assert "Traceback" not in process.output(), process.output()
