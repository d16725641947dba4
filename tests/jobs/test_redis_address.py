"""jobs/redis_address.py: what REDIS_URL may say."""

import pytest
from pydantic import SecretStr

from jobs.redis_address import RedisAddress
from jobs.settings import Settings


def _of(url: str, **settings: object) -> RedisAddress:
    return RedisAddress.of(Settings.model_validate({"redis_url": url, **settings}))


def test_one_redis() -> None:
    address = _of("redis://ann:p%40ss@redis.example/3")
    assert (address.nodes, address.db, address.service) == ((("redis.example", 6379),), 3, None)
    assert (address.username, address.password, address.tls) == ("ann", "p@ss", None)
    assert address.broker_url == "redis://ann:p%40ss@redis.example:6379/3"


def test_sentinels() -> None:
    address = _of("sentinel://:secret@a:1,b,[::1]:3/mymaster/2", sentinel_password="other")  # noqa: S106  # a test's
    assert address.nodes == (("a", 1), ("b", 26379), ("::1", 3))
    assert (address.service, address.db, address.password) == ("mymaster", 2, "secret")
    assert address.sentinel_options == {"password": "other", "ssl": False}
    assert address.broker_url == "sentinel://:secret@a:1/2"
    assert address.place == "a:1,b:26379,::1:3 (sentinels of mymaster)"


def test_sentinels_with_tls() -> None:
    address = _of("sentinels://a/mymaster")
    assert (address.service, address.db) == ("mymaster", 0)
    assert address.tls
    assert address.sentinel_options["ssl"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://redis:6379", "is no address of a Redis"),
        ("redis://", "a host or a port that cannot be"),
        ("redis://a:1,b:2/0", "several hosts are sentinels"),
        ("redis://host:port/0", "a port that cannot be"),
        ("redis://host/zero", "the number of the database"),
        ("sentinel://a:1", "must end with /service/0"),
        ("rediss://a:1/0?ssl_cert_reqs=none", "HEADRACE_REDIS_CA"),
    ],
)
def test_what_cannot_be_is_said_without_the_password(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        RedisAddress.of(Settings(redis_url=SecretStr(url.replace("://", "://:pass-phrase@", 1))))
    assert "pass-phrase" not in str(refused.value)


def test_its_secrets_are_not_shown() -> None:
    address = _of("sentinel://:secret@a/mymaster/0", sentinel_password="secret")  # noqa: S106  # a test's
    assert "secret" not in repr(address)
