"""jobs/settings.py: durations with units, and combinations that do not start."""

from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from jobs.settings import Settings

PASSWORD = "hunter2"  # noqa: S105  # none of ours


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("12", timedelta(seconds=12)),
        ("1.5", timedelta(seconds=1.5)),
        ("500ms", timedelta(milliseconds=500)),
        ("12s", timedelta(seconds=12)),
        ("10m", timedelta(minutes=10)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        (" 7d ", timedelta(days=7)),
    ],
)
def test_a_duration_is_seconds_or_has_a_unit(monkeypatch: pytest.MonkeyPatch, text: str, duration: timedelta) -> None:
    monkeypatch.setenv("HEADRACE_START_DEADLINE", text)

    assert Settings().start_deadline == duration


@pytest.mark.parametrize("text", ["", "soon", "12 parsecs", "-1", "1h30m", "PT12S", "nan", "1e3"])
def test_what_is_no_duration_is_refused_with_the_form_it_needs(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HEADRACE_RETENTION", text)

    with pytest.raises(ValidationError, match="500ms, 12s, 10m, 1h, 7d"):
        Settings()


@pytest.mark.parametrize("name", ["LEASE", "HEARTBEAT", "SWEEP", "RETENTION", "START_DEADLINE", "MESSAGE_GRACE"])
def test_a_duration_of_nothing_is_refused_where_it_would_do_harm(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"HEADRACE_{name}", "0")

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize("name", ["RETENTION", "IDEMPOTENCY_TTL"])
def test_redis_keeps_nothing_for_less_than_a_second(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A key whose time to live is rounded down to nothing is gone at once."""
    monkeypatch.setenv(f"HEADRACE_{name}", "999ms")

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize("name", ["GRACE", "STEP_PATIENCE", "OFFLINE_DELAY"])
def test_a_pause_may_be_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"HEADRACE_{name}", "0")

    assert getattr(Settings(), name.lower()) == timedelta(0)


@pytest.mark.parametrize(("lease", "heartbeat"), [("12", "6.1"), ("4", "4"), ("50ms", "4")])
def test_a_lease_that_one_lost_renewal_loses_is_refused(
    monkeypatch: pytest.MonkeyPatch, lease: str, heartbeat: str
) -> None:
    monkeypatch.setenv("HEADRACE_LEASE", lease)
    monkeypatch.setenv("HEADRACE_HEARTBEAT", heartbeat)

    with pytest.raises(ValidationError, match="HEADRACE_LEASE must be at least twice HEADRACE_HEARTBEAT"):
        Settings()


def test_a_lease_of_two_heartbeats_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_LEASE", "5")

    assert Settings().lease == Settings().heartbeat * 2


def test_a_grace_that_leaves_no_time_to_hand_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_GRACE", "9")
    monkeypatch.setenv("HEADRACE_STOP_LIMIT", "9")

    with pytest.raises(ValidationError, match="HEADRACE_GRACE must be shorter than HEADRACE_STOP_LIMIT"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_ATTEMPTS", "0"),
        ("MAX_ATTEMPTS", "101"),
        ("CONCURRENCY", "0"),
        ("MAX_EVENTS", "99"),
        ("MAX_STEP_BYTES", "1023"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_value_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"HEADRACE_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_redis_is_named_as_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6380/1")

    assert Settings().redis_url.get_secret_value() == "redis://elsewhere:6380/1"


def test_secrets_are_not_shown() -> None:
    settings = Settings(redis_url=SecretStr(f"redis://:{PASSWORD}@host/0"), api_token=SecretStr(PASSWORD))

    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert PASSWORD not in shown


def test_a_refusal_does_not_show_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:{PASSWORD}@host/0")
    monkeypatch.setenv("HEADRACE_API_TOKEN", PASSWORD)
    monkeypatch.setenv("HEADRACE_HEARTBEAT", "1h")

    with pytest.raises(ValidationError) as refused:
        Settings()

    assert PASSWORD not in str(refused.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().max_attempts = 7  # pyright: ignore[reportAttributeAccessIssue]


def test_the_defaults_are_safe() -> None:
    assert Settings().lease >= Settings().heartbeat * 2


@pytest.mark.parametrize(
    ("environment", "provider"),
    [
        ({}, "offline"),
        ({"OPENAI_API_KEY": "sk"}, "openai"),
        ({"GEMINI_API_KEY": "AI"}, "gemini"),
        ({"OPENAI_API_KEY": "sk", "GEMINI_API_KEY": "AI"}, "openai"),
        ({"OPENAI_API_KEY": "", "GEMINI_API_KEY": ""}, "offline"),
        ({"OPENAI_API_KEY": "sk", "HEADRACE_PROVIDER": "offline"}, "offline"),
        ({"HEADRACE_LOCAL_MODEL": "model.gguf"}, "offline"),
        ({"HEADRACE_LOCAL_MODEL": "model.gguf", "HEADRACE_PROVIDER": "local"}, "local"),
    ],
)
def test_the_usual_provider_is_the_one_named_or_whose_key_is_set(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], provider: str
) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "HEADRACE_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().usual_provider == provider


@pytest.mark.parametrize("provider", ["openai", "gemini", "local"])
def test_api_and_flower_start_without_what_only_a_worker_has(monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "HEADRACE_LOCAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADRACE_PROVIDER", provider)
    monkeypatch.setenv("HEADRACE_PRICES", "/only/in/the/image/of/the/worker.toml")
    assert Settings().usual_provider == provider


@pytest.mark.parametrize("token", ["", " ", "\n"])
def test_an_empty_token_is_refused(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """It would open the API to everyone."""
    monkeypatch.setenv("HEADRACE_API_TOKEN", token)
    with pytest.raises(ValidationError, match=r"HEADRACE_API_TOKEN is empty: .* unset it"):
        Settings()


def test_a_token_may_come_with_a_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a file."""
    monkeypatch.setenv("HEADRACE_API_TOKEN", f"{PASSWORD}\n")
    token = Settings().api_token
    assert token is not None
    assert token.get_secret_value() == PASSWORD


def test_a_setting_under_its_old_name_is_refused_with_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_HINT_GRACE", "3s")

    with pytest.raises(ValidationError, match="HEADRACE_HINT_GRACE is called HEADRACE_MESSAGE_GRACE"):
        Settings()
