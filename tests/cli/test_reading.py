"""Settings and durations as a command is given them: what cannot be is one line that names the place."""

from datetime import timedelta

import pytest
import typer

from cli.errors import BadSettings
from cli.reading import read_duration, read_settings


@pytest.mark.parametrize(("text", "seconds"), [("300", 300), ("90s", 90), ("5m", 300), ("1h", 3600), ("0.5", 0.5)])
def test_a_duration_is_seconds_or_has_a_unit(text: str, seconds: float) -> None:
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["soon", "5 apples", "-1", "0", ""])
def test_anything_else_is_named_with_the_remedy(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no duration; write 300, 90s, 5m or 1h"):
        read_duration(text)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEADRACE_LEASE", "soon", "HEADRACE_LEASE: must be seconds or a number with a unit"),
        ("HEADRACE_LEASE", "1", "HEADRACE_LEASE must be at least twice HEADRACE_HEARTBEAT"),
        (
            "REDIS_URL",
            "foo://:hush@host",
            r"REDIS_URL: is no address of a Redis; write redis://\[:password@\]host:port/0 or sentinel:",
        ),
        ("PORT", "99999", "PORT: Input should be less than or equal to 65535"),
    ],
)
def test_a_bad_setting_is_named_as_it_is_set(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=said):
        read_settings()
