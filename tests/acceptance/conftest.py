"""The platform that most tests here start."""

import pytest

from tests.support.platform import NewPlatform, Platform


@pytest.fixture
def platform(new_platform: NewPlatform) -> Platform:
    """One provider call at a time, 0.7 s each. A worker that stops slowly, for want of a core, is not ended for it."""
    return new_platform(HEADRACE_OFFLINE_DELAY="0.7", HEADRACE_CONCURRENCY="1", HEADRACE_STOP_LIMIT="60")
