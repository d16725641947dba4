"""What a running job says it waits for."""

from datetime import timedelta

from headrace.waits import Waits

MINUTE = timedelta(minutes=1)


def test_a_job_without_a_call_waits_for_nothing() -> None:
    waits = Waits()
    with waits.provider():
        pass

    assert waits.longest() is None


def test_a_call_under_way_is_a_wait_for_the_provider() -> None:
    waits = Waits()
    with waits.provider():
        waited = waits.longest()

    assert waited is not None
    assert (waited.on, waited.left) == ("provider", None)


def test_a_call_that_has_no_room_yet_is_a_wait_for_the_rate_limit() -> None:
    waits = Waits()
    with waits.rate_limit(MINUTE):
        waited = waits.longest()

    assert waited is not None
    assert waited.on == "rate_limited"
    assert waited.left is not None
    assert timedelta(seconds=59) < waited.left <= MINUTE
    assert waits.longest() is None


def test_as_long_as_one_call_is_made_the_job_waits_for_the_provider() -> None:
    waits = Waits()
    with waits.rate_limit(MINUTE):
        with waits.provider():
            waited = waits.longest()
        left = waits.longest()

    assert waited is not None
    assert waited.on == "provider"
    assert left is not None
    assert left.on == "rate_limited"
