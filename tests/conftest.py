"""What every test shares: a private redis-server for each xdist worker, empty at the start of each test.

With CI=true a skipped test fails, unless HEADRACE_CI_WITHOUT has the first word of the reason: what is missing.
"""

import os
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
import redis

from cli.embedded_redis import EmbeddedRedis
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support import leash
from tests.support.platform import NewPlatform, Platform
from tests.support.ports import free_port
from tests.support.quarantine import put_aside
from tests.support.redis_server import use_chosen_server

pytest_plugins = ["tests.support.claimed"]

# Every run finds the same: what a random one finds is for `make test-random`, which says how to find it again.
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("random", derandomize=False, database=None, deadline=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")

HERE = Path(__file__).parent
SLOW = {"acceptance", "bench", "chaos", "cloudrun", "containers", "mixes", "project", "requirements"}
"""Folders whose tests take seconds each: they start whole platforms, install packages or build the site."""


def pytest_configure(config: pytest.Config) -> None:
    leash.hold()
    use_chosen_server()
    # A shell that starts the tests in the background has them, and so the processes that they start, ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "puts_aside: has records that sweeps cannot deal with, and put aside")
    config.addinivalue_line("markers", "slow: takes a second or more, and `make test-fast` leaves it out")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(HERE / folder in item.path.parents for folder in SLOW):
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and os.environ.get("CI") == "true":
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.split()[0] not in os.environ.get("HEADRACE_CI_WITHOUT", "").split():
            report.outcome = "failed"
            report.longrepr = f"skipped, and CI leaves nothing out that HEADRACE_CI_WITHOUT does not name: {reason}"
    return report


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"), port=free_port(), aof=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _nothing_put_aside(request: pytest.FixtureRequest) -> Iterator[None]:
    """No sweep met a record that it could not deal with: that would be a fault of ours, which hides well.

    A test that has bad records is marked `puts_aside`.
    """
    yield
    if "redis_server" in request.fixturenames and not request.node.get_closest_marker("puts_aside"):
        server: EmbeddedRedis = request.getfixturevalue("redis_server")
        assert put_aside(server.port) == {}


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    """As if there were idle workers enough for all that a test queues."""
    return Settings.model_validate(
        {"redis_url": redis_url, "files_url": f"file://{tmp_path / 'files'}", "release_window": 1000}
    )


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[JobStore]:
    store = JobStore.open(settings, name="tests", patience=timedelta(seconds=5))
    yield store
    await store.aclose()


@pytest.fixture
async def new_platform(tmp_path: Path) -> AsyncIterator[NewPlatform]:
    """Makes a platform with the settings given as environment variables; the test starts it."""
    made: list[Platform] = []

    def new(**settings: str) -> Platform:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Platform(folder, settings))
        return made[-1]

    yield new
    aside: dict[str, str] = {}
    for platform in made:
        aside |= put_aside(platform.redis.port)
        await platform.stop()
    assert aside == {}, "sweeps met records that they could not deal with"
