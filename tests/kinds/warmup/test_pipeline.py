"""The pipeline in this process: which URLs it takes, what it tells meanwhile, and what it goes on with."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bench.website import Reply, Website, gzipped, links_to, redirect, sitemap
from headrace import Interrupted, JobContext, Reason, Unavailable
from headrace.step import Saved
from jobs import kinds
from jobs.events import EventLog
from jobs.leases import Claim
from jobs.new_job import NewJob
from jobs.private_hosts import PrivateHosts
from jobs.settings import Settings
from jobs.store import JobStore
from kinds.warmup import WarmupInput, WarmupResult
from kinds.warmup import pipeline as warmup
from tasks.engine.backend import LeasedJob, Tools
from tests.support.waiting import wait_until


@pytest.fixture
def settings(settings: Settings, site: Website) -> Settings:
    return settings.model_copy(
        update={
            "allow_private_hosts": PrivateHosts(hosts=frozenset({("127.0.0.1", site.port), ("localhost", site.port)}))
        }
    )


@pytest.fixture
async def claim(store: JobStore) -> Claim:
    created = await store.create(NewJob(kinds.get("warmup"), {}))
    claim = await store.claim(created.job_id, worker="tests", token="tests")  # noqa: S106  # not a secret
    assert isinstance(claim, Claim)
    return claim


async def warm(context: JobContext, **asked: Any) -> WarmupResult:  # noqa: ANN401  # any JSON value
    return await warmup.make(context, WarmupInput.model_validate(asked))


async def urls(context: JobContext, result: WarmupResult) -> list[str]:
    lines = (await context.load(result.rows)).decode().splitlines()
    return [line.split(",")[1] for line in lines[1:]]


async def test_links_are_followed_to_their_depth(context: JobContext, site: Website) -> None:
    """Each page once, and none of another host."""
    site.pages = {
        "/": links_to("/a", "/b#top", "https://elsewhere.example/"),
        "/a": links_to("/", "/a/deep", "/b"),
        "/b": gzipped(links_to("/b/deep")),
        "/a/deep": links_to("/too-deep"),
        "/b/deep": Reply(),
    }
    result = await warm(context, page=f"{site.url}/", depth=2)
    paths = ("/", "/a", "/b", "/a/deep", "/b/deep")
    assert await urls(context, result) == [site.url + path for path in paths]
    assert (result.counts.total, site.times("/too-deep")) == (5, 0)


async def test_a_link_on_every_page_is_saved_once(
    context: JobContext, claim: Claim, tools: Tools, store: JobStore, site: Website
) -> None:
    """A worker that takes the job over reads all rows at once."""
    menu = [f"/{number}" for number in range(30)]
    site.pages = {"/": links_to(*menu), **{path: links_to(*menu, f"{path}/deep") for path in menu}}
    result = await warm(context, page=f"{site.url}/", depth=2)
    assert result.counts.total == 61
    await store.hand_back(claim.lease)
    again = await store.claim(claim.job.id, worker="tests", token="again")  # noqa: S106  # not a secret
    assert isinstance(again, Claim)
    asked = len(site.asked)
    assert (
        await warm(JobContext(LeasedJob(again.lease, tools), again.steps), page=f"{site.url}/", depth=2)
    ).counts.total == 61
    assert len(site.asked) == asked
    rows = [Saved.model_validate_json(text).value for name, text in again.steps.items() if name.startswith("pass-1:")]
    saved = [link for row in rows for link in row["links"]]
    assert (len(rows), len(saved), len(set(saved))) == (61, 60, 60)


async def test_no_more_links_are_followed_than_asked_for(context: JobContext, site: Website) -> None:
    site.pages["/"] = links_to(*(f"/{number}" for number in range(10)))
    result = await warm(context, page=f"{site.url}/", max_urls=4)
    assert (result.counts.total, result.left_out) == (4, 7)


async def test_no_more_of_a_sitemap_is_taken_than_asked_for(context: JobContext, site: Website) -> None:
    site.pages["/sitemap.xml"] = sitemap(f"{site.url}/{number}" for number in range(10))
    result = await warm(context, sitemap=f"{site.url}/sitemap.xml", max_urls=4)
    assert (result.counts.total, result.left_out) == (4, 6)


async def test_a_sitemap_that_moved_brings_its_new_host(context: JobContext, site: Website) -> None:
    """As from the bare name to www."""
    site.pages = {
        "/sitemap.xml": redirect(f"http://localhost:{site.port}/moved.xml"),
        "/moved.xml": sitemap([f"http://localhost:{site.port}/a", "http://elsewhere.example/"]),
        "/a": Reply(),
    }
    result = await warm(context, sitemap=f"{site.url}/sitemap.xml")
    assert (result.counts.completed, result.skipped) == (1, {"host": 1})


@pytest.mark.slow
async def test_a_sitemap_that_is_not_to_be_had_now_is_tried_later(context: JobContext, site: Website) -> None:
    site.pages["/sitemap.xml"] = Reply(hang_up=True)
    with pytest.raises(Unavailable, match="not to be had now") as unavailable:
        await warm(context, sitemap=f"{site.url}/sitemap.xml")
    assert (unavailable.value.stage, unavailable.value.reason) == ("sitemap", Reason.SOURCE_UNAVAILABLE)


async def test_a_redirect_away_from_the_hosts_of_the_urls_is_not_followed(context: JobContext, site: Website) -> None:
    site.pages = {
        "/a": redirect(f"http://localhost:{site.port}/b"),
        "/b": Reply(),
    }
    result = await warm(context, urls=[f"{site.url}/a", f"{site.url}/b"])
    assert (result.counts.completed, result.skipped) == (1, {"host": 1})


async def test_each_url_is_taken_once_whatever_else_it_says(context: JobContext, site: Website) -> None:
    site.pages["/a"] = Reply()
    result = await warm(context, urls=[f"{site.url}/a", f"{site.url}/a#top", "http://10.0.0.1/"])
    assert (result.counts.completed, result.skipped) == (1, {"private_address": 1})
    assert site.times("/a") == 1


@pytest.mark.slow
async def test_counts_are_live_and_add_up(context: JobContext, store: JobStore, claim: Claim, site: Website) -> None:
    paths = [f"/page-{number}" for number in range(60)]
    site.pages = {path: Reply(delay=0.4) for path in paths[1:]}
    await warm(context, urls=[site.url + path for path in paths])
    events = EventLog(store.redis, patience=timedelta(seconds=2))
    history = await events.history(claim.job.id)
    told: list[dict[str, int]] = [event.data["counts"] for event in history if "counts" in event.data]
    assert len(told) >= 3
    assert all(one["total"] == 60 == sum(one.values()) - 60 for one in told)
    pending = [one["pending"] for one in told]
    assert pending == sorted(pending, reverse=True)
    assert (await store.get(claim.job.id)).progress.phase == "pass 1 of 1"


@pytest.mark.slow
async def test_another_host_does_not_wait_for_a_slow_one(context: JobContext, site: Website) -> None:
    """Their limits are apart: 30 slow pages of one do not keep the other's waiting."""
    site.pages = {f"/slow-{number}": Reply(delay=0.5) for number in range(30)}
    site.pages["/fast"] = Reply()
    slow = [f"{site.url}/slow-{number}" for number in range(30)]
    await warm(context, urls=[*slow, f"http://localhost:{site.port}/fast"])
    assert site.asked.index("/fast") < 20


async def test_what_is_in_flight_at_a_stop_is_saved_and_nothing_else_begins(
    context: JobContext, claim: Claim, tools: Tools, site: Website
) -> None:
    answering = asyncio.Event()
    site.pages = {f"/{number}": Reply(until=answering) for number in range(50)}
    asked = {"urls": [f"{site.url}/{number}" for number in range(50)]}
    work = asyncio.create_task(warm(context, **asked))
    await wait_until(lambda: site.in_flight == 8, within=5, what="the first round is in flight")
    context.draining = True
    answering.set()
    with pytest.raises(Interrupted):
        await work
    fetched = len(site.asked)
    await tools.store.hand_back(claim.lease)
    again = await tools.store.claim(claim.job.id, worker="tests", token="again")  # noqa: S106  # not a secret
    assert isinstance(again, Claim)
    assert len(again.steps) == 8
    result = await warm(JobContext(LeasedJob(again.lease, tools), again.steps), **asked)
    assert result.counts.completed == 50
    assert len(site.asked) - fetched == 50 - len(again.steps) + 1  # robots.txt once more
