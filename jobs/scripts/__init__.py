"""The Lua scripts: one file for each change of state, its contract in the header; and a typed method for each."""

from collections.abc import Awaitable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, TypeAlias, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from jobs import keys
from jobs.confirmation import ConfirmedRedis
from jobs.connection import answered
from jobs.limits import KindLimits
from jobs.messages import Renderer, lua_string
from jobs.options import MAX_DELAY, MAX_START_DEADLINE
from jobs.record import DEFAULTS, FAMILIES, FIELDS, FORMAT
from jobs.scripts.needed import needed_by, written_out
from jobs.scripts.script import Json, confirmed_script, read, script, source_of
from jobs.settings import Settings
from jobs.weights import Weights

WORKER_KEEP = timedelta(minutes=1)
"""A worker that has not reported for this long is no longer listed."""

PRELUDE = (
    "prelude/record",
    "prelude/isolation",
    "prelude/rates",
    "prelude/gates",
    "prelude/schedule",
    "prelude/outlook",
    "prelude/life",
    "prelude/purge",
)
"""What stands before every script: its functions are theirs."""
BOUNDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
"""Of the histograms' buckets, s. What is longer goes into `+Inf`."""

USAGE_KEEP = timedelta(days=400)
"""What a day's calls used is known for this long."""


Constant: TypeAlias = str | float | tuple[float, ...] | tuple[str, ...] | Mapping[str, str] | Mapping[str, float]


class Scripts:
    """Every script of this folder, registered with one client and sent by its own SHA: two versions never mix.

    A method's arguments are explained in the header of its script, as are the answers: lists as Redis gives them.
    Durations are in ms. Every method raises StoreUnavailable when Redis does not answer within `patience`.
    """

    def __init__(
        self,
        redis: Redis,
        settings: Settings,
        renderer: Renderer,
        *,
        patience: timedelta,
        confirmed: ConfirmedRedis | None = None,
    ) -> None:
        """`confirmed` sends what replicas have to confirm; without it, nothing has to be."""
        self._patience = patience
        self.confirmed = confirmed
        programs = programs_of(settings, renderer.lua())
        self._registered = {name: redis.register_script(program) for name, program in programs.items()}

    def registered(self, name: str) -> AsyncScript:
        return self._registered[name]

    async def answer(self, reply: Awaitable[Any]) -> list[Any]:
        async with answered(self._patience):
            return cast("list[Any]", await reply)

    # -- Clients ------------------------------------------------------------------------------------------------------

    @confirmed_script
    async def create(
        self,
        *,
        job_id: str,
        fields: Json,
        start_within: int,
        remembered_as: str,
        fingerprint: str,
        remember: int,
        retry_of: str,
        named_in: str,
        left_out: Json,
        on_limit: str,
        dedup: Json,
    ) -> list[Any]: ...

    @confirmed_script
    async def cancel(self, *, job_id: str) -> list[Any]: ...

    @script
    async def look(self, *, job_id: str) -> list[Any]: ...

    @script
    async def outlooks(self, *, job_ids: Json) -> list[Any]: ...

    # -- Workers ------------------------------------------------------------------------------------------------------

    @confirmed_script
    async def claim(self, *, job_id: str, holder: str, token: str, lease: int) -> list[Any]: ...

    @script
    async def renew(self, *, renewals: Json, lease: int) -> list[Any]: ...

    @script
    async def progress(self, *, job_id: str, fence: int, claim: str, progress: str) -> list[Any]: ...

    @confirmed_script
    async def save_step(
        self, *, job_id: str, fence: int, claim: str, step: str, result: str, files: str, usage: Json, uncounted: Json
    ) -> list[Any]: ...

    @confirmed_script
    async def finish(
        self, *, job_id: str, fence: int, claim: str, state: str, reason: str, outcome: Json
    ) -> list[Any]: ...

    @confirmed_script
    async def finish_next(
        self,
        *,
        job_id: str,
        fence: int,
        claim: str,
        state: str,
        reason: str,
        outcome: Json,
        holder: str,
        token: str,
        lease: int,
        queues: Json,
        kinds: Json,
    ) -> list[Any]: ...

    @script
    async def retry_later(
        self, *, job_id: str, fence: int, claim: str, reason: str, wait: int, failure: str, outcome: Json
    ) -> list[Any]: ...

    @script
    async def hand_back(self, *, job_id: str, fence: int, claim: str) -> list[Any]: ...

    @script
    async def admit(
        self,
        *,
        job_id: str,
        fence: int,
        claim: str,
        call: str,
        seat: str,
        model: str,
        tokens: int,
        cost: int | None,
        requests_per_minute: int,
        tokens_per_minute: int,
        user_budget: int | None,
    ) -> list[Any]: ...

    @script
    async def settle(
        self,
        *,
        job_id: str,
        call: str,
        model: str,
        usage: Json,
        tokens: int,
        tokens_per_minute: int,
        pause: int,
        event: Json,
    ) -> list[Any]: ...

    # -- Recovery -----------------------------------------------------------------------------------------------------

    @script
    async def lose(self, *, job_id: str, fence: int, claim: str) -> list[Any]: ...

    @script
    async def report(self, *, worker: str, report: str, queues: Json, slots: int, dropped: int) -> list[Any]: ...

    @script
    async def sweep(self, *, pause: int, grace: int, most: int, lease: int, elapsed: int | None) -> list[Any]: ...

    # -- Operation ----------------------------------------------------------------------------------------------------

    @script
    async def pause(self, *, target: str, by: str, why: str) -> list[Any]: ...

    @script
    async def resume(self, *, target: str) -> list[Any]: ...

    @script
    async def strike(self, *, target: str, by: str, why: str, new: str, running: str) -> list[Any]: ...

    @script
    async def lift(self, *, target: str) -> list[Any]: ...

    @script
    async def purge(self, *, target: str, queued_by: int, by: str, why: str) -> list[Any]: ...

    # -- Batches ------------------------------------------------------------------------------------------------------

    @confirmed_script
    async def open_batch(
        self, *, batch_id: str, user_id: str, total: int, remembered_as: str, fingerprint: str, remember: int
    ) -> list[Any]: ...

    @script
    async def expand_batch(self, *, batch_id: str, most: int) -> list[Any]: ...

    @confirmed_script
    async def cancel_batch(self, *, batch_id: str) -> list[Any]: ...

    # -- Schedules ----------------------------------------------------------------------------------------------------

    @confirmed_script
    async def add_schedule(
        self,
        *,
        schedule_id: str,
        fields: Json,
        due: int,
        owner: str,
        most: int,
        remembered_as: str,
        fingerprint: str,
        remember: int,
    ) -> list[Any]: ...

    @confirmed_script
    async def change_schedule(self, *, schedule_id: str, fields: Json, due: int | None, seen: int) -> list[Any]: ...

    @script
    async def due_schedules(self, *, most: int) -> list[Any]: ...

    @confirmed_script
    async def fire_schedule(
        self, *, schedule_id: str, due: int | None, following: int | None, seen: int, job_id: str
    ) -> list[Any]: ...

    @confirmed_script
    async def time_schedule(self, *, schedule_id: str, due: int | None) -> list[Any]: ...

    @confirmed_script
    async def remove_schedule(self, *, schedule_id: str) -> list[Any]: ...


