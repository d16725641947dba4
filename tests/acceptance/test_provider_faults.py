"""What a failing provider does to a job: a short wait in the step, a long one without a worker, or the end."""

from tests.support.platform import NewPlatform


async def test_a_short_wait_is_taken_within_the_step(new_platform: NewPlatform) -> None:
    platform = new_platform(HEADRACE_OFFLINE_FAULTS="2:busy,3:unavailable", HEADRACE_CONCURRENCY="1")
    await platform.start()
    job = await platform.until_state(await platform.post_story(pages=4), "completed", within=30)
    assert job["attempt"] == 1


async def test_a_long_wait_frees_the_worker_and_keeps_what_is_paid(new_platform: NewPlatform) -> None:
    """The provider asks for a second, we have no patience: the job is scheduled, and goes on from page 3."""
    platform = new_platform(HEADRACE_OFFLINE_FAULTS="4:busy", HEADRACE_CONCURRENCY="1", HEADRACE_STEP_PATIENCE="0")
    await platform.start()
    job_id = await platform.post_story(pages=4)
    job = await platform.until_state(job_id, "completed", within=30)
    assert job["attempt"] == 2
    events = [event["event"] for event in await platform.events(job_id)]
    assert events.count("scheduled") == 1
    assert platform.ledger.steps(job_id) == ["outline", "page:1", "page:2", "page:3", "page:3", "page:4"]


async def test_refused_content_ends_the_job_and_names_the_stage(new_platform: NewPlatform) -> None:
    platform = new_platform(HEADRACE_OFFLINE_FAULTS="3:rejected", HEADRACE_CONCURRENCY="1")
    await platform.start()
    job_id = await platform.post_story(pages=4)
    job = await platform.until_state(job_id, "failed", within=30)
    assert (job["error"]["reason"], job["error"]["stage"]) == ("content_rejected", "page:2")

    retry = (await platform.client.post(f"/jobs/{job_id}/retry")).json()
    again = await platform.until_state(retry["id"], "completed", within=30)
    assert again["retry_of"] == job_id
    assert platform.ledger.steps(retry["id"]) == ["page:2", "page:3", "page:4"]


async def test_attempts_are_capped(new_platform: NewPlatform) -> None:
    faults = ",".join(f"{call}:unavailable" for call in range(1, 40))
    settings = {"HEADRACE_STEP_PATIENCE": "0", "HEADRACE_RETRY_BASE": "50ms", "HEADRACE_MAX_ATTEMPTS": "2"}
    platform = new_platform(HEADRACE_OFFLINE_FAULTS=faults, HEADRACE_CONCURRENCY="1", **settings)
    await platform.start()
    job = await platform.until_state(await platform.post_story(pages=4), "failed", within=30)
    assert (job["attempt"], job["state_reason"]) == (2, "provider_unavailable")
