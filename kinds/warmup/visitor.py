"""Fetches URLs as their hosts want it: by their robots.txt, at their pace, tried again when that may help."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

from httpx2 import URL, InvalidURL

from headrace import Interrupted, backoff
from kinds.warmup.allow_list import AllowList
from kinds.warmup.client import MAX_IN_FLIGHT, Answer, Client, Keep, NoAnswer, TooLarge, nothing
from kinds.warmup.host_limit import ClosedForNow, HostLimit
from kinds.warmup.links import MAX_PORT
from kinds.warmup.outbound import Refused
from kinds.warmup.robots import MAX_BYTES, Robots

TRIES = 3
"""For one URL that gets a server error or no answer."""
PUSHBACK_TRIES = 8
"""For one URL whose host says 429 or 503: that is about the pace, not about the URL."""
MAX_REDIRECTS = 5
"""RFC 9309 asks for five with a robots.txt; browsers follow more for pages, and nobody should need them."""

_PUSHBACK = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(seconds=30)
_MAX_DIGITS = 10
"""Of seconds; more are more than a lifetime, and beyond some thousands `int` refuses them."""

SkipReason = Literal["robots", "host", "scheme", "private_address", "retry_after"]


class Skipped(Exception):
    """The URL is not to be fetched, or not to the end of its redirects."""

    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass
class _Site:
    """What is known of one origin: scheme, host and port."""

    limit: HostLimit = field(default_factory=HostLimit)
    robots: Robots | None = None
    unreadable: str | None = None
    """Why there is no robots.txt to go by: then all is disallowed (RFC 9309, 2.3.1.4)."""
    silent: NoAnswer | None = None
    """The same, when the host did not answer at all."""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Visitor:
    """`draining` says whether the worker is to stop: then no further request is sent, and Interrupted is raised."""

    def __init__(
        self,
        client: Client,
        allow: AllowList,
        *,
        user_agent: str,
        respect_robots: bool,
        draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self.allow = allow
        self._draining = draining
        self._client = client
        self._user_agent = user_agent
        self._respect_robots = respect_robots
        self._sites: dict[str, _Site] = {}
        self._room = asyncio.Semaphore(MAX_IN_FLIGHT)

    @property
    def in_flight(self) -> int:
        return sum(site.limit.in_flight for site in self._sites.values())

    @property
    def pauses(self) -> dict[str, float]:
        """The hosts that asked for a rest, and the seconds that are left of it."""
        limits = {origin.partition("//")[2]: site.limit for origin, site in self._sites.items() if not site.limit.pace}
        return {host: limit.pause for host, limit in limits.items() if limit.pause >= 1}

    async def document(self, url: URL, *, keep: int) -> Answer:
        """A document that was asked for by name: no allow-list and no robots.txt. Raises NoAnswer, Skipped."""
        return await self._follow(url, lambda _: keep, named=True)

    async def visit(self, url: URL, *, keep: Keep = nothing) -> Answer:
        """Raises NoAnswer, Skipped."""
        return await self._follow(url, keep, named=False)

    async def _follow(self, url: URL, keep: Keep, *, named: bool) -> Answer:
        seconds, first_byte, tries = 0.0, 0.0, 0
        for _ in range(MAX_REDIRECTS + 1):
            try:
                if not named:
                    await self._admit(url)
                answer = await self._patiently(url, keep)
                tries += answer.tries
                target = _redirect(answer)
            except NoAnswer as none:
                none.tries += tries
                raise
            first_byte = seconds + answer.first_byte
            seconds += answer.seconds
            if target is None:
                return replace(answer, seconds=seconds, first_byte=first_byte, tries=tries)
            if target.scheme not in {"http", "https"} or not target.host:
                raise Skipped("scheme", f"redirects to {target}")
            url = target
        raise NoAnswer("too_many_redirects", f"more than {MAX_REDIRECTS}, the last to {url}", tries=tries)

    async def _admit(self, url: URL) -> None:
        """Raises Skipped, NoAnswer."""
        if not self.allow.allow(url):
            raise Skipped("host", f"{url.host} is not among the hosts that may be asked; allow_hosts can name it")
        if not self._respect_robots:
            return
        site = self._site(url)
        async with site.asking:
            if site.robots is None and site.unreadable is None and site.silent is None:
                await self._ask_robots(site, url)
        if site.silent is not None:
            raise NoAnswer(site.silent.reason, f"not even to robots.txt: {site.silent}")
        if site.robots is None:
            raise Skipped("robots", f"robots.txt cannot be read: {site.unreadable}")
        if not site.robots.allow(str(url)):
            raise Skipped("robots", "disallowed by robots.txt")

    async def _ask_robots(self, site: _Site, url: URL) -> None:
        try:
            answer = await self.document(url.join("/robots.txt"), keep=MAX_BYTES)
            if answer.status in _PUSHBACK or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                site.unreadable = f"status {answer.status}"
                return
            # Half a megabyte of rules takes a while.
            site.robots = await asyncio.to_thread(Robots.of, answer, user_agent=self._user_agent)
        except NoAnswer as none:
            site.silent = none
        except (TooLarge, ValueError) as error:
            site.unreadable = str(error)
        else:
            site.limit.pace = site.robots.delay

    async def _patiently(self, url: URL, keep: Keep) -> Answer:
        site = self._site(url)
        for attempt in itertools.count(1):
            try:
                answer = await self._once(site.limit, url, keep)
            except NoAnswer as none:
                if attempt >= TRIES:
                    none.tries = attempt
                    raise
            else:
                pushback = answer.status in _PUSHBACK
                fine = not pushback and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
                if fine or attempt >= (PUSHBACK_TRIES if pushback else TRIES):
                    return replace(answer, tries=attempt)
                if pushback:
                    continue  # the host's pause comes before its next slot
            await asyncio.sleep(backoff(attempt, base=_FIRST_WAIT, limit=_LONGEST_WAIT).total_seconds())
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, limit: HostLimit, url: URL, keep: Keep) -> Answer:
        """One request in one slot; its outcome teaches the limit."""
        async with self._slot(limit):
            started = time.monotonic()
            try:
                answer = await self._client.get(url, keep=keep)
            except NoAnswer:
                limit.silent(started)
                raise
            except Refused as refused:
                raise Skipped("private_address", str(refused)) from None
            if answer.status in _PUSHBACK:
                limit.pushed_back(started, retry_after(answer))
            elif answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                limit.troubled(started)
            else:
                limit.answered(answer.first_byte)
            return answer

    @asynccontextmanager
    async def _slot(self, limit: HostLimit) -> AsyncGenerator[None]:
        try:
            async with limit.slot(), self._room:
                if self._draining():
                    raise Interrupted
                yield
        except ClosedForNow as closed:
            raise Skipped("retry_after", str(closed)) from None

    def _site(self, url: URL) -> _Site:
        return self._sites.setdefault(origin(url), _Site())


def origin(url: URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def retry_after(answer: Answer) -> timedelta | None:
    """How long the host asks to wait, in seconds or until a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return timedelta(seconds=int(text) if len(text) < _MAX_DIGITS else 10**9)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(timedelta(0), (date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(tz=UTC))


def _redirect(answer: Answer) -> URL | None:
    location = answer.headers.get("location")
    if answer.status not in _REDIRECTS or not location:
        return None
    try:
        target = answer.url.join(location).copy_with(fragment=None, userinfo=b"")
    except (InvalidURL, ValueError):
        target = None
    if target is None or (target.port or 0) > MAX_PORT:
        raise NoAnswer("protocol", f"redirects to something that is no URL: {location[:200]!r}")
    return target
