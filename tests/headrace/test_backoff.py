from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.backoff import backoff

BASE, LIMIT = timedelta(seconds=1), timedelta(minutes=1)


@given(st.integers(min_value=1, max_value=10_000))
def test_waits_stay_within_the_exponential_and_the_limit(attempt: int) -> None:
    assert timedelta(0) <= backoff(attempt, base=BASE, limit=LIMIT) <= min(LIMIT, BASE * 2 ** min(attempt - 1, 10))


@pytest.mark.parametrize(("attempt", "ceiling"), [(1, 1), (3, 4), (20, 60)])
def test_waits_are_spread_over_the_whole_range(attempt: int, ceiling: int) -> None:
    waits = [backoff(attempt, base=BASE, limit=LIMIT).total_seconds() / ceiling for _ in range(400)]
    assert min(waits) < 0.1
    assert max(waits) > 0.9
