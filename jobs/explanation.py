"""Why one job is not done, or how it ended, in plain words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.diagnosis import OVERDUE
from jobs.events import EventLog
from jobs.fleet import Fleet
from jobs.model import Frozen, Job
from jobs.states import Reason, State
from jobs.store import JobStore
from jobs.waiting import HELD

EVENTS_SHOWN = 10

REASONS = {
    Reason.WORKER_LOST: "its worker died or fell silent",
    Reason.INTERRUPTED: "its worker was told to stop and handed it back",
    Reason.PROVIDER_BUSY: "the provider is asked too often",
    Reason.PROVIDER_UNAVAILABLE: "the provider does not answer",
    Reason.CONTENT_REJECTED: "the provider refuses the content",
    Reason.PROVIDER_REJECTED: "the provider refuses the call itself; check its key and settings",
    Reason.INPUT_REJECTED: "what its input says or points to cannot be worked with",
    Reason.INVALID_ANSWER: "the provider's answers were of no use; they are among the job's files",
    Reason.RATE_LIMITED: "the rate limit that all workers share has no room for it yet; see HEADRACE_RATES",
    Reason.BUDGET_EXCEEDED: "the next call would cost more than the job or its user may spend",
    Reason.PRICE_UNKNOWN: "a budget holds, but the model has no price; see HEADRACE_PRICES",
    Reason.FILES_UNAVAILABLE: "the place where files are kept does not answer; see HEADRACE_FILES_URL",
    Reason.SOURCE_UNAVAILABLE: "what its input points to does not answer",
    Reason.TIME_LIMIT: "it ran longer than its kind may",
    Reason.INTERNAL_ERROR: "there is a fault in its pipeline; its error says which, and the worker's log has more",
    Reason.SAVED_STEP_MISMATCH: "its pipeline has changed since a step was saved; submit it as a new job",
    Reason.USER_REQUEST: "a client asked for it",
    Reason.SUPERSEDED: "a later job with the same concurrency key, or the next run of its schedule, took its place",
    Reason.STRUCK: "its kind, user, provider or model was struck; its last event says by whom, and why",
    Reason.PURGED: "its queue or kind was purged; its last event says by whom, and why",
    Reason.START_DEADLINE: "no worker took it in time",
    Reason.NO_CAPABLE_WORKER: "the workers that took it cannot run it: they lack its kind, or are of an older version",
}


def _because(reason: Reason) -> str:
    return REASONS.get(reason, f"of {reason}, which a newer version of Headrace has written")


class Happening(Frozen):
    at: datetime
    event: str
    detail: str


class Explanation(Frozen):
    job: Job
    wrong: bool
    """Whether something has to be mended, or the job has failed."""
    why: str
    happenings: list[Happening]
    """The last events but for progress, oldest first."""


async def explain(job_id: str, redis: Redis, store: JobStore, fleet: Fleet, *, patience: timedelta) -> Explanation:
    """Raises JobNotFound, StoreUnavailable."""
    job = await store.get(job_id)
    async with answered(patience):
        seconds, micros = await redis.time()
        lease_until = await redis.zscore(keys.LEASES, job_id)
    now = datetime.fromtimestamp(seconds + micros / 1e6, tz=UTC)
    wrong, why = False, ""
    match job.state:
        case State.QUEUED:
            workers = [worker for worker in await fleet.workers() if job.queue.name in worker.queues]
            held = job.waiting is not None and job.waiting.on in HELD
            wrong = not workers and not held
            why = _held(job, now) if held else _queued(job, now, workers=len(workers))
        case State.RUNNING:
            left = (lease_until or 0) / 1000 - now.timestamp()
            wrong, why = left < -OVERDUE, _running(job, now, lease_left=left)
        case State.SCHEDULED:
            due = job.retry_at or job.run_at
            wait = (due - now).total_seconds() if due else 0
            nobody = job.state_reason is Reason.NO_CAPABLE_WORKER
            wrong, why = nobody or wait < -OVERDUE, _scheduled(job, wait)
        case _:
            wrong, why = job.state in {State.FAILED, State.EXPIRED}, _ended(job)
    log = EventLog(redis, patience=patience)
    return Explanation(job=job, wrong=wrong, why=why, happenings=await _happenings(log, job_id))


def _queued(job: Job, now: datetime, *, workers: int) -> str:
    since = job.waiting.since if job.waiting else None
    waited = f" for {(now - since).total_seconds():.0f} s" if since else ""
    before = f"jobs before it: {job.queue.position}" if job.queue.position else "it is the next"
    text = f"It waits{waited} for a worker in queue {job.queue.name}; {before}."
    if job.waiting and job.waiting.on == "fair_turn":
        text += " Some came later, and are more urgent or of users who had fewer turns."
    if job.waiting and job.waiting.on == "rate_limited" and job.waiting.until:
        room = (job.waiting.until - now).total_seconds()
        text += f" The model that it asks first has room in {max(0.0, room):.0f} s."
    if job.queue.estimated_start_at:
        text += f" It is likely to start in {max(0.0, (job.queue.estimated_start_at - now).total_seconds()):.0f} s."
    if job.state_reason:
        text += f" It is here again because {_because(job.state_reason)}."
    if not workers:
        return f"{text} This queue has no worker: start one with `celery -A tasks worker` or `headrace drain`."
    return f"{text} Workers of this queue: {workers}."


def _held(job: Job, now: datetime) -> str:
    assert job.waiting, "it is held"
    since = f" for {(now - job.waiting.since).total_seconds():.0f} s" if job.waiting.since else ""
    text = f"It may not run now, and has waited{since}: {job.waiting.detail}. Were it let in, about"
    text += f" {job.queue.position} jobs would be before it."
    if job.waiting.on == "paused":
        return f"{text} POST /queues/{{queue}}/resume or /kinds/{{kind}}/resume lets it go on."
    return f"{text} It has its turn when one of them ends."


def _running(job: Job, now: datetime, *, lease_left: float) -> str:
    text = f"Worker {job.worker} runs it, attempt {job.attempt} of {job.max_attempts}"
    text += f": {job.progress.phase} {job.progress.detail}".rstrip() + f", {job.progress.fraction:.0%}."
    if job.waiting and job.waiting.since:
        what = "rate limit" if job.waiting.on == "rate_limited" else job.waiting.on
        text += f" It waits for the {what}, {(now - job.waiting.since).total_seconds():.0f} s so far."
    if lease_left > 0:
        return f"{text} Its lease ends in {lease_left:.0f} s unless the worker renews it."
    text += f" Its lease ended {-lease_left:.0f} s ago: the worker is lost."
    if lease_left < -OVERDUE:
        return f"{text} Nobody took the job over: start a worker, whose sweep does that."
    return f"{text} The next sweep takes the job over."


def _scheduled(job: Job, wait: float) -> str:
    if not job.started_at and job.run_at:
        text = f"It is scheduled: it joins queue {job.queue.name} at {job.run_at:%Y-%m-%d %H:%M:%S} UTC"
        if wait >= -OVERDUE:
            return f"{text}, in {max(0.0, wait):.0f} s, as its client asked."
        return f"{text}, as its client asked; that was {-wait:.0f} s ago: start a worker, whose sweep does that."
    why = f" because {_because(job.state_reason)}" if job.state_reason else ""
    text = f"Attempt {job.attempt} of {job.max_attempts} was put off{why}."
    if job.state_reason is Reason.NO_CAPABLE_WORKER:
        text = f"It was put off{why}."
    if job.error:
        text += f" {job.error.message}"
    if wait >= -OVERDUE:
        return f"{text} The next attempt is due in {max(0.0, wait):.0f} s."
    return f"{text} The next attempt is overdue by {-wait:.0f} s: start a worker, whose sweep starts retries."


def _ended(job: Job) -> str:
    at = f" at {job.finished_at:%Y-%m-%d %H:%M:%S} UTC" if job.finished_at else ""
    text = f"It is {job.state}{at}"
    text += f" because {_because(job.state_reason)}." if job.state_reason else "."
    if job.error:
        text += f" {job.error.message}" + (f" (step {job.error.stage})" if job.error.stage else "")
    if job.retried_as:
        return f"{text} Job {job.retried_as} retries it."
    if job.state in {State.FAILED, State.EXPIRED}:
        text += f" POST /jobs/{job.id}/retry runs it again, saved steps included."
    return text


async def _happenings(log: EventLog, job_id: str) -> list[Happening]:
    found = [event for event in await log.history(job_id, limit=100_000) if event.event != "progress"]
    return [Happening(at=event.at, event=event.event, detail=_detail(event.data)) for event in found[-EVENTS_SHOWN:]]


def _detail(data: dict[str, Any]) -> str:
    """The short values of an event, as `name value`."""
    return ", ".join(
        f"{name} {value}" for name, value in data.items() if name != "state" and isinstance(value, str | int | float)
    )
