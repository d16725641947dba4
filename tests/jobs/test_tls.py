"""TLS to Redis is verified, by the store and by Celery alike; and a server that refuses CLIENT will do."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from kombu.exceptions import OperationalError

from jobs.celery_app import create_celery
from jobs.errors import StoreUnavailable
from jobs.redis_address import RedisAddress
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine import message_filter
from tests.support.debian_redis import Authority, NewRedis, started, until_answers
from tests.support.jobs_at_hand import story
from tests.support.ports import free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

UNTRUSTED = "the certificate of Redis is not trusted .*HEADRACE_REDIS_CA"


@pytest.fixture
def new_redis(tmp_path: Path) -> Iterator[NewRedis]:
    yield from started(tmp_path)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
async def url(new_redis: NewRedis, authority: Authority) -> str:
    """Of a server that takes TLS alone, from clients with a certificate."""
    port = free_port()
    server = new_redis(f"port 0\ntls-port {port}\n{authority.options}")
    await wait_until(lambda: "Ready to accept connections" in server.output(), within=15, what="Redis is up")
    return f"rediss://127.0.0.1:{port}/0"


def _trusting(url: str, authority: Authority, **changes: object) -> Settings:
    known = {"redis_ca": authority.ca, "redis_cert": authority.certificate, "redis_key": authority.key}
    return Settings.model_validate({"redis_url": url, **known, **changes})


async def _stores(settings: Settings) -> None:
    store = JobStore.open(settings, name="tests", patience=timedelta(seconds=5))
    try:
        await store.create(story())
    finally:
        await store.aclose()


def _consumes(settings: Settings) -> None:
    """Connects as a worker does."""
    with (
        patch.object(message_filter.Channel, "address", RedisAddress.of(settings), create=True),
        create_celery(settings).connection_for_read(transport=message_filter.Transport) as connection,
    ):
        assert cast("Any", connection.default_channel).client.ping()


async def test_a_server_of_a_known_authority_is_used(url: str, authority: Authority) -> None:
    await _stores(_trusting(url, authority))
    _consumes(_trusting(url, authority))


async def test_a_server_of_an_unknown_authority_is_refused_by_name_of_the_setting(
    url: str, authority: Authority
) -> None:
    unknowing = _trusting(url, authority, redis_ca=None)

    with pytest.raises(StoreUnavailable) as refused:
        await _stores(unknowing)
    assert "HEADRACE_REDIS_CA" in str(refused.value.__cause__)
    with pytest.raises(OperationalError, match=UNTRUSTED):
        _consumes(unknowing)


async def test_a_client_without_a_certificate_is_refused_where_one_is_asked_for(url: str, authority: Authority) -> None:
    anonymous = _trusting(url, authority, redis_cert=None, redis_key=None)

    with pytest.raises(StoreUnavailable):
        await _stores(anonymous)


async def test_a_server_that_refuses_client_will_do(new_redis: NewRedis) -> None:
    """As Memorystore for Redis does."""
    port = free_port()
    new_redis(f'port {port}\nappendonly yes\nrename-command CLIENT ""')
    await until_answers(port)
    settings = Settings.model_validate({"redis_url": f"redis://127.0.0.1:{port}/0"})

    await _stores(settings)
    _consumes(settings)
