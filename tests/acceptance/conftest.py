"""Platforms of real processes, ended by pid whatever the test does."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.support.platform import Platform

NewPlatform = Callable[..., Platform]


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
    for platform in made:
        await platform.stop()


@pytest.fixture
def platform(new_platform: NewPlatform) -> Platform:
    """One provider call at a time, 0.7 s each."""
    return new_platform(HEADRACE_OFFLINE_DELAY="0.7", HEADRACE_CONCURRENCY="1")
