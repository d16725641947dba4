"""The Lua scripts: one file for each change of state, its contract in the header."""

from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from jobs import keys

DELIVERY_TAG = "DELIVERYTAG"
"""Stands in a rendered message where each delivery gets a tag of its own."""
WORKER_KEEP = timedelta(minutes=1)
"""A worker that has not reported for this long is no longer listed."""

BOUNDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
"""Of the histograms' buckets, s. What is longer goes into `+Inf`."""

USAGE_KEEP = timedelta(days=400)
"""What a day's calls used is known for this long."""


@dataclass(frozen=True)
class Policy:
    """What the scripts need of the settings."""

    retention: timedelta
    max_events: int


class Scripts:
    """Every script of this folder, registered with one client and sent by its own SHA: two versions never mix."""

    def __init__(self, redis: Redis, policy: Policy) -> None:
        head = _constants(policy) + _read("prelude")

        def script(name: str) -> AsyncScript:
            return redis.register_script(head + _read(name))

        self.create = script("create")
        self.claim = script("claim")
        self.renew = script("renew")
        self.progress = script("progress")
        self.save_step = script("save_step")
        self.finish = script("finish")
        self.retry_later = script("retry_later")
        self.hand_back = script("hand_back")
        self.lose = script("lose")
        self.cancel = script("cancel")
        self.sweep = script("sweep")
        self.open_batch = script("open_batch")
        self.feed_batch = script("feed_batch")
        self.cancel_batch = script("cancel_batch")
        self.admit = script("admit")
        self.settle = script("settle")


def _constants(policy: Policy) -> str:
    keep = int(policy.retention.total_seconds())
    constants: dict[str, str | int | tuple[float, ...]] = {
        name: value for name, value in vars(keys).items() if name.isupper()
    }
    constants |= {
        "BOUNDS": BOUNDS,
        "DELIVERY_TAG": DELIVERY_TAG,
        "KEEP": keep,
        # A user's index outlives the user's newest job, however long that waits and runs.
        "INDEX_KEEP": keep + int(timedelta(days=30).total_seconds()),
        "MAX_EVENTS": policy.max_events,
        "USAGE_KEEP": int(USAGE_KEEP.total_seconds()),
        "WORKER_KEEP": int(WORKER_KEEP.total_seconds()),
    }
    return "".join(f"local {name} = {_literal(value)}\n" for name, value in constants.items())


def _literal(value: str | float | tuple[float, ...]) -> str:
    """As Lua spells it."""
    if isinstance(value, str):
        return f"'{value}'"
    return f"{{ {', '.join(map(str, value))} }}" if isinstance(value, tuple) else str(value)


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text()
