"""`python -m bench.warmup`: what one worker fetches a minute from one host that takes 2 to 3 s for each answer.

A whole platform of real processes on the loopback interface; the host is in this process.
"""

import asyncio
import random
import time
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from tests.support.platform import Platform
from tests.support.website import Reply, Website, serving, sitemap

URLS = 1000
LOOK_EVERY = 5.0


async def measure(folder: Path, site: Website) -> None:
    chance = random.Random(1)  # noqa: S311  # repeatable answer times
    paths = [f"/page-{number}" for number in range(URLS)]
    site.pages = {path: Reply(delay=chance.uniform(2, 3)) for path in paths}
    site.pages["/sitemap.xml"] = sitemap(site.url + path for path in paths)
    platform = Platform(folder, {"HEADRACE_ALLOW_PRIVATE_HOSTS": site.host})
    try:
        await platform.start()
        response = await platform.client.post("/warmups", json={"sitemap": f"{site.url}/sitemap.xml"})
        await watch(platform, response.raise_for_status().json()["id"], site)
    finally:
        await platform.stop()


async def watch(platform: Platform, job_id: str, site: Website) -> None:
    started = time.monotonic()
    done = 0
    typer.echo("seconds  done  calls/min  in flight")
    while (job := await platform.job(job_id))["state"] in {"queued", "running"}:
        counts = job["progress"]["counts"] or {"completed": 0}
        rate = (counts["completed"] - done) * 60 / LOOK_EVERY
        done = counts["completed"]
        typer.echo(f"{time.monotonic() - started:7.0f}  {done:4}  {rate:9.0f}  {site.in_flight:9}")
        await asyncio.sleep(LOOK_EVERY)
    seconds = (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])).total_seconds()
    counts = job["result"]["counts"]
    typer.echo(f"{counts} in {seconds:.1f} s: {counts['completed'] * 60 / seconds:.0f} calls a minute by one worker")
    typer.echo(f"most in flight: {site.most_in_flight}; answers took {job['result']['passes'][0]['times']}")
    typer.echo("bound by: the limit of 64 in flight to one host, and the rounds of doubling until it is reached")


async def main() -> None:
    with TemporaryDirectory() as folder:
        async with serving(Website()) as site:
            await measure(Path(folder), site)


if __name__ == "__main__":
    asyncio.run(main())
