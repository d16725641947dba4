"""Times that come again and again."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.recurrence import Recurrence, check_cron, check_time_zone

BERLIN = ZoneInfo("Europe/Berlin")
SINCE = datetime(2026, 1, 1, 12, 0, 7, tzinfo=UTC)


def _next(cron: str, after: datetime, *, count: int = 1, time_zone: str = "Europe/Berlin") -> list[str]:
    times = islice(Recurrence(cron, time_zone).times(after, since=SINCE), count)
    return [time.astimezone(ZoneInfo(time_zone)).strftime("%a %d %b %Y %H:%M %z") for time in times]


def test_a_cron_expression_is_read_in_its_time_zone() -> None:
    friday = datetime(2026, 11, 27, 9, 0, tzinfo=BERLIN)
    assert _next("0 9 * * MON-FRI", friday, count=2) == ["Mon 30 Nov 2026 09:00 +0100", "Tue 01 Dec 2026 09:00 +0100"]
    assert _next("0 9 * * MON-FRI", friday, time_zone="UTC") == ["Fri 27 Nov 2026 09:00 +0000"]


def test_a_time_that_the_clocks_leave_out_comes_right_after() -> None:
    saturday = datetime(2026, 3, 28, 12, 0, tzinfo=BERLIN)
    assert _next("30 2 * * *", saturday, count=2) == ["Sun 29 Mar 2026 03:00 +0200", "Mon 30 Mar 2026 02:30 +0200"]


def test_a_time_that_the_clocks_repeat_comes_once() -> None:
    saturday = datetime(2026, 10, 24, 12, 0, tzinfo=BERLIN)
    assert _next("30 2 * * *", saturday, count=2) == ["Sun 25 Oct 2026 02:30 +0200", "Mon 26 Oct 2026 02:30 +0100"]
    in_the_repeated_hour = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert _next("30 2 * * *", in_the_repeated_hour) == ["Mon 26 Oct 2026 02:30 +0100"]


def test_an_interval_is_counted_from_its_beginning() -> None:
    recurrence = Recurrence(interval=timedelta(minutes=10))
    assert recurrence.after(SINCE, since=SINCE) == SINCE + timedelta(minutes=10)
    assert recurrence.after(SINCE + timedelta(minutes=34, seconds=5), since=SINCE) == SINCE + timedelta(minutes=40)
    assert recurrence.after(SINCE + timedelta(minutes=40), since=SINCE) == SINCE + timedelta(minutes=50)


def test_what_never_comes_has_no_next_time() -> None:
    assert Recurrence("0 0 */31 2 MON#5").after(SINCE, since=SINCE) is None


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "* * * * * *", "60 * * * *", "*/0 * * * *", "0 0 30 2 *", "@daily", "0 9 * * MONDAY"]
)
def test_what_is_no_cron_expression_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"must have five fields|cannot be read, or never comes"):
        check_cron(cron)


@given(st.text(alphabet="0123456789*/,-#LWMON \t", max_size=30))
@example("0 0 L * *")
@example("0 0 LW * FRI#2")
def test_whatever_is_taken_can_be_worked_out(text: str) -> None:
    try:
        cron = check_cron(text)
    except ValueError:
        return
    after = Recurrence(cron, "Europe/Berlin").after(SINCE, since=SINCE)
    assert after is None or after > SINCE


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "", "../etc/passwd", "localtime", "MEZ"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        check_time_zone(name)
