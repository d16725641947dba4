"""Load on a route: `wrk` where it is, else a client of our own on asyncio streams, which takes more of the machine."""

import asyncio
import json
import re
import shutil
import time
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile

from bench.lab import DoesNotRun
from bench.task import story

BODY = json.dumps(story("My Story"))
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


def program() -> str:
    return "wrk" if shutil.which("wrk") else "asyncio streams"


async def requests_a_second(url: str, *, clients: int, seconds: int, body: str = BODY) -> float:
    """POSTs stories, or GETs without a body, one after another from so many clients. Raises DoesNotRun."""
    if shutil.which("wrk"):
        return await _by_wrk(url, clients, seconds, body)
    return await _by_streams(url, clients, seconds, body)


async def _by_wrk(url: str, clients: int, seconds: int, body: str) -> float:
    with NamedTemporaryFile("w", suffix=".lua") as script:
        if body:
            script.write(
                f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = [[{body}]]\n"
            )
        script.flush()
        options = ["--threads", "1", "--connections", str(clients), "--duration", str(seconds), "--script", script.name]
        wrk = await asyncio.create_subprocess_exec("wrk", *options, url, stdout=asyncio.subprocess.PIPE)
        said = (await wrk.communicate())[0].decode()
    rate = _RATE.search(said)
    if rate is None or "Non-2xx" in said or "Socket errors" in said:
        raise DoesNotRun(said)
    return float(rate[1])


async def _by_streams(url: str, clients: int, seconds: int, body: str) -> float:
    host, port = url.removeprefix("http://").partition("/")[0].split(":")
    path = Path("/", *url.split("/")[3:])
    content = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {host}\r\n{content}\r\n"
    request = (head + body).encode()
    started = time.perf_counter()
    done = 0

    async def one() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection(host, int(port))
        with closing(writer):
            while time.perf_counter() - started < seconds:
                writer.write(request)
                answer = await reader.readuntil(b"\r\n\r\n")
                if not answer.startswith(b"HTTP/1.1 2"):
                    raise DoesNotRun(answer.decode())
                length = next(line for line in answer.lower().splitlines() if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                done += 1

    for failure in await asyncio.gather(*(one() for _ in range(clients)), return_exceptions=True):
        if failure is not None:
            raise failure
    return done / (time.perf_counter() - started)
