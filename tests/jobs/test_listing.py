"""jobs/listing.py: pages of jobs, newest first."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from jobs import keys, kinds
from jobs.listing import Filter, JobList
from jobs.states import State
from jobs.store import JobStore
from tests.support.jobs_at_hand import ended, queued, running, scheduled, story
from tests.support.time_travel import end_retention, sweep


@pytest.fixture
def jobs_list(redis: Redis, store: JobStore) -> JobList:
    return JobList(redis, store.scripts, patience=timedelta(seconds=2))


async def _ids(jobs_list: JobList, wanted: Filter | None = None, *, limit: int = 50) -> list[str]:
    """Of all pages."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await jobs_list.page(wanted or Filter(), limit=limit, cursor=cursor)
        assert len(page.jobs) <= limit
        ids += [job.id for job in page.jobs]
        if page.cursor is None:
            return ids
        cursor = page.cursor


async def _of_kind(store: JobStore, kind: str) -> str:
    """A job of a kind that only this test knows."""
    other = replace(kinds.get("story"), name=kind)
    return await queued(store, replace(story(user_id="ann"), kind=other))


async def _calls(redis: Redis, command: str) -> int:
    """How often Redis was asked so."""
    client: Any = redis
    return (await client.info("commandstats")).get(f"cmdstat_{command}", {}).get("calls", 0)


async def _same_millisecond(redis: Redis, jobs: list[str]) -> None:
    client: Any = redis
    for job_id in jobs:
        await client.zadd(keys.INDEX_ALL, {job_id: 1_700_000_000_000}, xx=True)


async def test_the_newest_job_comes_first(store: JobStore, jobs_list: JobList) -> None:
    jobs = [await queued(store) for _ in range(3)]

    assert await _ids(jobs_list) == jobs[::-1]


async def test_without_jobs_the_list_is_empty(jobs_list: JobList) -> None:
    page = await jobs_list.page(Filter())

    assert (page.jobs, page.cursor) == ([], None)


async def test_the_last_page_has_no_cursor(store: JobStore, jobs_list: JobList) -> None:
    await queued(store)

    assert (await jobs_list.page(Filter(), limit=2)).cursor is None


async def test_jobs_are_found_by_state(store: JobStore, jobs_list: JobList) -> None:
    waiting = await queued(store)
    runs = (await running(store)).lease.job_id
    done = await ended(store, State.COMPLETED)

    assert await _ids(jobs_list, Filter(state=State.QUEUED)) == [waiting]
    assert await _ids(jobs_list, Filter(state=State.RUNNING)) == [runs]
    assert await _ids(jobs_list, Filter(state=State.COMPLETED)) == [done]


async def test_jobs_are_found_by_user(store: JobStore, jobs_list: JobList) -> None:
    anns = await queued(store, story(user_id="ann"))
    await queued(store, story(user_id="bob"))
    await queued(store)

    assert await _ids(jobs_list, Filter(user_id="ann")) == [anns]


async def test_jobs_are_found_by_kind(store: JobStore, jobs_list: JobList) -> None:
    await queued(store)
    other = await _of_kind(store, "lesson")

    assert await _ids(jobs_list, Filter(kind="lesson")) == [other]


async def test_conditions_can_be_joined(store: JobStore, jobs_list: JobList) -> None:
    wanted = await ended(store, State.FAILED, story(user_id="ann"))
    await ended(store, State.FAILED, story(user_id="bob"))
    await queued(store, story(user_id="ann"))
    await store.cancel(await _of_kind(store, "lesson"))

    assert await _ids(jobs_list, Filter(state=State.FAILED, kind="story", user_id="ann")) == [wanted]


async def test_a_user_and_a_state_that_never_meet_give_nothing(store: JobStore, jobs_list: JobList) -> None:
    for _ in range(5):
        await queued(store, story(user_id="ann"))

    assert await _ids(jobs_list, Filter(state=State.FAILED, user_id="ann"), limit=2) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8])
async def test_pages_have_every_job_once(store: JobStore, jobs_list: JobList, limit: int) -> None:
    jobs = [await queued(store) for _ in range(7)]

    assert await _ids(jobs_list, limit=limit) == jobs[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10])
async def test_pages_go_on_amid_jobs_of_the_same_millisecond(
    store: JobStore, redis: Redis, jobs_list: JobList, limit: int
) -> None:
    older = await queued(store)
    ties = [await queued(store) for _ in range(9)]
    newer = await queued(store)
    await _same_millisecond(redis, ties)
    await redis.zadd(keys.INDEX_ALL, {older: 1})

    assert await _ids(jobs_list, limit=limit) == [newer, *sorted(ties, reverse=True), older]


