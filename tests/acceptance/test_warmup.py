"""A warm-up through REST and real processes, with a real site that keeps count of what it is asked."""

import csv
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bench.website import Reply, Website, gzipped, redirect, serving, sitemap, sitemap_index
from kinds.warmup.host_limit import MAX_AT_ONCE
from tests.support.platform import NewPlatform, Platform
from tests.support.waiting import wait_until


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with serving(Website()) as site:
        yield site


@pytest.fixture
async def platform(new_platform: NewPlatform, site: Website) -> Platform:
    platform = new_platform(HEADRACE_ALLOW_PRIVATE_HOSTS=site.host)
    await platform.start()
    return platform


async def _post(platform: Platform, body: dict[str, Any]) -> str:
    response = await platform.client.post("/warmups", json=body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def _rows(platform: Platform, job_id: str) -> list[dict[str, str]]:
    text = (await platform.client.get(f"/jobs/{job_id}/files/urls.csv")).text
    return list(csv.DictReader(text.splitlines()))


async def test_300_urls_survive_two_kills_and_no_saved_one_is_fetched_again(platform: Platform, site: Website) -> None:
    """The site's own log is the judge: what was saved at a kill is not asked for after it."""
    paths = [f"/page-{number}" for number in range(320)]
    site.pages = {path: Reply(delay=0.4) for path in paths}
    site.pages["/sitemap.xml"] = sitemap(site.url + path for path in paths)
    job_id = await _post(platform, {"sitemap": f"{site.url}/sitemap.xml"})

    asked_at_kill: dict[str, int] = {}
    for steps in (60, 180):
        await platform.until_steps(job_id, steps)
        os.kill(platform.workers[0].child, signal.SIGKILL)
        # The dead child saves nothing more, and what it had asked for is in the site's log.
        saved = await _saved_paths(platform, job_id, paths)
        asked = len(site.asked)
        asked_at_kill = {path: asked_at_kill.get(path, site.times(path)) for path in saved}
        assert len(saved) >= steps - 1
        await wait_until(lambda asked=asked: len(site.asked) > asked, within=15, what="it goes on")

    job = await platform.until_state(job_id, "completed", within=30)
    asked = Counter(site.asked)
    assert job["result"]["counts"] == {"total": 320, "completed": 320, "failed": 0, "skipped": 0, "pending": 0}
    assert asked["/sitemap.xml"] == 1
    assert {path: asked[path] for path in asked_at_kill} == asked_at_kill
    # Only what was under way at a kill is asked for once more, answered but not yet saved included.
    assert sum(asked[path] for path in paths) <= len(paths) + 2 * MAX_AT_ONCE
    assert job["attempt"] == 3
    assert [row["url"] for row in await _rows(platform, job_id)] == [site.url + path for path in paths]


async def _saved_paths(platform: Platform, job_id: str, paths: list[str]) -> list[str]:
    """By their step's number; the steps of a pass are numbered as the sitemap has them."""
    events = await platform.events(job_id)
    after = events[-1]["sequence"]
    while more := (
        await platform.client.get(
            f"/jobs/{job_id}/events", headers={"Accept": "application/json", "Last-Event-ID": str(after)}
        )
    ).json()["events"]:
        events += more
        after = more[-1]["sequence"]
    steps = [event["data"]["step"] for event in events if event["event"] == "step"]
    return [paths[int(step.rpartition(":")[2]) - 1] for step in steps if step.startswith("pass-1:")]


async def test_a_site_is_warmed_and_the_second_pass_shows_it(platform: Platform, site: Website) -> None:
    """An index of sitemaps, one compressed; robots.txt; another host; a page that is gone."""
    paths = [f"/page-{number}" for number in range(40)]

    def cached(path: str) -> Reply:
        hit = site.times(path) > 1
        return Reply(headers={"X-Cache": "HIT" if hit else "MISS"})

    site.pages = dict.fromkeys(paths, cached)
    site.pages |= {
        "/robots.txt": Reply(b"User-agent: *\nDisallow: /private"),
        "/sitemap.xml": sitemap_index([f"{site.url}/one.xml", f"{site.url}/two.xml.gz", f"{site.url}/gone.xml"]),
        "/one.xml": sitemap([site.url + path for path in paths[:20]] + ["https://elsewhere.example/"]),
        "/two.xml.gz": gzipped(sitemap([site.url + path for path in [*paths[10:], "/private/x", "/gone"]]), name=True),
    }
    job_id = await _post(platform, {"sitemap": f"{site.url}/sitemap.xml", "passes": 2})
    job = await platform.until_state(job_id, "completed", within=20)
    result = job["result"]
    assert result["counts"] == {"total": 43, "completed": 40, "failed": 1, "skipped": 2, "pending": 0}
    assert (result["failed"], result["skipped"]) == ({"404": 1}, {"host": 1, "robots": 1})
    assert [one["cache"] for one in result["passes"]] == [{"miss": 40}, {"hit": 40}]
    assert [one["url"] for one in result["unread_sitemaps"]] == [f"{site.url}/gone.xml"]
    assert job["progress"]["counts"] == result["counts"]
    assert all(site.times(path) == 2 for path in paths)
    rows = await _rows(platform, job_id)
    assert Counter((row["pass"], row["outcome"]) for row in rows) == {
        ("1", "completed"): 40,
        ("1", "failed"): 1,
        ("1", "skipped"): 2,
        ("2", "completed"): 40,
    }


async def test_a_cancelled_warm_up_stops_within_2_seconds(platform: Platform, site: Website) -> None:
    """Also towards the site: its connections are closed."""
    site.pages = {f"/{number}": Reply(delay=60) for number in range(20)}
    job_id = await _post(platform, {"urls": [f"{site.url}/{number}" for number in range(20)]})
    await wait_until(lambda: site.in_flight, within=10, what="the site is asked")
    next_id = await platform.post_story()
    assert (await platform.client.post(f"/jobs/{job_id}/cancel")).json()["state"] == "cancelled"
    await platform.until_state(next_id, "completed", within=20)
    cancelled = (await platform.events(job_id))[-1]
    running = next(event for event in await platform.events(next_id) if event["event"] == "running")
    waited = datetime.fromisoformat(running["at"]) - datetime.fromisoformat(cancelled["at"])
    assert timedelta(0) <= waited < timedelta(seconds=2)
    assert Counter(site.asked)["/0"] == 1


UNUSABLE: dict[str, tuple[Reply, str]] = {
    "/gone.xml": (Reply(status=404), "is not there: status 404"),
    "/page.html": (Reply(b"<html></html>"), "cannot be read as a sitemap: it is a <html>"),
    "/bomb.xml.gz": (gzipped(Reply(b" " * 60_000_000), name=True), "more than 52428800 bytes"),
    "/away.xml": (redirect("http://169.254.169.254/latest/meta-data"), "hands out credentials"),
}


async def test_a_sitemap_that_cannot_be_used_fails_the_job_and_says_why(platform: Platform, site: Website) -> None:
    site.pages |= {path: reply for path, (reply, _) in UNUSABLE.items()}
    for path, (_, says) in UNUSABLE.items():
        job_id = await _post(platform, {"sitemap": site.url + path})
        job = await platform.until_state(job_id, "failed", within=20)
        assert (job["error"]["reason"], job["error"]["stage"]) == ("input_rejected", "sitemap")
        assert says in job["error"]["message"]
