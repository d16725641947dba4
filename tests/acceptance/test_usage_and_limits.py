"""Money and rates over REST: what a job costs, where its budget ends, and how often two workers together may call."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.counting_provider import CountingProvider, Fault
from tests.support.platform import NewPlatform, Platform
from tests.support.processes import complete_lines
from tests.support.waiting import wait_until

PRICES = """\
updated = 2026-11-22
[models]
"openai/gpt-5.4-mini" = { input = 10, output = 10, expect_output = 400 }
"openai/gpt-image-2" = { image = 0.04, expect_output = 0 }
"""
OUTLINE = 0.0046
"""USD: the provider says 120 and 340 tokens."""
PICTURE = 0.04

NewPaidPlatform = Callable[..., Platform]


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[CountingProvider]:
    provider = CountingProvider(ledger=tmp_path / "provider-ledger", log=tmp_path / "provider.log")
    await wait_until(provider.answers, within=15, what="the provider answers")
    yield provider
    provider.end()


@pytest.fixture
def paid(new_platform: NewPlatform, provider: CountingProvider, tmp_path: Path) -> NewPaidPlatform:
    """A platform whose provider takes money."""
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)

    def new(**settings: str) -> Platform:
        return new_platform(
            HEADRACE_PROVIDER="openai",
            OPENAI_API_KEY="counting",
            OPENAI_BASE_URL=provider.url,
            HEADRACE_PRICES=str(prices),
            **settings,
        )

    return new


def _arrivals(provider: CountingProvider) -> list[float]:
    """When each call reached the provider, s."""
    lines = (line for line in complete_lines(provider.ledger) if '"arrived"' in line)
    return [datetime.fromisoformat(line.rsplit('"at": "', 1)[1].split('"')[0]).timestamp() for line in lines]


async def test_a_job_and_its_user_are_told_what_it_cost(paid: NewPaidPlatform) -> None:
    platform = paid()
    await platform.start()
    job = await platform.until_state(await platform.post_story(pages=4), "completed", within=30)

    costs = {item["model"]: (item["calls"], item["cost"]) for item in job["usage"]}
    assert costs == {"gpt-5.4-mini": (1, OUTLINE), "gpt-image-2": (4, 4 * PICTURE)}
    steps = [event["data"] for event in await platform.events(job["id"]) if event["event"] == "step"]
    assert {step["step"]: [item["cost"] for item in step.get("usage", [])] for step in steps} == {
        "outline": [OUTLINE],
        **{f"page:{number}": [PICTURE] for number in range(1, 5)},
        "book": [],
    }
    report = (await platform.client.get("/usage", params={"user_id": job["user_id"]})).json()
    assert report["cost"] == pytest.approx(OUTLINE + 4 * PICTURE)
    assert (await platform.client.get("/usage", params={"user_id": "nobody"})).json()["cost"] == 0


async def test_a_job_stops_before_it_passes_its_budget(paid: NewPaidPlatform, provider: CountingProvider) -> None:
    """Finished steps and files are kept; its retry pays for what is missing only, and says what it saved."""
    platform = paid(HEADRACE_CONCURRENCY="1")
    await platform.start()
    job_id = await platform.post_story(pages=4, max_cost=0.1)
    job = await platform.until_state(job_id, "failed", within=30)

    assert job["state_reason"] == job["error"]["reason"] == "budget_exceeded"
    assert job["error"]["stage"] == "page:3"
    assert "max_cost of $0.1" in job["error"]["message"]
    assert [file["name"] for file in job["files"]] == ["page-01.png", "page-02.png"]
    assert sum(item["cost"] for item in job["usage"]) == pytest.approx(OUTLINE + 2 * PICTURE)
    assert provider.calls(job_id) == ["outline", "page:1", "page:2"]

    retry = (await platform.client.post(f"/jobs/{job_id}/retry")).json()
    again = await platform.until_state(retry["id"], "completed", within=30)
    assert [(item["model"], item["calls"]) for item in again["usage"]] == [("gpt-image-2", 2)]
    assert again["reused"] == {"steps": 3, "cost": pytest.approx(OUTLINE + 2 * PICTURE)}


async def test_a_users_day_has_a_budget(paid: NewPaidPlatform) -> None:
    """Of all jobs together; other users have their own."""
    platform = paid(HEADRACE_USER_DAILY_BUDGET="0.2")
    await platform.start()
    await platform.until_state(await platform.post_story(pages=4), "completed", within=30)

    second = await platform.until_state(await platform.post_story(pages=4), "failed", within=30)

    assert second["state_reason"] == "budget_exceeded"
    assert "HEADRACE_USER_DAILY_BUDGET" in second["error"]["message"]
    await platform.until_state(await platform.post_story(pages=4, user_id="ann"), "completed", within=30)


async def test_two_workers_share_one_rate(paid: NewPaidPlatform, provider: CountingProvider) -> None:
    """Whatever they run, together they call the model twice a second."""
    platform = paid(HEADRACE_RATES="openai/gpt-image-2=120rpm", HEADRACE_STEP_PATIENCE="30s")
    await platform.start(workers=2)
    jobs = [await platform.post_story(pages=6) for _ in range(2)]
    finished = [await platform.until_state(job_id, "completed", within=60) for job_id in jobs]

    assert len({job["worker"] for job in finished}) == 2
    pictures = sorted(_arrivals(provider))[2:]  # the outlines are of another model
    assert len(pictures) == 12
    # Two at once and two a second: six and two in any 3 s, and one that came late before them. Each worker by itself
    # would make it twelve.
    for first, at in enumerate(pictures):
        assert sum(at <= other < at + 3 for other in pictures[first:]) <= 9
    assert pictures[-1] - pictures[0] > 4.5


async def test_a_long_wait_for_the_rate_frees_the_worker(paid: NewPaidPlatform, provider: CountingProvider) -> None:
    """The job says so, and uses up no attempt."""
    platform = paid(HEADRACE_RATES="openai/gpt-image-2=20rpm", HEADRACE_STEP_PATIENCE="1s", HEADRACE_CONCURRENCY="1")
    await platform.start()
    job_id = await platform.post_story(pages=4, max_attempts=1)

    job = await platform.until_state(job_id, "scheduled", within=20)
    assert (job["state_reason"], job["waiting"]["on"]) == ("rate_limited", "rate_limited")
    assert job["waiting"]["until"] == job["retry_at"]

    done = await platform.until_state(job_id, "completed", within=60)
    assert done["attempt"] == 1
    assert provider.calls(job_id) == ["outline", *(f"page:{number}" for number in range(1, 5))]


async def test_a_refusal_for_asking_too_often_pauses_both_workers(
    paid: NewPaidPlatform, provider: CountingProvider
) -> None:
    """Also without a rate."""
    platform = paid(HEADRACE_CONCURRENCY="1", HEADRACE_STEP_PATIENCE="30s")
    await platform.start(workers=2)
    provider.fail_next(Fault(kind="image", status=429, retry_after=5))
    jobs = [await platform.post_story(pages=4) for _ in range(2)]
    for job_id in jobs:
        await platform.until_state(job_id, "completed", within=60)

    refused = next(line for line in complete_lines(provider.ledger) if '"failed"' in line)
    at = datetime.fromisoformat(refused.rsplit('"at": "', 1)[1].split('"')[0]).timestamp()
    pictures = [call for call in sorted(_arrivals(provider)) if at < call < at + 4.9]
    assert len(pictures) <= 1, pictures  # one may be on its way when the other is refused
