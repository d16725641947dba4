"""Judges a run of many jobs under faults: by the records, by the provider's own ledger, by what is left in Redis."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis

from jobs import keys
from jobs.queues import queue_names
from tests.support.counting_provider import Call
from tests.support.known_keys import endless_keys, unknown_keys

FINAL = ("completed", "failed", "cancelled", "expired")
CLOCKS = timedelta(milliseconds=20)
"""The provider notes a call by its own process's clock, a moment after the worker has sent it."""


@dataclass
class Verdict:
    """What was found; a run is good when there is no fault in it."""

    finals: Counter[str] = field(default_factory=Counter[str])
    calls: int = 0
    steps_saved: int = 0
    calls_unsaved: int = 0
    """Provider calls that were answered, and cut off by a fault before their step was saved."""
    faults: list[str] = field(default_factory=list[str])


def judge(
    jobs: Mapping[str, Sequence[Mapping[str, Any]]], calls: Sequence[Call], *, cancelled: frozenset[str]
) -> Verdict:
    """The verdict on `jobs` (their events by id), of which `cancelled` were asked to be cancelled."""
    verdict = Verdict(calls=sum(call.event == "answered" for call in calls))
    by_job: dict[str, list[Call]] = {}
    for call in calls:
        by_job.setdefault(call.job, []).append(call)
    for job_id, events in jobs.items():
        _judge_end(verdict, job_id, [event["event"] for event in events], asked_to_end=job_id in cancelled)
        _judge_payment(verdict, job_id, events, by_job.get(job_id, []))
    return verdict


def _judge_end(verdict: Verdict, job_id: str, events: list[str], *, asked_to_end: bool) -> None:
    finals = [event for event in events if event in FINAL]
    verdict.finals.update(finals)
    wanted = {"completed", "cancelled"} if asked_to_end else {"completed"}
    if len(finals) != 1 or events[-1] not in wanted:
        verdict.faults.append(f"{job_id}: final events {finals}, last event {events[-1:]}")


def _judge_payment(verdict: Verdict, job_id: str, events: Sequence[Mapping[str, Any]], calls: list[Call]) -> None:
    """No step that was saved is asked of the provider after that."""
    saved = {event["data"]["step"]: datetime.fromisoformat(event["at"]) for event in events if event["event"] == "step"}
    verdict.steps_saved += len(saved)
    for call in calls:
        at = saved.get(call.step)
        if call.event == "arrived" and at is not None and datetime.fromisoformat(call.at) > at + CLOCKS:
            verdict.faults.append(f"{job_id}: {call.step} was saved at {at} and asked for again at {call.at}")
    answered = Counter(call.step for call in calls if call.event == "answered")
    verdict.calls_unsaved += sum(count - (step in saved) for step, count in answered.items())


def left_behind(client: redis.Redis) -> list[str]:
    """What a fleet that has done everything must not leave in Redis."""
    found: list[str] = []
    for zset in (keys.LEASES, keys.SCHEDULED, keys.DEADLINES):
        found += [f"{zset}: {count}" for count in [client.zcard(zset)] if count]
    lanes = [queue + suffix for queue in queue_names() for suffix in ("", "\x06\x163", "\x06\x166", "\x06\x169")]
    for lane in lanes:
        if count := client.llen(lane):
            found.append(f"messages on {lane!r}: {count}")
    for queue in queue_names():
        for part in (keys.WAITING, keys.ORDER, keys.RELEASED):
            if count := client.zcard(keys.queue(queue, part)):
                found.append(f"{keys.queue(queue, part)}: {count}")
        if count := client.scard(keys.queue(queue, keys.RUNNING)):
            found.append(f"running in {queue}: {count}")
    if count := client.hlen("unacked"):
        found.append(f"unacked: {count}")
    return (
        found + [f"no TTL: {name}" for name in endless_keys(client)] + [f"unknown: {n}" for n in unknown_keys(client)]
    )
