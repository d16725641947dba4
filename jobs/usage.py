"""What calls to providers used: of a job, and of everybody or one user by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.model import UsageItem
from jobs.prices import MICROS, to_usd

_FIELD = "usage:"
"""Field `usage:{count}:{provider}/{model}` of a job or a day, written by `use` in jobs/scripts/prelude."""
_COUNTS = ("input_tokens", "output_tokens", "images", "calls")


@dataclass(frozen=True)
class Day:
    date: date
    usage: list[UsageItem]


class UsageLog:
    """Raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, *, patience: timedelta) -> None:
        self._redis = redis
        self._patience = patience

    async def days(self, first: date, last: date, *, user_id: str | None = None) -> list[Day]:
        """The days from `first` to `last` (UTC, both included) on which anything was used, by anyone or by a user."""
        dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for day in dates:
                pipe.hgetall(keys.usage(_number(day), user_id))
            records = cast("list[dict[str, str]]", await pipe.execute())
        days = (Day(day, used(record)) for day, record in zip(dates, records, strict=True))
        return [day for day in days if day.usage]


def used(record: Mapping[str, str]) -> list[UsageItem]:
    """What the hash of a job or of a day says was used, by model."""
    counted: dict[str, dict[str, int]] = {}
    for field, value in record.items():
        if field.startswith(_FIELD):
            _, count, model = field.split(":", 2)
            counted.setdefault(model, {})[count] = int(value)
    return [_item(model, counts) for model, counts in sorted(counted.items())]


def total(items: Iterable[UsageItem]) -> list[UsageItem]:
    """The sum by model."""
    sums: dict[tuple[str, str], UsageItem] = {}
    for item in items:
        before = sums.get((item.provider, item.model), UsageItem(provider=item.provider, model=item.model))
        counts = {name: getattr(before, name) + getattr(item, name) for name in _COUNTS}
        sums[item.provider, item.model] = before.model_copy(update=counts | {"cost": cost([before, item])})
    return [sums[model] for model in sorted(sums)]


def cost(items: Iterable[UsageItem]) -> float | None:
    """USD; None when the cost of one is not known."""
    micros = 0
    for item in items:
        if item.cost is None:
            return None
        micros += _micros(item.cost)
    return to_usd(micros)


def in_micros(items: Sequence[UsageItem]) -> list[dict[str, Any]]:
    """As the scripts take it: costs in micro-dollars, left out where no price is known."""
    dumped = [item.model_dump(exclude={"cost"}) for item in items]
    for fields, item in zip(dumped, items, strict=True):
        if item.cost is not None:
            fields["cost"] = _micros(item.cost)
    return dumped


def today() -> date:
    """By this machine's clock, UTC; which day a call belongs to is decided by Redis'."""
    return datetime.now(UTC).date()


def _item(model: str, counts: Mapping[str, int]) -> UsageItem:
    provider, _, name = model.partition("/")
    unpriced = counts.get("unpriced", 0)
    return UsageItem(
        provider=provider,
        model=name,
        **{count: counts.get(count, 0) for count in _COUNTS},
        cost=None if unpriced else to_usd(counts.get("cost", 0)),
    )


def _micros(usd: float) -> int:
    return round(usd * MICROS)


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
