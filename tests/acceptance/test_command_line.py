"""`headrace dev` and `headrace demo`, as a new user runs them."""

import re
import signal
import socket
from pathlib import Path

import httpx

from tests.support.command_line import exit_code, free_ports, headrace_command, left_behind
from tests.support.platform import STORY
from tests.support.ports import free_port
from tests.support.waiting import wait_until


async def test_dev_runs_everything_and_ctrl_c_stops_it(tmp_path: Path) -> None:
    """A story goes through the API and the worker, and Flower lists it by its job id."""
    ports = free_ports()
    with headrace_command(tmp_path, "dev", *(f"{option}={port}" for option, port in ports.items())) as dev:
        await wait_until(lambda: "Headrace is up" in dev.output(), within=40, what="headrace dev is up")
        async with httpx.AsyncClient() as client:
            api, flower = (f"http://127.0.0.1:{ports[option]}" for option in ("--api-port", "--flower-port"))
            job_id = (await client.post(f"{api}/stories", json=STORY | {"pages": 4})).json()["id"]

            async def listed() -> bool:
                tasks = (await client.get(f"{flower}/api/tasks")).json()
                return tasks.get(job_id, {}).get("name") == "story" and tasks[job_id]["state"] == "SUCCESS"

            await wait_until(listed, within=30, what="Flower lists the job")
            assert (await client.get(f"{api}/jobs/{job_id}")).json()["state"] == "completed"
        dev.signal(signal.SIGINT)
        assert await exit_code(dev, within=20) == 0, dev.output()
    assert "Traceback" not in dev.output(), dev.output()
    assert left_behind(tmp_path) == []


async def test_a_busy_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = free_ports() | {"--api-port": port}
        with headrace_command(tmp_path, "dev", *(f"{option}={number}" for option, number in arguments.items())) as dev:
            assert await exit_code(dev, within=20) == 1
    assert f"Port {port}, meant for the API, is in use" in dev.output()
    assert "--api-port" in dev.output()
    assert "Traceback" not in dev.output(), dev.output()
    assert left_behind(tmp_path) == []


async def test_demo_makes_a_book_and_says_where_it_lies(tmp_path: Path) -> None:
    """Where the API wants a token, a proxy is set that does not know this machine, and the title looks like markup."""
    title = "The Lighthouse [/b] Robot"
    settings = {"HEADRACE_API_TOKEN": "hush", "HTTP_PROXY": f"http://127.0.0.1:{free_port()}"}
    ports = free_ports()
    arguments = [f"--api-port={ports['--api-port']}", f"--redis-port={ports['--redis-port']}", f"--title={title}"]
    with headrace_command(tmp_path, "demo", *arguments, "--pages=4", **settings) as demo:
        assert await exit_code(demo, within=60) == 0, demo.output()
    output = demo.output()
    pdf, html = (Path(path) for path in re.findall(r"/\S+/story\.(?:pdf|html)", output))
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert title in html.read_text()
    assert len(list(pdf.parent.glob("page-*.png"))) == 4
    assert left_behind(tmp_path) == []


async def test_a_terminal_that_closes_leaves_nothing_behind_however_impatient_its_user(tmp_path: Path) -> None:
    ports = free_ports()
    with headrace_command(tmp_path, "dev", *(f"{option}={port}" for option, port in ports.items())) as dev:
        await wait_until(lambda: "Headrace is up" in dev.output(), within=40, what="headrace dev is up")
        dev.signal(signal.SIGHUP)
        await wait_until(lambda: "Stopping." in dev.output(), within=5, what="headrace dev stops")
        dev.signal(signal.SIGINT)
        dev.signal(signal.SIGTERM)
        assert await exit_code(dev, within=20) == 0, dev.output()
    assert left_behind(tmp_path) == []


async def test_a_setting_that_cannot_be_is_a_line(tmp_path: Path) -> None:
    for command in ("dev", "demo"):
        with headrace_command(tmp_path, command, REDIS_URL="localhost:6379") as process:
            assert await exit_code(process, within=20) == 2
        assert process.output().splitlines()[-1].startswith("headrace: REDIS_URL: is no address of a Redis")
        assert "Traceback" not in process.output(), process.output()
