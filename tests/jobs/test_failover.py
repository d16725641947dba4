"""A failover that leaves old connections open, as one by DNS does, costs one reconnection and no more."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr
from redis.exceptions import ResponseError

from cli.embedded_redis import EmbeddedRedis
from jobs.connection import connect, other_role
from jobs.errors import LeaseLost
from jobs.leases import Claim
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.fault_proxy import FaultProxy
from tests.support.jobs_at_hand import claimed, queued, story
from tests.support.ports import free_port
from tests.support.waiting import wait_until

PATIENCE = timedelta(seconds=5)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[EmbeddedRedis, EmbeddedRedis]]:
    """A primary and what will be the next one."""
    both = tuple(EmbeddedRedis(tmp_path / name, port=free_port(), aof=False) for name in ("first", "second"))
    for server in both:
        server.start()
    yield both[0], both[1]
    for server in both:
        server.kill()


@pytest.fixture
def proxy(servers: tuple[EmbeddedRedis, EmbeddedRedis]) -> Iterator[FaultProxy]:
    proxy = FaultProxy(servers[0].port)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def settings(proxy: FaultProxy) -> Settings:
    return Settings(redis_url=SecretStr(proxy.url))


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[JobStore]:
    store = JobStore.open(settings, name="tests", patience=PATIENCE)
    yield store
    await store.aclose()


async def _nothing() -> None: ...


async def _fail_over(
    servers: tuple[EmbeddedRedis, EmbeddedRedis],
    proxy: FaultProxy,
    unseen: Callable[[], Awaitable[object]] = _nothing,
) -> None:
    """The second has all that the first had before `unseen`, and takes over; the first becomes its replica.

    The first keeps its clients.
    """
    first, second = servers
    with redis.Redis(port=first.port) as old, redis.Redis(port=second.port) as new:
        new.replicaof("127.0.0.1", str(first.port))
        await wait_until(
            lambda: new.info("replication")["master_link_status"] == "up", within=15, what="they are alike"
        )
        assert old.wait(1, 5000) == 1
        new.replicaof("NO", "ONE")
        await unseen()
        old.replicaof("127.0.0.1", str(second.port))
    proxy.lead_to(second.port)


async def test_the_next_write_after_a_failover_goes_to_the_new_primary(
    store: JobStore, servers: tuple[EmbeddedRedis, EmbeddedRedis], proxy: FaultProxy
) -> None:
    """On the one connection that all commands share."""
    before = await queued(store)
    await _fail_over(servers, proxy)

    after = (await store.create(story())).job_id

    for job_id in (before, after):
        assert (await claimed(store, job_id)).job.attempt == 1


async def test_a_claim_that_the_new_primary_never_had_writes_nothing(
    store: JobStore, servers: tuple[EmbeddedRedis, EmbeddedRedis], proxy: FaultProxy
) -> None:
    """Its fence is given once more there; only the holder of the claim that is known there may write."""
    job_id = await queued(store)
    claims: list[Claim] = []

    async def claim() -> None:
        claims.append(await claimed(store, job_id))

    await _fail_over(servers, proxy, unseen=claim)
    [old], new = claims, await claimed(store, job_id, worker="worker-2")
    assert (old.lease.fence, new.lease.fence) == (1, 1)

    for write in (
        store.renew(old.lease),
        store.save_step(old.lease, "outline", '"of the first"'),
        store.complete(old.lease, result={}),
        store.hand_back(old.lease),
        store.lose(old.lease),
    ):
        with pytest.raises(LeaseLost, match="running"):
            await write
    await store.complete(new.lease, result={"by": "the second"})
    await store.complete(new.lease, result={"by": "the second"})
    with pytest.raises(LeaseLost, match="completed"):
        await store.complete(old.lease, result={"by": "the first"})
    ended = await store.get(job_id)
    assert (ended.worker, ended.result) == ("worker-2", {"by": "the second"})


async def test_pooled_connections_change_over_as_well(
    settings: Settings, servers: tuple[EmbeddedRedis, EmbeddedRedis], proxy: FaultProxy
) -> None:
    client = connect(settings, name="tests", reply_within=PATIENCE)
    await client.set("a", "1")
    await _fail_over(servers, proxy)

    await client.set("a", "2")
    async with client.pipeline(transaction=True) as pipe:
        pipe.get("a")
        pipe.set("a", "3")
        assert await pipe.execute() == ["2", True]

    await client.aclose()


@pytest.mark.parametrize(
    "words",
    [
        "READONLY You can't write against a read only replica.",
        "Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "LOADING Redis is loading the dataset in memory",
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
        "CLUSTERDOWN The cluster is down",
        "NOREPLICAS Not enough good replicas to write.",
    ],
)
def test_an_error_of_the_wrong_server_is_told_from_others(words: str) -> None:
    assert other_role(ResponseError(words))


@pytest.mark.parametrize("words", ["OOM command not allowed", "WRONGTYPE Operation", "ERR my READONLY thing"])
def test_other_errors_leave_the_connection_alone(words: str) -> None:
    assert other_role(ResponseError(words)) is None
