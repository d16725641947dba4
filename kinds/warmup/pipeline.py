"""A warm-up: find the URLs, fetch each as a step of its own, once more if asked, and tell what came of it."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from httpx2 import URL

from headrace import FileRef, JobContext, Step
from kinds.warmup import DEFAULT_DEPTH, WarmupInput, WarmupResult
from kinds.warmup.allow_list import AllowList
from kinds.warmup.client import Client
from kinds.warmup.host_limit import MAX_AT_ONCE
from kinds.warmup.known_links import KnownLinks
from kinds.warmup.links import unique, web_address
from kinds.warmup.outbound import Outbound
from kinds.warmup.plan import Plan, plan
from kinds.warmup.progress import WarmupProgress
from kinds.warmup.report import result
from kinds.warmup.rows import Row, row_of, to_csv
from kinds.warmup.visitor import Visitor, origin

T = TypeVar("T")

TELL_EVERY = 0.5
"""Seconds between two looks at how far it is; where nothing has changed, nothing is told."""


async def make(job: JobContext, warmup: WarmupInput) -> WarmupResult:
    client = Client(
        Outbound(job.settings.allow_private_hosts), user_agent=warmup.user_agent, seconds=warmup.timeout_seconds
    )
    try:
        crawl = _Crawl(job, warmup, client)
        passes = [await crawl.first_pass()]
        if warmup.passes > 1:
            passes.append(await crawl.second_pass(passes[0]))
    finally:
        await client.aclose()

    async def write(step: Step) -> FileRef:
        return await step.keep("urls.csv", await asyncio.to_thread(to_csv, passes), "text/csv; charset=utf-8")

    rows = await job.step("rows", write, FileRef)
    made = result(passes, rows, left_out=crawl.left_out, unread=crawl.plan.unread if crawl.plan else [])
    await job.progress(0.99, "report", "urls.csv", counts=made.counts.model_dump())
    return made


class _Crawl:
    """One attempt at fetching all of it."""

    def __init__(self, job: JobContext, warmup: WarmupInput, client: Client) -> None:
        self.left_out = 0
        self.plan: Plan | None = None
        self._job = job
        self._input = warmup
        self._visitor = Visitor(
            client,
            AllowList(warmup.allow_hosts),
            user_agent=warmup.user_agent,
            respect_robots=warmup.respect_robots,
            draining=lambda: job.draining,
        )
        self._tally = WarmupProgress(warmup.passes)

    async def first_pass(self) -> list[Row]:
        if self._input.sitemap is not None:
            urls = await self._from_sitemap(self._input.sitemap)
        elif self._input.page is not None:
            return await self._follow_links(self._input.page)
        else:
            urls = await asyncio.to_thread(unique, map(web_address, self._input.urls or []))
            if self._input.allow_hosts is None:
                self._visitor.allow = AllowList([URL(url).host for url in urls])
        self._tally.next_pass()
        return await self._fetch("pass-1", urls)

    async def second_pass(self, first: Sequence[Row]) -> list[Row]:
        """What answered well once more: the rest is not in any cache."""
        self._tally.next_pass()
        return await self._fetch("pass-2", [row.url for row in first if row.outcome == "completed"])

    async def _from_sitemap(self, address: str) -> list[str]:
        await self._job.progress(0.0, "sitemap", f"reading {address}")

        async def read(step: Step) -> Plan:
            return await plan(step, self._visitor, address, most=self._input.max_urls)

        if self._input.allow_hosts is None:
            self._visitor.allow = AllowList([URL(address).host])
        self.plan = await self._job.step("sitemap", read, Plan)
        if self._input.allow_hosts is None:
            self._visitor.allow = AllowList(self.plan.hosts)
        self.left_out = self.plan.left_out
        return (await self._job.load(self.plan.urls)).decode().split()

    async def _follow_links(self, page: str) -> list[Row]:
        """Level by level, so that every attempt numbers the same pages in the same way."""
        self._tally.next_pass()
        if self._input.allow_hosts is None:
            self._visitor.allow = AllowList([URL(page).host])
        depth = DEFAULT_DEPTH if self._input.depth is None else self._input.depth
        rows: list[Row] = []
        level = unique([web_address(page)])
        seen = set(level)
        known = KnownLinks()
        for distance in range(depth + 1):
            rows += (made := await self._fetch(f"pass-1:depth-{distance}", level, known if distance < depth else None))
            links = dict.fromkeys(link for row in made for link in row.links)
            new = [link for link in links if link not in seen]
            seen.update(new)
            level = new[: self._input.max_urls - len(rows)]
            self.left_out += len(new) - len(level)
        return rows

    async def _fetch(self, name: str, urls: Sequence[str], known: KnownLinks | None = None) -> list[Row]:
        """A row for each URL, in order. All hosts at once, each at its own pace."""
        self._tally.expect(len(urls))
        by_origin = await asyncio.to_thread(_by_origin, urls)

        async def fetch(_: Step, url: str) -> Row:
            return await row_of(self._visitor, url, known=known)

        def note(row: Row) -> None:
            self._tally.add(row)
            if known is not None:
                known.new(row.links)

        async with self._telling():
            made = await _all_of(
                self._job.map(f"{name}:{site}", some, fetch, Row, limit=MAX_AT_ONCE, each=note)
                for site, some in by_origin.items()
            )
        rows = {row.url: row for some in made for row in some}
        return [rows[url] for url in urls]

    @asynccontextmanager
    async def _telling(self) -> AsyncGenerator[None]:
        """Tells progress meanwhile, and once more at the end."""

        async def tell_on() -> None:
            while True:
                await asyncio.sleep(TELL_EVERY)
                await self._tell()

        await self._tell()
        telling = asyncio.create_task(tell_on())
        try:
            yield
        finally:
            telling.cancel()
        await self._tell()

    async def _tell(self) -> None:
        progress = self._tally
        counts = progress.counts.model_dump()
        await self._job.progress(progress.fraction, progress.phase, progress.detail(self._visitor), counts=counts)


def _by_origin(urls: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for url in urls:
        found.setdefault(origin(URL(url)), []).append(url)
    return found


async def _all_of(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results; a failure is raised when the others have ended too, whose calls in flight are then saved."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in ended if not isinstance(outcome, BaseException)]
