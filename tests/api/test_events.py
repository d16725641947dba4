"""A job's events, as a stream and as a list: nothing is missed, nothing comes twice."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from jobs import keys
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


async def followed(store: JobStore) -> int:
    """How many streams the API hears news of."""
    return len(await store.redis.pubsub_channels("hr:job:*"))


async def numbers(client: httpx.AsyncClient, job_id: str, **position: int) -> list[int]:
    return [event.id for event in await follow(client, job_id, **position)]


async def test_a_job_is_followed_from_its_start_to_its_end(live: httpx.AsyncClient, store: JobStore) -> None:
    """Each event as it happens; the stream ends after the final one."""
    job_id = await queued(store)
    following = asyncio.create_task(follow(live, job_id))
    await wait_until(lambda: followed(store), within=5, what="the stream waits for an event")
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


async def test_a_client_that_goes_away_is_forgotten(live: httpx.AsyncClient, store: JobStore) -> None:
    """Redis no longer tells the API of the job."""
    job_id = await queued(store)
    async with live.stream("GET", f"/jobs/{job_id}/events"):
        await wait_until(lambda: followed(store), within=5, what="the stream waits for an event")

    async def nobody_listens() -> bool:
        return await followed(store) == 0

    await wait_until(nobody_listens, within=5, what="the subscription has ended")


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


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("state", ["running", "completed"])
async def test_a_last_event_id_beyond_the_events_is_refused(
    api: httpx.AsyncClient, store: JobStore, state: str, accept: str
) -> None:
    """410 with the number of the last event: to wait for a later one would miss the end in silence."""
    job_id = (await running(store)).lease.job_id if state == "running" else await ended(store, State.COMPLETED)
    response = await api.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": "999", "Accept": accept})
    assert response.status_code == 410
    assert response.json()["type"] == "urn:headrace:problem:events-gone"
    assert f"the last event is number {2 if state == 'running' else 3}" in response.json()["detail"]


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


async def redis_connections(store: JobStore, *, of: str) -> int:
    clients: list[dict[str, str]] = await store.redis.client_list()
    return sum(client["name"].startswith(of) for client in clients)


async def test_many_streams_share_their_connections_to_redis(settings: Settings, store: JobStore) -> None:
    """And all get every event."""
    claims = [await running(store) for _ in range(5)]
    async with served(settings) as client:
        paths = [f"/jobs/{claim.lease.job_id}/events" for claim in claims]
        streams = [await client.send(client.build_request("GET", path), stream=True) for path in paths * 10]
        following = [asyncio.create_task(events(response)) for response in streams]

        async def all_heard() -> bool:
            return await followed(store) == len(claims)

        await wait_until(all_heard, within=10, what="the API hears news of all jobs")
        assert await redis_connections(store, of="headrace-api") <= 4
        for claim in claims:
            await store.complete(claim.lease, result={})
        for seen in await asyncio.gather(*following):
            assert [event.event for event in seen] == ["queued", "running", "completed"]


async def test_a_client_that_reads_nothing_holds_up_nobody(settings: Settings, store: JobStore) -> None:
    """Events of more bytes than any buffer on the way has; another follower of the same job gets all of them."""
    claim = await running(store)
    path = f"/jobs/{claim.lease.job_id}/events"
    async with served(settings) as client, client.stream("GET", path):
        following = asyncio.create_task(follow(client, claim.lease.job_id))
        for number in range(150):
            await store.progress(claim.lease, Progress(detail=f"{number} " + "x" * 100_000))
        await store.complete(claim.lease, result={})
        seen = await asyncio.wait_for(following, timeout=10)
        assert [event.id for event in seen] == list(range(1, 154))


async def test_streams_are_limited_in_number(settings: Settings, store: JobStore) -> None:
    """One too many is told so, and when to try again; whoever goes makes room."""
    path = f"/jobs/{await queued(store)}/events"
    async with served(settings.model_copy(update={"max_streams": 2})) as client:
        async with client.stream("GET", path), client.stream("GET", path):
            refused = await client.get(path)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
            assert refused.json()["type"] == "urn:headrace:problem:too-many-streams"
            assert "2 clients" in refused.json()["detail"]
            assert (await client.get(path, headers=JSON)).status_code == 200

        async def there_is_room() -> bool:
            async with client.stream("GET", path) as response:
                return response.status_code == 200

        await wait_until(there_is_room, within=5, what="a stream is let in again")
