"""When something happens again and again: by a cron expression in a time zone, or at an interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

_FIELDS = 5
"""Minute, hour, day of the month, month, day of the week. One of seconds would promise more than a sweep keeps."""
_OF_ONE_MACHINE = {"localtime", "Factory"}
"""Names that mean another zone on another machine."""


@dataclass(frozen=True)
class Recurrence:
    """Either has a cron expression, in a time zone, or an interval."""

    cron: str | None = None
    time_zone: str = "UTC"
    interval: timedelta | None = None

    def after(self, at: datetime, *, since: datetime) -> datetime | None:
        """The first time after `at`; intervals are counted from `since`. None: there is none in fifty years."""
        return next(self.times(at, since=since), None)

    def times(self, at: datetime, *, since: datetime) -> Iterator[datetime]:
        """All times after `at`, the next one first."""
        if self.interval:
            yield from _every(self.interval, at, since)
        elif self.cron:
            # In the hour that clocks repeat, CronSim can begin with a time that has been.
            yield from (time for time in CronSim(self.cron, at.astimezone(ZoneInfo(self.time_zone))) if time > at)


def _every(interval: timedelta, at: datetime, since: datetime) -> Iterator[datetime]:
    time = since + ((at - since) // interval + 1) * interval
    while True:
        yield time
        time += interval


def check_cron(cron: str) -> str:
    """The expression. Raises ValueError for one that cannot be read."""
    if len(cron.split()) != _FIELDS:
        raise ValueError("must have five fields: minute, hour, day of the month, month, day of the week")
    try:
        CronSim(cron, datetime(2000, 1, 1))  # noqa: DTZ001  # read only
    except CronSimError as error:
        raise ValueError(f"cannot be read, or never comes: {error}") from None
    return cron


def check_time_zone(name: str) -> str:
    """The name. Raises ValueError for one that the IANA database has not."""
    if name not in _time_zones():
        raise ValueError("must be a name of the IANA time zone database, such as Europe/Berlin or UTC")
    return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones() - _OF_ONE_MACHINE)