async def test_jobs_that_arrive_meanwhile_shift_no_page(store: JobStore, jobs_list: JobList) -> None:
    jobs = [await queued(store) for _ in range(6)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await jobs_list.page(Filter(), limit=2, cursor=cursor)
        seen += [job.id for job in page.jobs]
        await queued(store)
        if page.cursor is None:
            break
        cursor = page.cursor

    assert seen == jobs[::-1]


async def test_a_job_that_vanishes_between_pages_takes_no_other_along(
    store: JobStore, redis: Redis, jobs_list: JobList
) -> None:
    """Even the one that the cursor stands at."""
    jobs = [await ended(store, State.COMPLETED) for _ in range(4)]
    page = await jobs_list.page(Filter(), limit=2)
    await end_retention(redis, jobs[2])
    await sweep(store)

    rest = await jobs_list.page(Filter(), limit=2, cursor=page.cursor)

    assert [job.id for job in page.jobs + rest.jobs] == jobs[::-1]


async def test_a_record_that_has_expired_is_skipped(store: JobStore, redis: Redis, jobs_list: JobList) -> None:
    """Until the sweep it is still in the index; the page is filled up with others."""
    jobs = [await ended(store, State.COMPLETED) for _ in range(4)]
    await end_retention(redis, jobs[2])

    page = await jobs_list.page(Filter(state=State.COMPLETED), limit=3)

    assert [job.id for job in page.jobs] == [jobs[3], jobs[1], jobs[0]]


async def test_a_page_that_searched_long_says_where_to_go_on(
    store: JobStore, jobs_list: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be short, or empty, but it is no last page."""
    monkeypatch.setattr("jobs.listing._SCAN_LIMIT", 4)
    wanted = await ended(store, State.FAILED, story(user_id="ann"))
    for _ in range(6):
        await queued(store, story(user_id="ann"))
        await ended(store, State.FAILED, story(user_id="bob"))

    page = await jobs_list.page(Filter(state=State.FAILED, user_id="ann"), limit=2)

    assert (page.jobs, page.cursor is None) == ([], False)
    assert await _ids(jobs_list, Filter(state=State.FAILED, user_id="ann"), limit=2) == [wanted]


async def test_what_is_rare_is_found_without_reading_the_rest(
    store: JobStore, redis: Redis, jobs_list: JobList
) -> None:
    """The indexes say which jobs fit; only their records are read."""
    for _ in range(30):
        await ended(store, State.FAILED, story(user_id="bob"))
    wanted = await ended(store, State.FAILED, story(user_id="ann"))
    for _ in range(30):
        await queued(store, story(user_id="ann"))
    before = await _calls(redis, "zrevrangebyscore"), await _calls(redis, "hgetall")

    page = await jobs_list.page(Filter(state=State.FAILED, user_id="ann"), limit=1)

    assert [job.id for job in page.jobs] == [wanted]
    after = await _calls(redis, "zrevrangebyscore"), await _calls(redis, "hgetall")
    assert after == (before[0] + 1, before[1] + 1)


async def test_pages_of_joined_conditions_have_every_job_once(
    store: JobStore, redis: Redis, jobs_list: JobList
) -> None:
    """Records that have expired in between are skipped."""
    wanted: list[str] = []
    for number in range(7):
        wanted.append(await ended(store, State.FAILED, story(user_id="ann")))
        await ended(store, State.FAILED, story(user_id="bob"))
        await queued(store, story(user_id="ann"))
        if number in {0, 3, 4, 6}:
            await redis.delete(keys.job(wanted.pop()))

    for limit in (1, 2, 3, 50):
        assert await _ids(jobs_list, Filter(state=State.FAILED, user_id="ann"), limit=limit) == wanted[::-1]


@pytest.mark.parametrize("cursor", ["x", "????", "MTIz", "eCB5", "ÄÖ", "MTIzIGEgYg", "/////w"])
async def test_what_is_no_cursor_is_said_to_be_none(jobs_list: JobList, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await jobs_list.page(Filter(), cursor=cursor)


async def test_a_reason_of_a_newer_version_is_shown_as_it_is(store: JobStore, jobs_list: JobList) -> None:
    """A newer worker may have written it."""
    claim = await scheduled(store)
    client: Any = store.redis
    error = {"reason": "moon_in_the_way", "message": "The moon is in the way."}
    await client.hset(
        keys.job(claim.lease.job_id), mapping={"state_reason": "moon_in_the_way", "error": json.dumps(error)}
    )

    [job] = (await jobs_list.page(Filter())).jobs

    assert job.state_reason == "moon_in_the_way"
    assert job.model_dump(mode="json")["error"] == {**error, "stage": None}
    assert json.loads(job.model_dump_json())["state_reason"] == "moon_in_the_way"
