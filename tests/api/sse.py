"""Reads a `text/event-stream` as a browser does."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Block:
    """What stands between two blank lines."""

    fields: Mapping[str, str]
    comment: str = ""

    @property
    def event(self) -> str:
        return self.fields.get("event", "")

    @property
    def id(self) -> int:
        return int(self.fields["id"])

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.fields["data"])


async def blocks(response: httpx.Response) -> AsyncIterator[Block]:
    """Every block of a stream, comments included, until it ends."""
    fields: dict[str, str] = {}
    comment = ""
    async for line in response.aiter_lines():
        if not line:
            yield Block(fields, comment)
            fields, comment = {}, ""
            continue
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        else:
            comment = value.strip()


async def events(response: httpx.Response) -> list[Block]:
    """The events of a stream that ends."""
    return [block async for block in blocks(response) if block.event]


async def follow(client: httpx.AsyncClient, job_id: str, *, last_event_id: int | None = None) -> list[Block]:
    """The events of a job from a position until its end."""
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    async with client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200
        return await events(response)
