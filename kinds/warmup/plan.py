"""Which URLs a sitemap names, once and for all attempts: kept in a file, for there may be many."""

import asyncio
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus

from httpx2 import URL
from pydantic import BaseModel

from headrace import FileRef, ProviderError, Reason, Rejected, Step, Unavailable
from kinds.warmup import Finding
from kinds.warmup.allow_list import AllowList
from kinds.warmup.client import NoAnswer, TooLarge
from kinds.warmup.links import unique, web_address
from kinds.warmup.sitemap import MAX_BYTES, NotASitemap, Sitemap, parse
from kinds.warmup.visitor import Skipped, Visitor

MAX_SITEMAPS = 1000
"""Sitemaps that are read for one job, indexes included."""
MAX_UNREAD = 10
"""Sitemaps of an index that could not be read, of which it is told."""


class Plan(BaseModel):
    hosts: list[str]
    """Where the sitemap was asked for, and where redirects led."""
    left_out: int
    unread: list[Finding]
    urls: FileRef
    """A URL a line."""


async def plan(step: Step, visitor: Visitor, sitemap: str, *, most: int) -> Plan:
    """Reads the sitemap, and those that it is an index of. Raises Rejected, Unavailable when the first cannot be."""
    pages: dict[str, None] = {}
    unread: list[Finding] = []
    hosts = {URL(sitemap).host: None}
    waiting, seen = deque([sitemap]), {sitemap}
    while waiting and len(pages) < most:
        address = waiting.popleft()
        try:
            url, found = await _read(visitor, address)
        except ProviderError as error:
            if address == sitemap:
                error.stage = step.call.step
                raise
            unread.append(Finding(url=address, detail=str(error)))
            continue
        if address == sitemap:
            hosts[url.host] = None
        named, children = await asyncio.to_thread(_addresses, found, url, [AllowList(hosts), visitor.allow])
        pages |= dict.fromkeys(named)
        for child in children:
            if child not in seen and len(seen) < MAX_SITEMAPS:
                seen.add(child)
                waiting.append(child)
    kept = list(pages)[:most]
    file = await step.keep(
        "sitemap-urls.txt", "".join(f"{url}\n" for url in kept).encode(), "text/plain; charset=utf-8"
    )
    return Plan(hosts=list(hosts), left_out=len(pages) - len(kept), unread=unread[:MAX_UNREAD], urls=file)


def _addresses(found: Sitemap, at: URL, allowed: Sequence[AllowList]) -> tuple[list[str], list[str]]:
    """Its pages, and those of its sitemaps that may be asked for."""
    children = (web_address(text, at) for text in found.sitemaps)
    return (
        unique(web_address(text, at) for text in found.pages),
        unique(child for child in children if child and any(each.allow(child) for each in allowed)),
    )


async def _read(visitor: Visitor, address: str) -> tuple[URL, Sitemap]:
    """Raises Rejected, Unavailable."""
    try:
        answer = await visitor.document(URL(address), keep=MAX_BYTES + 1)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _unavailable(f"The sitemap {address} is not to be had now: status {answer.status}.")
        if answer.status != HTTPStatus.OK:
            raise _rejected(f"The sitemap {address} is not there: status {answer.status}. Check the URL.")
        # 50 MB take a second or two, and the job must be able to be cancelled meanwhile.
        return answer.url, await asyncio.to_thread(lambda: parse(answer.content(MAX_BYTES)))
    except NoAnswer as none:
        raise _unavailable(f"The sitemap {address} is not to be had now: {none}.") from none
    except Skipped as skipped:
        raise _rejected(f"The sitemap {address} may not be fetched: {skipped}.") from skipped
    except (NotASitemap, TooLarge, ValueError) as error:
        raise _rejected(f"What is at {address} cannot be read as a sitemap: {error}.") from error


def _rejected(message: str) -> Rejected:
    return Rejected(message, reason=Reason.INPUT_REJECTED)


def _unavailable(message: str) -> Unavailable:
    return Unavailable(message, reason=Reason.SOURCE_UNAVAILABLE)
