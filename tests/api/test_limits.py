"""Concurrency keys over REST: of a client, and of a kind itself."""

import httpx
import pytest

from jobs import kinds
from jobs.kind import InvalidKind, Kind
from jobs.store import JobStore
from kinds.story import StoryInput
from tests.api.conftest import STORY
from tests.api.test_bad_input import fields_of
from tests.support.jobs_at_hand import claimed

KEYED = STORY | {"concurrency_key": "site:example.com"}


async def test_a_job_says_which_limit_holds(api: httpx.AsyncClient) -> None:
    made = await api.post("/stories", json=KEYED | {"concurrency_limit": 2})
    job = (await api.get(made.headers["Location"])).json()
    assert made.json() | {"queue": None} == job | {"queue": None}
    assert (job["concurrency_key"], job["concurrency_limit"]) == ("site:example.com", 2)


async def test_reject_is_a_conflict(api: httpx.AsyncClient, store: JobStore) -> None:
    first = (await api.post("/stories", json=KEYED)).json()["id"]
    await claimed(store, first)
    refused = await api.post("/stories", json=KEYED | {"on_limit": "reject"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:headrace:problem:concurrency-limit"
    assert first in refused.json()["detail"]


async def test_cancel_running_takes_its_place(api: httpx.AsyncClient, store: JobStore) -> None:
    first = (await api.post("/stories", json=KEYED)).json()["id"]
    await claimed(store, first)
    second = (await api.post("/stories", json=KEYED | {"on_limit": "cancel_running"})).json()["id"]
    ended = (await api.get(f"/jobs/{first}")).json()
    assert (ended["state"], ended["state_reason"]) == ("cancelled", "superseded")
    assert isinstance((await claimed(store, second)).lease.fence, int)


async def test_all_jobs_of_a_batch_share_the_key(api: httpx.AsyncClient) -> None:
    jobs = [{"custom_id": f"{n}", "kind": "story", "input": {"title": "t", "prompt": "p"}} for n in range(3)]
    await api.post("/batches", json={"jobs": jobs, "concurrency_key": "books"})
    [default] = [one for one in (await api.get("/queues")).json()["queues"] if one["name"] == "default"]
    assert (default["queued"], default["held"]) == (3, 2)


async def test_a_retry_keeps_its_key(api: httpx.AsyncClient) -> None:
    first = (await api.post("/stories", json=KEYED)).json()["id"]
    await api.post(f"/jobs/{first}/cancel")
    assert (await api.post(f"/jobs/{first}/retry")).json()["concurrency_key"] == "site:example.com"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"concurrency_limit": 0}, "concurrency_limit"),
        ({"concurrency_limit": 1001}, "concurrency_limit"),
        ({"concurrency_key": "x" * 129}, "concurrency_key"),
        ({"concurrency_key": ""}, "concurrency_key"),
        ({"concurrency_key": "two words"}, "concurrency_key"),
        ({"concurrency_key": None, "concurrency_limit": 2}, "concurrency_limit"),
        ({"concurrency_key": None, "on_limit": "reject"}, "on_limit"),
        ({"on_limit": "explode"}, "on_limit"),
        ({"on_limit": "reject", "delay_seconds": 60}, "on_limit"),
    ],
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, options: dict[str, object], field: str) -> None:
    response = await api.post("/stories", json=KEYED | options)
    assert response.status_code == 422
    assert fields_of(response) == [field]


# -- A kind's own key --------------------------------------------------------------------------------------------------


def _change(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """The story kind, as the API of this test knows it."""
    story = kinds.get("story")
    for name, value in changes.items():
        monkeypatch.setitem(story.__dict__, name, value)


def _title(story: StoryInput) -> str:
    return story.title.replace(" ", "-")


def _words(story: StoryInput) -> str:
    return story.title


def _nothing(_: StoryInput) -> None:
    return None


async def test_a_kind_has_a_key_of_its_own(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _change(monkeypatch, concurrency_key=_title, concurrency_limit=3)
    job = (await api.post("/stories", json=STORY)).json()
    assert (job["concurrency_key"], job["concurrency_limit"]) == ("story:My-Story", 3)
    assert fields_of(await api.post("/stories", json=KEYED)) == ["concurrency_key"]


async def test_an_input_that_gives_no_key_is_named(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _change(monkeypatch, concurrency_key=_words)
    response = await api.post("/stories", json=STORY)
    assert (response.status_code, fields_of(response)) == (422, ["input"])


async def test_a_kind_may_have_no_key_for_an_input(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _change(monkeypatch, concurrency_key=_nothing)
    assert (await api.post("/stories", json=STORY)).json()["concurrency_key"] is None


def test_a_kind_with_a_limit_of_nothing_is_refused() -> None:
    story = kinds.get("story")
    with pytest.raises(InvalidKind, match="concurrency_limit"):
        Kind(
            name="none",
            path="/none",
            input=story.input,
            result=story.result,
            summary="",
            make=story.make,
            concurrency_limit=0,
        )
