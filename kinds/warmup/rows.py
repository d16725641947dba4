"""One row for each URL and pass: what is saved of it, and the file they all end in."""

import asyncio
import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Literal

from httpx2 import URL
from pydantic import BaseModel

from kinds.warmup.cache_state import CacheState, cache_state
from kinds.warmup.client import Answer, NoAnswer, TooLarge, nothing
from kinds.warmup.known_links import KnownLinks
from kinds.warmup.links import MAX_PAGE, links
from kinds.warmup.visitor import Skipped, Visitor

_FIRST_ERROR = 400
_LONGEST_DETAIL = 300
_MAX_LINK_CHARACTERS = 128 * 1024
"""Of the links of one page, together: they are saved with its row."""


class Row(BaseModel):
    url: str
    outcome: Literal["completed", "failed", "skipped"]
    status: int | None = None
    reason: str | None = None
    """Of a failure the status, or what NoAnswer says; of a skipped one what Skipped says."""
    detail: str = ""
    cache: CacheState | None = None
    ms: int | None = None
    first_byte_ms: int | None = None
    bytes: int = 0
    tries: int = 0
    final_url: str | None = None
    """Where redirects led."""
    links: list[str] = []


COLUMNS = ["pass", *(name for name in Row.model_fields if name != "links")]


async def row_of(visitor: Visitor, url: str, *, known: KnownLinks | None = None) -> Row:
    """Fetches `url`; whatever comes of it is a row. With `known`, it has those links of the page that are not yet."""
    try:
        answer = await visitor.visit(URL(url), keep=nothing if known is None else _page)
    except Skipped as skipped:
        return Row(url=url, outcome="skipped", reason=skipped.reason, detail=str(skipped)[:_LONGEST_DETAIL])
    except NoAnswer as none:
        return Row(url=url, outcome="failed", reason=none.reason, detail=str(none)[:_LONGEST_DETAIL], tries=none.tries)
    good = answer.status < _FIRST_ERROR
    found = await asyncio.to_thread(_links, answer, visitor) if known is not None and good else []
    return Row(
        url=url,
        outcome="completed" if good else "failed",
        status=answer.status,
        reason=None if good else str(answer.status),
        cache=cache_state(answer.headers),
        ms=round(answer.seconds * 1000),
        first_byte_ms=round(answer.first_byte * 1000),
        bytes=answer.size,
        tries=answer.tries,
        final_url=str(answer.url) if str(answer.url) != url else None,
        links=[] if known is None else known.new(found),
    )


def _page(headers: Mapping[str, str]) -> int:
    return MAX_PAGE if "html" in headers.get("content-type", "").lower() else 0


def _links(answer: Answer, visitor: Visitor) -> list[str]:
    try:
        page = answer.content(MAX_PAGE)
    except (TooLarge, ValueError):
        return []
    kept: list[str] = []
    left = _MAX_LINK_CHARACTERS
    for link in links(page, answer.url):
        left -= len(link) + 4
        if left < 0:
            break
        if visitor.allow.allow(URL(link)):
            kept.append(link)
    return kept


def to_csv(passes: Iterable[list[Row]]) -> bytes:
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for number, rows in enumerate(passes, 1):
        writer.writerows({"pass": number, **row.model_dump()} for row in rows)
    return text.getvalue().encode()
