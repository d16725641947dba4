"""A job's events, as a stream and as a list: nothing is missed, nothing comes twice."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from jobs import keys
from jobs.events import EventLog
from jobs.model import Progress
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.store import JobStore
from tests.api.conftest import served
from tests.api.sse import Block, blocks, events, follow
from tests.support.jobs_at_hand import claimed, ended, queued, running
from tests.support.waiting import wait_until

JSON = {"Accept": "application/json"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A silent stream is kept alive several times a second."""
    return settings.model_copy(update={"keep_alive": timedelta(milliseconds=300)})


async def blocked_clients(store: JobStore) -> int:
    """How many connections wait for an event."""
    found: dict[str, Any] = await store.redis.info("clients")
    return int(found["blocked_clients"])


async def numbers(client: httpx.AsyncClient, job_id: str, **position: int) -> list[int]:
    return [event.id for event in await follow(client, job_id, **position)]


async def test_a_job_is_followed_from_its_start_to_its_end(live: httpx.AsyncClient, store: JobStore) -> None:
    """Each event as it happens; the stream ends after the final one."""
    job_id = await queued(store)
    following = asyncio.create_task(follow(live, job_id))
    await wait_until(lambda: blocked_clients(store), within=5, what="the stream waits for an event")
    claim = await claimed(store, job_id)
    await store.progress(claim.lease, Progress(fraction=0.5, phase="page"))
    await store.save_step(claim.lease, "outline", "{}")
    await store.complete(claim.lease, result={"title": "The Fox"})
    seen = await asyncio.wait_for(following, timeout=5)
    assert [(event.id, event.event) for event in seen] == [
        (1, "queued"),
        (2, "running"),
        (3, "progress"),
        (4, "step"),
        (5, "completed"),
    ]
    assert seen[2].data["sequence"] == 3
    assert seen[2].data["event"] == "progress"
    assert seen[2].data["data"] == {"fraction": 0.5, "phase": "page", "detail": ""}
    assert seen[2].data["at"].endswith("Z")


async def test_a_stream_says_how_it_wants_to_be_treated(live: httpx.AsyncClient, store: JobStore) -> None:
    """Neither cached nor buffered, and taken up again after three seconds."""
    job_id = await ended(store, State.COMPLETED)
    async with live.stream("GET", f"/jobs/{job_id}/events") as response:
        first = await anext(aiter(blocks(response)))
        assert first == Block({"retry": "3000"})
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Accel-Buffering"] == "no"


async def test_a_silent_stream_is_kept_alive(live: httpx.AsyncClient, store: JobStore) -> None:
    """By comments, which clients ignore."""
    job_id = await queued(store)
    async with live.stream("GET", f"/jobs/{job_id}/events") as response:
        pings = 0
        async for block in blocks(response):
            pings += block.comment == "ping"
            if pings == 2:
                return


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_an_ended_job_can_still_be_followed(live: httpx.AsyncClient, store: JobStore, state: State) -> None:
    """The whole history, and then the end."""
    seen = await follow(live, await ended(store, state))
    assert [event.id for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].event == state


async def test_a_stream_is_resumed_at_any_event(live: httpx.AsyncClient, store: JobStore) -> None:
    """By header or parameter; the header, which browsers send by themselves, wins."""
    job_id = await ended(store, State.COMPLETED)
    assert await numbers(live, job_id) == [1, 2, 3]
    assert await numbers(live, job_id, last_event_id=0) == [1, 2, 3]
    assert await numbers(live, job_id, last_event_id=1) == [2, 3]
    assert await numbers(live, job_id, last_event_id=2) == [3]
    resumed = f"/jobs/{job_id}/events?after=2"
    async with live.stream("GET", resumed) as response:
        assert [event.id for event in await events(response)] == [3]
    async with live.stream("GET", resumed, headers={"Last-Event-ID": "1"}) as response:
        assert [event.id for event in await events(response)] == [2, 3]


async def test_an_interrupted_stream_is_taken_up_without_a_gap(live: httpx.AsyncClient, store: JobStore) -> None:
    """The client goes away in the middle, comes back with the number of the last event, and misses none."""
    claim = await running(store)
    for step in range(4):
        await store.save_step(claim.lease, f"page {step}", "{}")
    seen: list[int] = []
    async with live.stream("GET", f"/jobs/{claim.lease.job_id}/events") as response:
        async for block in blocks(response):
            if block.event:
                seen.append(block.id)
            if len(seen) == 3:
                break
    await store.save_step(claim.lease, "page 4", "{}")
    await store.complete(claim.lease, result={})
    seen += await numbers(live, claim.lease.job_id, last_event_id=seen[-1])
    assert seen == list(range(1, 9))


