"""The faults of a random run. Each is put to a fleet at a random moment; the fleet is to come through by itself."""

import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import redis

from jobs import keys
from jobs.celery_app import create_celery
from jobs.messages import Renderer
from jobs.settings import Settings
from tests.chaos.fleet import Fleet, Member
from tests.support.waiting import pause


@dataclass(frozen=True)
class Fault:
    name: str
    put: Callable[[Fleet, Random], Awaitable[None]]
    weight: int = 2


async def kill_child(fleet: Fleet, chance: Random) -> None:
    """SIGKILL of the process that runs jobs: out of memory, segmentation fault."""
    member = chance.choice(fleet.members)
    with suppress(ProcessLookupError, FileNotFoundError, ValueError):
        os.kill(member.worker.child, signal.SIGKILL)


async def kill_worker(fleet: Fleet, chance: Random) -> None:
    """SIGKILL of parent and child: the machine is gone."""
    chance.choice(fleet.members).worker.signal_all(signal.SIGKILL)


async def kill_parent(fleet: Fleet, chance: Random) -> None:
    """SIGKILL of the parent alone; its child is an orphan for a while."""
    chance.choice(fleet.members).worker.signal(signal.SIGKILL)


async def stop_worker(fleet: Fleet, chance: Random) -> None:
    """SIGTERM: a deployment, or scaling in."""
    chance.choice(fleet.members).worker.signal(signal.SIGTERM)


async def stall_worker(fleet: Fleet, chance: Random) -> None:
    """SIGSTOP past the lease, or nearly, then SIGCONT: a frozen machine."""
    worker = chance.choice(fleet.members).worker
    worker.signal_all(signal.SIGSTOP)
    await pause(chance.uniform(1, 5))
    worker.signal_all(signal.SIGCONT)


async def blackhole(fleet: Fleet, chance: Random) -> None:
    """The network between a worker and Redis swallows everything for a while."""
    await _on_the_wire(fleet, chance, lambda member: member.proxy.blackhole(new=chance.random() < 0.5))


async def drop_replies(fleet: Fleet, chance: Random) -> None:
    """What a worker asks of Redis is done, and it never hears so."""
    await _on_the_wire(fleet, chance, lambda member: member.proxy.drop_replies())


async def slow_redis(fleet: Fleet, chance: Random) -> None:
    """Every reply comes late."""
    await _on_the_wire(fleet, chance, lambda member: member.proxy.delay(chance.uniform(0.05, 0.5)))


async def reset(fleet: Fleet, chance: Random) -> None:
    """A worker's connections are reset."""
    chance.choice(fleet.members).proxy.reset()


async def kill_clients(fleet: Fleet, _chance: Random) -> None:
    """CLIENT KILL of everyone: a failover."""
    with suppress(redis.RedisError):
        fleet.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


_RENDERER = Renderer(create_celery(Settings()))


async def restart_redis(fleet: Fleet, chance: Random) -> None:
    """SIGKILL of Redis, and a moment later it is back with its append-only file."""
    fleet.platform.redis.kill()
    await pause(chance.uniform(0, 2))
    fleet.platform.redis.start()


async def repeat_messages(fleet: Fleet, chance: Random) -> None:
    """Messages of running and queued jobs are delivered again."""
    with suppress(redis.RedisError):
        names = [*cast("list[str]", fleet.redis.zrange(keys.LEASES, 0, -1)), *fleet.accepted[-3:]]
        for job_id in chance.sample(names, min(3, len(names))):
            kind, queue, priority = cast(
                "list[Any]", fleet.redis.hmget(keys.JOB + job_id, ["kind", "queue", "priority"])
            )
            if kind:
                message = _RENDERER.message(
                    job_id, kind=kind, queue=queue, priority=int(priority), tag=f"again-{chance.random()}"
                )
                fleet.redis.lpush(message.lane, message.text)


async def lose_messages(fleet: Fleet, _chance: Random) -> None:
    """The next messages are popped by nobody: the window that Celery leaves."""
    with suppress(redis.RedisError):
        fleet.redis.rpop("default\x06\x163", 2)


async def race_sweeps(fleet: Fleet, _chance: Random) -> None:
    """Many sweeps at once, none waiting for another."""
    await fleet.sweep_at_once(8)


FAULTS = [
    Fault("kill the child", kill_child, 4),
    Fault("kill the worker", kill_worker, 3),
    Fault("kill the parent", kill_parent),
    Fault("SIGTERM", stop_worker, 3),
    Fault("SIGSTOP, SIGCONT", stall_worker),
    Fault("blackhole", blackhole),
    Fault("replies dropped", drop_replies),
    Fault("slow Redis", slow_redis),
    Fault("connections reset", reset, 3),
    Fault("CLIENT KILL", kill_clients),
    Fault("Redis restarted", restart_redis, 1),
    Fault("messages repeated", repeat_messages, 3),
    Fault("messages lost", lose_messages, 3),
    Fault("sweeps racing", race_sweeps, 3),
]


async def _on_the_wire(fleet: Fleet, chance: Random, begin: Callable[[Member], None]) -> None:
    member = chance.choice(fleet.members)
    begin(member)
    await pause(chance.uniform(0.5, 4))
    member.proxy.heal()
