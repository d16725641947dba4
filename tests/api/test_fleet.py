"""Queues, workers and metrics: the whole fleet, from any process."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.fleet import Fleet, WorkerReport
from jobs.scripts import BOUNDS
from jobs.states import State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claim_again, claimed, ended, queued, running, story
from tests.support.time_travel import make_retry_due, make_schedule_due, rewrite

SAMPLES = {
    'headrace_jobs_created_total{kind="story"}',
    'headrace_jobs_finished_total{kind="story",state="completed"}',
    'headrace_jobs_finished_total{kind="story",state="failed"}',
    'headrace_jobs_finished_total{kind="story",state="cancelled"}',
    'headrace_jobs_finished_total{kind="story",state="expired"}',
    *(f'headrace_jobs{{state="{state}"}}' for state in State),
    "headrace_duplicate_deliveries_refused_total",
    "headrace_writes_refused_total",
    "headrace_leases_expired_total",
    "headrace_children_lost_total",
    "headrace_messages_lost_total",
    "headrace_records_quarantined_total",
    "headrace_interrupted_total",
    "headrace_schedule_runs_made_total",
    "headrace_schedule_runs_left_out_total",
    'headrace_schedules{state="active"}',
    'headrace_schedules{state="paused"}',
    "headrace_schedules_late_seconds",
    "headrace_steps_saved_total",
    "headrace_steps_reused_total",
    'headrace_wait_seconds_count{kind="story"}',
    'headrace_wait_seconds_sum{kind="story"}',
    'headrace_run_seconds_bucket{kind="story",le="+Inf"}',
    'headrace_queue_depth{queue="default"}',
    'headrace_queue_oldest_seconds{queue="default"}',
    'headrace_queue_held{queue="default"}',
    'headrace_queue_paused{queue="default"}',
    'headrace_strikes{what="provider"}',
    'headrace_kind_paused{kind="story"}',
    "headrace_jobs_running",
    "headrace_demand",
    "headrace_workers",
}


@pytest.fixture
def fleet(store: JobStore) -> Fleet:
    return Fleet(store.redis, patience=timedelta(seconds=5))


def worker(name: str) -> WorkerReport:
    now = datetime.now(tz=UTC)
    return WorkerReport(
        id=name, host="host", pid=1, version="1", queues=["default"], started_at=now, seen_at=now, jobs=["a job"]
    )


async def metrics(api: httpx.AsyncClient) -> dict[str, float]:
    """Every sample, by its name with labels."""
    response = await api.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {named(sample.name, sample.labels): sample.value for family in families for sample in family.samples}


def named(name: str, labels: Mapping[str, str]) -> str:
    """As Prometheus writes it: `name{label="value"}`."""
    pairs = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{pairs}}}" if pairs else name


async def test_every_metric_is_there_from_the_start(api: httpx.AsyncClient) -> None:
    """With 0, so that an alert on it can be written before it ever happens."""
    found = await metrics(api)
    assert found.keys() >= SAMPLES
    assert set(found.values()) == {0}


async def test_what_is_due_is_demand(api: httpx.AsyncClient, store: JobStore) -> None:
    """With no worker to queue it, an autoscaler starts one."""
    job_id = await queued(store, story(delay=timedelta(hours=1)))
    body = {"kind": "story", "input": {"title": "A", "prompt": "B"}, "interval_seconds": 60}
    schedule_id = (await api.post("/schedules", json=body)).json()["id"]
    found = await metrics(api)
    assert found["headrace_demand"] == 0
    assert found['headrace_jobs{state="scheduled"}'] == found['headrace_schedules{state="active"}'] == 1
    assert found["headrace_schedules_late_seconds"] == 0

    await make_retry_due(store.redis, job_id)
    await make_schedule_due(store.redis, schedule_id)

    found = await metrics(api)
    assert found["headrace_demand"] == 2
    assert found["headrace_schedules_late_seconds"] > 0


async def test_metrics_count_what_happens(api: httpx.AsyncClient, store: JobStore) -> None:
    """Created, finished, refused, saved; what waits and what runs."""
    await ended(store, State.COMPLETED)
    await ended(store, State.FAILED)
    claim = await running(store)
    await store.save_step(claim.lease, "outline", "{}")
    await claim_again(store, claim.lease.job_id)
    await queued(store)
    await queued(store)
    await store.report(worker("one"))
    found = await metrics(api)
    assert found['headrace_jobs_created_total{kind="story"}'] == 5
    assert found['headrace_jobs_finished_total{kind="story",state="completed"}'] == 1
    assert found['headrace_jobs_finished_total{kind="story",state="failed"}'] == 1
    assert found['headrace_jobs{state="queued"}'] == 2
    assert found["headrace_duplicate_deliveries_refused_total"] == 1
    assert found["headrace_steps_saved_total"] == 1
    assert found['headrace_queue_depth{queue="default"}'] == 2
    assert 0 <= found['headrace_queue_oldest_seconds{queue="default"}'] < 60
    assert found["headrace_jobs_running"] == 1
    assert found["headrace_demand"] == 3
    assert found["headrace_workers"] == 1


async def test_histograms_are_cumulative(api: httpx.AsyncClient, store: JobStore) -> None:
    """Every bucket has those below it, as Prometheus expects; sums are seconds."""
    await store.redis.execute_command(  # pyright: ignore[reportGeneralTypeIssues]
        "HSET", "hr:stats", "run_seconds:story:0.5", 2, "run_seconds:story:60", 1, "run_seconds:story:+Inf", 1,
        "run_seconds:story:sum", 4_000_500,
    )  # fmt: skip
    found = await metrics(api)
    below = [found[f'headrace_run_seconds_bucket{{kind="story",le="{bound}"}}'] for bound in map(float, BOUNDS)]
    assert below == [0, 2, 2, 2, 2, 3, 3, 3, 3]
    assert found['headrace_run_seconds_bucket{kind="story",le="+Inf"}'] == 4
    assert found['headrace_run_seconds_count{kind="story"}'] == 4
    assert found['headrace_run_seconds_sum{kind="story"}'] == 4000.5


async def test_the_buckets_are_those_that_are_counted(api: httpx.AsyncClient, store: JobStore) -> None:
    """A wait of any length is in one of them."""
    for seconds in (0, 0.3, 0.8, 3, 10, 30, 200, 800, 3000, 9999):
        job_id = await queued(store)
        await rewrite(store.redis, job_id, queued_at=await Inspector(store.redis).now() - int(seconds * 1000))
        await claimed(store, job_id)
    found = await metrics(api)
    counted = [found[f'headrace_wait_seconds_bucket{{kind="story",le="{bound}"}}'] for bound in map(float, BOUNDS)]
    assert counted[BOUNDS.index(5) :] == [4, 5, 6, 7, 8, 9]
    assert found['headrace_wait_seconds_bucket{kind="story",le="+Inf"}'] == 10


async def test_openmetrics_is_spoken_to_who_asks_for_it(api: httpx.AsyncClient) -> None:
    """As newer Prometheus servers do."""
    response = await api.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


async def test_queues_say_what_waits(api: httpx.AsyncClient, store: JobStore) -> None:
    """An empty queue is listed too."""
    empty = (await api.get("/queues")).json()["queues"]
    nothing = {"name": "default", "queued": 0, "held": 0, "oldest_seconds": None, "paused": None, "purge": None}
    assert nothing in empty
    await queued(store)
    default = next(queue for queue in (await api.get("/queues")).json()["queues"] if queue["name"] == "default")
    assert default["queued"] == 1
    assert default["oldest_seconds"] >= 0


async def test_workers_say_what_they_do(api: httpx.AsyncClient, store: JobStore) -> None:
    """Those that reported lately, by id."""
    assert (await api.get("/workers")).json() == {"workers": []}
    await store.report(worker("two"))
    await store.report(worker("one"))
    found = (await api.get("/workers")).json()["workers"]
    assert [one["id"] for one in found] == ["one", "two"]
    assert found[0]["jobs"] == ["a job"]