async def test_who_has_seen_the_end_is_told_to_stay_away(live: httpx.AsyncClient, store: JobStore) -> None:
    """204 stops a browser from connecting again."""
    job_id = await ended(store, State.COMPLETED)
    response = await live.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": "3"})
    assert (response.status_code, response.content) == (204, b"")
    assert (await live.get(f"/jobs/{job_id}/events", params={"after": 3})).status_code == 204


async def test_an_end_that_comes_while_it_is_looked_for_is_not_missed(
    api: httpx.AsyncClient, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every event until then was seen: 204 would keep the client away from the last one."""
    claim = await running(store)
    state_of = EventLog.state

    async def end_first(log: EventLog, whose: str) -> str:
        await store.complete(claim.lease, result={})
        return await state_of(log, whose)

    monkeypatch.setattr(EventLog, "state", end_first)
    assert await numbers(api, claim.lease.job_id, last_event_id=2) == [3]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "text/event-stream"),
        ("application/json", "application/json"),
        ("application/json, text/event-stream", "text/event-stream"),
        ("text/event-stream, application/json;q=0.5", "text/event-stream"),
    ],
)
async def test_whoever_takes_a_stream_gets_one(
    api: httpx.AsyncClient, store: JobStore, accept: str, content_type: str
) -> None:
    path = f"/jobs/{await ended(store, State.COMPLETED)}/events"
    response = await api.get(path, headers={"Accept": accept})
    assert response.headers["Content-Type"].partition(";")[0] == content_type


async def test_a_client_that_goes_away_frees_its_connection(live: httpx.AsyncClient, store: JobStore) -> None:
    """And that of the stream to Redis."""
    job_id = await queued(store)
    async with live.stream("GET", f"/jobs/{job_id}/events"):
        await wait_until(lambda: blocked_clients(store), within=5, what="the stream waits for an event")

    async def nobody_waits() -> bool:
        return await blocked_clients(store) == 0

    await wait_until(nobody_waits, within=5, what="the stream's connection is free")


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "", "99999999999999999999"])
@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_a_bad_last_event_id_is_refused(
    api: httpx.AsyncClient, store: JobStore, position: str, accept: str
) -> None:
    """400 naming the header."""
    headers = {"Last-Event-ID": position, "Accept": accept}
    response = await api.get(f"/jobs/{await queued(store)}/events", headers=headers)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["Last-Event-ID"]


@pytest.fixture
async def forgetful(store: JobStore) -> str:
    """A running job that has forgotten its first two events."""
    claim = await running(store)
    await store.save_step(claim.lease, "outline", "{}")
    await store.redis.xtrim(keys.events(claim.lease.job_id), maxlen=1, approximate=False)
    return claim.lease.job_id


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_forgotten_events_are_gone(api: httpx.AsyncClient, forgetful: str, accept: str) -> None:
    """410 before any stream starts, saying where there are events."""
    response = await api.get(f"/jobs/{forgetful}/events", headers={"Last-Event-ID": "1", "Accept": accept})
    assert response.status_code == 410
    assert response.json()["type"] == "urn:headrace:problem:events-gone"
    assert "number 3" in response.json()["detail"]


async def test_without_a_position_there_are_the_events_still_kept(api: httpx.AsyncClient, forgetful: str) -> None:
    """Who asks for no position in particular misses nothing that could be had."""
    found = (await api.get(f"/jobs/{forgetful}/events", headers=JSON)).json()
    assert [event["sequence"] for event in found["events"]] == [3]


async def test_events_are_listed_a_page_at_a_time(api: httpx.AsyncClient, store: JobStore) -> None:
    """The same events as in the stream, with `next_after` to go on from."""
    path = f"/jobs/{await ended(store, State.FAILED)}/events"
    first = (await api.get(path, params={"limit": 2}, headers=JSON)).json()
    rest = (await api.get(path, params={"after": first["next_after"]}, headers=JSON)).json()
    none = (await api.get(path, params={"after": rest["next_after"]}, headers=JSON)).json()
    assert [event["event"] for event in first["events"] + rest["events"]] == ["queued", "running", "failed"]
    assert none == {"events": [], "next_after": 3}


async def test_many_streams_at_once_all_get_every_event(settings: Settings, store: JobStore) -> None:
    """More than the API has other connections to Redis."""
    claim = await running(store)
    async with served(settings) as client:
        following = [asyncio.create_task(follow(client, claim.lease.job_id)) for _ in range(50)]

        async def all_wait() -> bool:
            return await blocked_clients(store) == len(following)

        await wait_until(all_wait, within=10, what="all streams wait")
        await store.complete(claim.lease, result={})
        for seen in await asyncio.gather(*following):
            assert [event.event for event in seen] == ["queued", "running", "completed"]