@cache
def programs_of(settings: Settings, messages: str) -> Mapping[str, str]:
    """What is sent of each script, by its name; `messages` is the renderer's part.

    The stores of a process have it once, and a worker's child shares it with its parent.
    """
    constants, tables = _constants(settings)
    prelude = written_out(tables + messages + "".join(map(read, PRELUDE)), constants)
    sources = {name: written_out(source_of(vars(Scripts)[name]), constants) for name in script_names()}
    return {name: needed_by(source, prelude) + source for name, source in sources.items()}


def script_names() -> list[str]:
    """Every method that is a script."""
    return [name for name, method in vars(Scripts).items() if hasattr(method, "__wrapped__")]


def _constants(settings: Settings) -> tuple[dict[str, str], str]:
    """Those that are texts and numbers, by name, as Lua spells them; and what declares the others."""
    keep = int(settings.retention.total_seconds())
    constants: dict[str, Constant] = {name: value for name, value in vars(keys).items() if name.isupper()}
    constants |= {
        "BOUNDS": BOUNDS,
        "DEFAULTS": DEFAULTS,
        "FORMAT": FORMAT,
        "IS_FIELD": dict.fromkeys([*FIELDS, *(f"{family}:" for family in FAMILIES)], 1),
        "KEEP": keep,
        # A user's index outlives the user's newest job, however long that waits and runs.
        "INDEX_KEEP": keep + int((MAX_DELAY + 2 * MAX_START_DEADLINE).total_seconds()),
        "MAX_EVENTS": settings.max_events,
        "MAX_RUNNING_PER_KIND": KindLimits.parse(settings.max_running_per_kind),
        "MAX_RUNNING_PER_USER": settings.max_running_per_user or 0,
        "RELEASE_WINDOW": settings.release_window or 0,
        "USAGE_KEEP": int(USAGE_KEEP.total_seconds()),
        "WEIGHTS": Weights.parse(settings.fair_weights),
        "WORKER_KEEP": int(WORKER_KEEP.total_seconds()),
    }
    simple = {name: _literal(value) for name, value in constants.items() if isinstance(value, str | int | float)}
    tables = {name: _literal(value) for name, value in constants.items() if name not in simple}
    return simple, "".join(f"local {name} = {literal}\n" for name, literal in tables.items())


def _literal(value: Constant) -> str:
    """As Lua spells it."""
    if isinstance(value, str):
        return lua_string(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'[{lua_string(name)}] = {_literal(one)}' for name, one in value.items())} }}"
    return f"{{ {', '.join(map(_literal, value))} }}" if isinstance(value, tuple) else str(value)
