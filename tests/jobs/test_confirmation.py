"""HEADRACE_REDIS_WAIT: what replicas have to have before it counts."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from signal import SIGSTOP
from typing import Any

import pytest
import redis as redis_py
from pydantic import SecretStr

from cli.embedded_redis import EmbeddedRedis
from jobs import keys
from jobs.diagnosis import examine_fleet
from jobs.errors import StoreUnavailable
from jobs.fleet import Fleet
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.jobs_at_hand import WORKER, claimed, story, under_key
from tests.support.ports import free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

PATIENCE = timedelta(seconds=1)


class Pair:
    """A primary and its replica."""

    def __init__(self, folder: Path) -> None:
        self.servers = [EmbeddedRedis(folder / name, port=free_port(), aof=False) for name in ("first", "second")]
        for server in self.servers:
            server.start()
        self.primary, self.replica = (redis_py.Redis(port=server.port) for server in self.servers)
        self.primary.config_set("repl-ping-replica-period", 1)

    async def join(self) -> None:
        self.replica.replicaof("127.0.0.1", str(self.servers[0].port))
        await wait_until(
            lambda: self.replica.info("replication").get("master_link_status") == "up", within=15, what="they are alike"
        )

    def freeze(self) -> None:
        """The replica stays connected, and hears nothing more. `end` ends it all the same."""
        pid = self.servers[1].pid
        assert pid
        os.kill(pid, SIGSTOP)

    def part(self) -> None:
        self.replica.replicaof("NO", "ONE")

    def replicated(self, job_id: str, field: str) -> bytes | None:
        client: Any = self.replica
        return client.hget(keys.job(job_id), field)

    def end(self) -> None:
        for client in (self.primary, self.replica):
            client.close()
        for server in self.servers:
            server.kill()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.end()


@pytest.fixture
def settings(pair: Pair) -> Settings:
    return Settings(redis_url=SecretStr(f"redis://127.0.0.1:{pair.servers[0].port}/0"), redis_wait=1)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[JobStore]:
    store = JobStore.open(settings, name="tests", patience=PATIENCE)
    yield store
    await store.aclose()


async def test_what_was_answered_is_on_the_replica(store: JobStore, pair: Pair) -> None:
    await pair.join()

    job_id = (await store.create(story())).job_id
    assert pair.replicated(job_id, "state") == b"queued"
    claim = await claimed(store, job_id)
    assert pair.replicated(job_id, "state") == b"running"
    await store.save_step(claim.lease, "outline", '"paid"')
    assert pair.replica.hget(keys.steps(job_id), "outline") == b'"paid"'
    await store.complete(claim.lease, result={})
    assert pair.replicated(job_id, "state") == b"completed"


async def test_the_doctor_counts_the_replicas_that_are_in_step(store: JobStore, pair: Pair) -> None:
    async def asked() -> list[str]:
        fleet = Fleet(store.redis, patience=PATIENCE)
        report = await examine_fleet(store.redis, fleet, patience=PATIENCE, redis_wait=1)
        return [finding.what for finding in report.findings if "HEADRACE_REDIS_WAIT" in finding.what]

    assert await asked() == ["HEADRACE_REDIS_WAIT asks for 1 replicas, Redis has 0 in step: no job is accepted."]
    await pair.join()
    assert await asked() == []


async def test_without_a_replica_nothing_is_accepted(store: JobStore) -> None:
    with pytest.raises(StoreUnavailable):
        await store.create(story())


async def test_what_was_not_confirmed_may_be_repeated(store: JobStore, pair: Pair) -> None:
    """By whoever asked: the same job, the same claim, the same end."""
    await pair.join()
    claim = await claimed(store, (await store.create(story())).job_id)
    pair.part()
    with pytest.raises(StoreUnavailable):
        await store.create(story(), under_key("k"))
    with pytest.raises(StoreUnavailable):
        await store.complete(claim.lease, result={"title": "One"})
    await pair.join()

    created = await store.create(story(), under_key("k"))
    await store.complete(claim.lease, result={"title": "One"})

    assert created.replayed
    assert pair.replicated(created.job_id, "state") == b"queued"
    assert (await store.get(claim.lease.job_id)).result == {"title": "One"}


async def test_a_repeat_over_another_connection_is_confirmed_anew(
    store: JobStore, settings: Settings, pair: Pair
) -> None:
    """It writes nothing, and all that its own connection wrote has long been confirmed, by a replica still there."""
    other = JobStore.open(settings, name="other", patience=PATIENCE)
    await pair.join()
    await other.create(story())
    pair.freeze()
    with pytest.raises(StoreUnavailable):
        await store.create(story(), under_key("k"))

    with pytest.raises(StoreUnavailable):
        await other.create(story(), under_key("k"))

    await other.aclose()


async def test_reads_need_no_replica(store: JobStore, pair: Pair) -> None:
    await pair.join()
    job_id = (await store.create(story(), under_key("k"))).job_id
    pair.part()

    assert (await store.get(job_id)).state == "queued"
    with pytest.raises(StoreUnavailable):
        await store.claim(job_id, worker=WORKER, token="first")  # noqa: S106  # no secret
