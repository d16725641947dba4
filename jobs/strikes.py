"""Strikes: the kill switch for a kind, a user, a provider or a model."""

import json
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Self, cast

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.errors import HeadraceError
from jobs.model import Frozen
from jobs.new_job import NewJob
from jobs.records import to_datetime
from jobs.scripts import Scripts

Struck = Literal["kind", "user", "provider", "model"]
New = Literal["reject", "wait"]
Running = Literal["go_on", "cancel"]


class Strike(Frozen):
    """What was struck, by whom, when and why, and what becomes of its jobs."""

    what: Struck
    name: str = Field(description="Of a kind, user or provider; of a model: `provider/model`")
    by: str
    at: datetime
    why: str
    new: New = Field(description="`reject`: new jobs are refused with the reason; `wait`: until it is lifted")
    running: Running = Field(description="`cancel`: those that ran were cancelled, by the sweep if they were many")

    @classmethod
    def parse(cls, target: str, text: str) -> Self:
        """As the scripts keep it."""
        what, _, name = target.partition(":")
        found = json.loads(text)
        return cls(
            what=cast("Struck", what),
            name=name,
            by=found["by"],
            at=to_datetime(found["at"]),
            why=found["why"],
            new=found["new"],
            running=found["running"],
        )

    @property
    def target(self) -> str:
        return f"{self.what}:{self.name}"


class StruckOut(HeadraceError):
    """503, but 409 for a user: nobody else would have it made."""

    status = 503
    title = "Struck"
    retry_after = timedelta(minutes=1)

    def __init__(self, strike: Strike) -> None:
        if strike.what == "user":
            self.status, self.retry_after = 409, None
        super().__init__(f"No job of {strike.what} {strike.name} is accepted now: {strike.why}.")

    @classmethod
    def parse(cls, found: str) -> Self:
        """As create.lua says it."""
        target, _, text = found.partition(" ")
        return cls(Strike.parse(target, text))


class Strikes:
    """Every method raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, scripts: Scripts, *, patience: timedelta) -> None:
        self._redis = redis
        self._scripts = scripts
        self._patience = patience

    async def strike(  # noqa: PLR0913  # all but two by keyword
        self, what: Struck, name: str, *, by: str, why: str, new: New, running: Running
    ) -> Strike:
        """No job of it is started from now on. Again: with another choice, name and reason."""
        more, text, target = 1, "", f"{what}:{name}"
        while more:
            more, text = await self._scripts.strike(target=target, by=by, why=why, new=new, running=running)
        return Strike.parse(target, text)

    async def lift(self, what: Struck, name: str) -> bool:
        """Returns whether it was struck."""
        [was_struck] = await self._scripts.lift(target=f"{what}:{name}")
        return bool(was_struck)

    async def all(self) -> list[Strike]:
        """By target."""
        return await read_strikes(self._redis, patience=self._patience)

    async def check(self, jobs: Sequence[NewJob]) -> None:
        """For jobs that are made later one by one, and would then wait. Raises StruckOut."""
        rejecting = {strike.target: strike for strike in await self.all() if strike.new == "reject"}
        for job in jobs if rejecting else ():
            for target in _targets(job):
                if target in rejecting:
                    raise StruckOut(rejecting[target])


def _targets(job: NewJob) -> list[str]:
    models = [target for name in job.models for target in (f"provider:{name.partition('/')[0]}", f"model:{name}")]
    return [f"kind:{job.kind.name}", f"user:{job.user_id or ''}", *models]


async def read_strikes(redis: Redis, *, patience: timedelta) -> list[Strike]:
    """By target. Raises StoreUnavailable."""
    async with answered(patience):
        found = await cast("Awaitable[Mapping[str, str]]", redis.hgetall(keys.STRIKES))
    return [Strike.parse(target, text) for target, text in sorted(found.items())]
