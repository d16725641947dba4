"""The keys that may be in Redis, and those that must not stay for ever."""

import re
from typing import Any

import redis

from jobs import keys
from jobs.queues import queue_names
from jobs.states import FINAL

_ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"
MADE_UP_QUEUE = "warmups"
"""Of tests that need a second one; no kind names it."""
_QUEUE = rf"({'|'.join(map(re.escape, [*queue_names(), MADE_UP_QUEUE]))})"
_LANE = rf"{_QUEUE}(\x06\x16[369])?"
_PARTS = (
    *(keys.WAITING, keys.HELD, keys.ORDER, keys.RELEASED, keys.RUNNING, keys.TENANTS, keys.TURN),
    *(rf"{keys.SLOTS}(:\d+)?", keys.SHARES),
)
_HEADRACE = [
    rf"{keys.JOB}{_ID}({keys.INPUT}|{keys.EVENTS}|{keys.STEPS}|{keys.FILES})?",
    rf"{keys.BATCH}{_ID}({keys.INPUT}|{keys.EVENTS}|{keys.PENDING}|{keys.MEMBERS})?",
    keys.QUEUE + _QUEUE + "(" + "|".join(_PARTS) + ")",
    rf"({keys.PARKED}|{keys.HOLDERS})\w+:\S+",
    rf"{keys.SIGNAL}.+",
    rf"{keys.INDEX_STATE}\w+",
    rf"{keys.INDEX_KIND}\w+",
    rf"{keys.INDEX_USER}\S+",
    rf"{keys.SCHEDULE}{_ID}({keys.RUNS})?",
    *(keys.SCHEDULES, keys.SCHEDULES_DUE),
    rf"{keys.SCHEDULES_OF}\S*",
    rf"({keys.RATE}|{keys.RETURNED})\S+",
    rf"{keys.USAGE}\d+(:\S*)?",
    rf"{keys.IDEMPOTENCY}.+",
    rf"{keys.DEDUP}\S* \S+",
    rf"{keys.WORKER}\S+",
    rf"{keys.UPLOAD}{_ID}",
    *(keys.LEASES, keys.SCHEDULED, keys.DEADLINES, keys.DEAD, keys.RETAINED, keys.INDEX_ALL, keys.EXPANDING),
    *(keys.AVERAGES, keys.PAUSES, keys.STRIKES, keys.OPENING, keys.PURGES),
    *(keys.QUEUES, keys.STATS, keys.CANCELLING, keys.QUARANTINED, keys.WORKERS),
    *(keys.SWEPT, keys.OLD_SWEEPING, keys.OLD_LANES),
]
_KOMBU = [_LANE, r"_kombu\..+", "unacked", "unacked_index", "unacked_mutex"]
_KNOWN = re.compile("|".join(f"(?:{pattern})" for pattern in _HEADRACE + _KOMBU))
_RECORD = re.compile(f"(?:{keys.JOB}|{keys.BATCH}){_ID}")
_ALWAYS_ENDING = (
    keys.IDEMPOTENCY,
    keys.INDEX_USER,
    keys.RATE,
    keys.RETURNED,
    keys.USAGE,
    keys.WORKER,
    keys.UPLOAD,
    keys.SIGNAL,
    keys.OLD_SWEEPING,
)


def unknown_keys(client: redis.Redis) -> list[str]:
    """Keys that neither jobs/keys.py nor kombu names."""
    return [name for name in _names(client) if not _KNOWN.fullmatch(name)]


def endless_keys(client: redis.Redis) -> list[str]:
    """Keys without a TTL that must have one: of finished jobs and batches, of clients, users, days, rates, workers."""
    names = _names(client)
    ended = tuple(name for name in names if _RECORD.fullmatch(name) and _state(client, name) in FINAL)
    endless = [name for name in names if client.ttl(name) == -1]
    return [name for name in endless if name.startswith((*ended, *_ALWAYS_ENDING))]


def _names(client: redis.Redis) -> list[str]:
    found: Any = client.keys("*")
    return sorted(name.decode() for name in found)


def _state(client: redis.Redis, name: str) -> str | None:
    state: Any = client.hget(name, "state")
    return state.decode() if state else None
