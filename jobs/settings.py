"""Every setting, from the environment.

Durations are seconds (`12`), or carry a unit (`500ms`, `12s`, `10m`, `1h`, `7d`).
"""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from jobs.limits import KindLimits
from jobs.model import Usd
from jobs.private_hosts import PrivateHosts
from jobs.providers import announced, check_name
from jobs.rates import Rates
from jobs.weights import Weights

_RENAMED = {"HEADRACE_HINT_GRACE": "HEADRACE_MESSAGE_GRACE"}
"""Settings of earlier versions, which are refused: what was set for a reason must not be forgotten silently."""


def _listed(schema: dict[str, Any]) -> None:
    schema["enum"] = list(announced())


ProviderName = Annotated[str, AfterValidator(check_name), Field(json_schema_extra=_listed)]
"""A provider that an installed package announces."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")


def parse_duration(value: object) -> object:
    """`12`, `"12"`, `"500ms"`, `"10m"` -> timedelta; anything else goes on to pydantic. ValueError names the form."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError("must be seconds or a number with a unit: 500ms, 12s, 10m, 1h, 7d")
        return timedelta(seconds=float(match[1]) * _UNITS[match[2] or "s"])
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), Field(gt=timedelta(0))]
Pause = Annotated[timedelta, BeforeValidator(parse_duration), Field(ge=timedelta(0))]


class Settings(BaseSettings):
    """Read once where a process starts, then passed on; frozen.

    Every part of a deployment is given the same ones but for keys and files, so what only a worker needs is asked for
    where a worker starts.
    """

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,  # the input has the secrets in plain text
    )

    redis_url: Annotated[
        SecretStr,
        Field(
            validation_alias="REDIS_URL",
            description="Broker and store in one: `redis://`, `rediss://`, `sentinel://h1:p1,h2:p2/service/0`, `sentinels://`."
            " `headrace dev` starts an embedded one when unset.",
        ),
    ] = SecretStr("redis://127.0.0.1:6379/0")
    redis_ca: Annotated[
        FilePath | None,
        Field(description="PEM file of whom to trust with TLS to Redis; unset: whom this machine trusts"),
    ] = None
    redis_cert: Annotated[
        FilePath | None, Field(description="PEM file of our own certificate, if Redis asks for one")
    ] = None
    redis_key: Annotated[FilePath | None, Field(description="PEM file of its key, if that is a file of its own")] = None
    sentinel_password: Annotated[SecretStr | None, Field(description="Of the sentinels themselves, if they ask")] = None
    redis_wait: Annotated[
        int,
        Field(
            ge=0,
            le=10,
            description="Replicas that must have a job's creation, claims, steps and end before these count; with"
            " Sentinel, all that are healthy; 0: none",
        ),
    ] = 0
    files_url: Annotated[str, Field(description="Where files go: file://, gs:// or s3://")] = ""
    log_format: Literal["console", "json"] = "console"

    lease: Annotated[Duration, Field(description="A silent worker loses its job after this")] = timedelta(seconds=8)
    heartbeat: Annotated[Duration, Field(description="Leases are renewed this often")] = timedelta(seconds=2.5)
    sweep: Annotated[Duration, Field(description="Lost jobs, due retries and deadlines are looked for this often")] = (
        timedelta(seconds=2)
    )
    message_grace: Annotated[
        Duration,
        Field(description="A queued job whose message is gone this long is put on the broker again"),
    ] = timedelta(seconds=5)
    release_window: Annotated[
        int | None,
        Field(
            ge=1,
            le=1000,
            description="Messages of a queue on Celery's list at once; unset: as many as could be taken now",
        ),
    ] = None
    fair_weights: Annotated[
        str, Field(description="Turns that users get of a queue, 1 if not named: `ann=3,bob=0.5`")
    ] = ""
    max_running_per_user: Annotated[
        int | None, Field(ge=1, le=1000, description="Jobs of a user that run at once; unset: no limit")
    ] = None
    max_running_per_kind: Annotated[
        str, Field(description="Jobs of a kind that run at once: `report=2,lesson=1`; one not named has no limit")
    ] = ""
    max_schedules_per_user: Annotated[
        int, Field(ge=1, le=100_000, description="Schedules of a user, and of all that name none")
    ] = 1000
    most_urgent_priority: Annotated[
        int, Field(ge=0, le=9, description="A client may ask for this priority or a less urgent, larger one")
    ] = 0
    grace: Annotated[
        Pause, Field(description="On SIGTERM, calls in flight have this long to be saved before the job is handed back")
    ] = timedelta(seconds=2)
    stop_limit: Annotated[
        Duration, Field(description="A stopping worker is gone after this, whatever hangs. Cloud Run kills at 10 s.")
    ] = timedelta(seconds=9)

    max_loop_block: Annotated[
        Pause,
        Field(description="A pipeline that blocks its event loop for this long fails, and its process ends; 0: never"),
    ] = timedelta(minutes=1)
    watchdog: Annotated[
        Duration, Field(description="A worker that leaves messages lying for this long is replaced")
    ] = timedelta(seconds=30)
    port: Annotated[
        int | None,
        Field(validation_alias="PORT", ge=0, le=65535, description="A worker serves its health here, if set"),
    ] = None

    max_attempts: Annotated[int, Field(ge=1, le=100, description="Runs before a job fails for good")] = 3
    retry_base: Annotated[Duration, Field(description="First wait before another attempt, doubled each time")] = (
        timedelta(seconds=10)
    )
    retry_max: Annotated[
        Duration,
        Field(description="Longest wait before another attempt; one for a place under a rate is as long as it must be"),
    ] = timedelta(minutes=10)
    step_patience: Annotated[
        Pause,
        Field(description="A shorter wait for a provider is taken inside the step, a longer one frees the worker"),
    ] = timedelta(seconds=5)
    concurrency: Annotated[int, Field(ge=1, le=1000, description="Provider calls in flight within one job")] = 4
    start_deadline: Annotated[Duration, Field(description="A job not started by then expires")] = timedelta(days=1)
    retention: Annotated[Duration, Field(ge=timedelta(seconds=1), description="Finished jobs are kept this long")] = (
        timedelta(days=7)
    )
    idempotency_ttl: Annotated[
        Duration,
        Field(
            ge=timedelta(seconds=1),
            description="An Idempotency-Key is remembered this long, but no longer than what it made is kept",
        ),
    ] = timedelta(days=1)
    max_events: Annotated[int, Field(ge=100, description="Newest events kept of a job")] = 10_000
    max_step_bytes: Annotated[
        int, Field(ge=1024, description="Largest step result; larger values belong in a file")
    ] = 256 * 1024
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body")] = 1024 * 1024
    max_upload_bytes: Annotated[int, Field(ge=1024, description="Largest picture that can be uploaded")] = (
        10 * 1024 * 1024
    )

    max_batch_bytes: Annotated[int, Field(ge=1024, description="Largest body that asks for a batch")] = 32 * 1024 * 1024

    allow_private_hosts: Annotated[
        PrivateHosts,
        NoDecode,  # its own notation, not JSON
        BeforeValidator(PrivateHosts.parse),
        Field(
            description="Private hosts that warm-ups may reach: `10.0.0.0/8,wiki.corp:8080`; for intranets and tests"
        ),
    ] = PrivateHosts()

    jobs_per_worker: Annotated[
        int,
        Field(
            ge=1,
            le=1000,
            description="Jobs that a worker runs at once, in one process: for kinds that wait most of their time",
        ),
    ] = 1
    max_tasks_per_child: Annotated[
        int,
        Field(ge=1, description="Jobs before a child is replaced; for each of those that it runs at once"),
    ] = 500
    max_memory_per_child: Annotated[
        int, Field(ge=0, description="KiB of a child before it is replaced; 0: no limit")
    ] = 600_000

    api_token: Annotated[SecretStr | None, Field(description="If set, clients send it as `Authorization: Bearer`")] = (
        None
    )
    keep_alive: Annotated[Duration, Field(description="A silent event stream gets a comment this often")] = timedelta(
        seconds=15
    )

    max_streams: Annotated[
        int, Field(ge=1, description="Most event streams at once in an API process, each with a file descriptor")
    ] = 10_000

    provider: Annotated[
        ProviderName | None,
        Field(description="Who writes and paints; unset: `openai` or `gemini`, whose key is set, else `offline`"),
    ] = None
    provider_timeout: Annotated[Duration, Field(description="A provider call not answered by then is given up")] = (
        timedelta(minutes=5)
    )
    openai_api_key: Annotated[
        SecretStr | None, Field(validation_alias="OPENAI_API_KEY", description="Any, for servers without keys")
    ] = None
    openai_base_url: Annotated[
        str | None,
        Field(validation_alias="OPENAI_BASE_URL", description="A server that speaks OpenAI's protocol, with its /v1"),
    ] = None
    openai_text_model: Annotated[str, Field(min_length=1)] = "gpt-5.4-mini"
    openai_image_model: Annotated[str, Field(min_length=1)] = "gpt-image-2"
    gemini_api_key: Annotated[SecretStr | None, Field(validation_alias="GEMINI_API_KEY")] = None
    gemini_base_url: Annotated[
        str | None, Field(validation_alias="GEMINI_BASE_URL", description="A proxy, without the API's version")
    ] = None
    gemini_text_model: Annotated[str, Field(min_length=1)] = "gemini-3.8-flash"
    gemini_image_model: Annotated[str, Field(min_length=1)] = "gemini-3.1-flash-image"
    local_model: Annotated[
        Path | None,
        Field(description="GGUF file of the `local` provider, loaded by each child: raise max_memory_per_child for it"),
    ] = None
    rates: Annotated[
        str,
        Field(description="Limits shared by all workers: `openai/gpt-5.4-mini=500rpm,200000tpm; gemini/*=60rpm`"),
    ] = ""
    prices: Annotated[
        Path | None, Field(description="TOML file whose prices come before those of jobs/prices.toml")
    ] = None
    user_daily_budget: Annotated[Usd | None, Field(description="USD that each user_id may spend a day, UTC")] = None
    offline_delay: Annotated[Pause, Field(description="Each offline call takes this long")] = timedelta(0)
    offline_faults: Annotated[
        str, Field(description="Calls that fail, by number within a process: `3:busy,5:unavailable,7:rejected`")
    ] = ""
    offline_ledger: Annotated[Path | None, Field(description="File that gets a JSON line for each offline call")] = None

    def __hash__(self) -> int:
        # By pydantic's own they have one as well, but type checkers do not know it.
        return hash(self.redis_url)

    @model_validator(mode="before")
    @classmethod
    def _no_old_names(cls, values: object) -> object:
        for old, new in _RENAMED.items():
            if old in os.environ:
                raise ValueError(f"{old} is called {new} since version 0.2: rename it")
        return values

    @field_validator("api_token")
    @classmethod
    def _no_blank_token(cls, token: SecretStr | None) -> SecretStr | None:
        """Without the blanks around it, such as the newline of a file: no client can send them."""
        if token is None:
            return None
        stripped = token.get_secret_value().strip()
        if not stripped:
            raise ValueError("HEADRACE_API_TOKEN is empty: give it a token, or unset it to let every client in")
        return SecretStr(stripped)

    @field_validator("fair_weights")
    @classmethod
    def _readable_weights(cls, weights: str) -> str:
        Weights.parse(weights)
        return weights

    @field_validator("max_running_per_kind")
    @classmethod
    def _readable_limits(cls, limits: str) -> str:
        KindLimits.parse(limits)
        return limits

    @field_validator("rates")
    @classmethod
    def _readable_rates(cls, rates: str) -> str:
        Rates.parse(rates)
        return rates

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.heartbeat * 2 > self.lease:
            raise ValueError(
                "HEADRACE_LEASE must be at least twice HEADRACE_HEARTBEAT, or one lost renewal loses the job"
            )
        if self.redis_key and not self.redis_cert:
            raise ValueError("HEADRACE_REDIS_KEY needs HEADRACE_REDIS_CERT, the certificate that it is the key of")
        if self.grace >= self.stop_limit:
            raise ValueError("HEADRACE_GRACE must be shorter than HEADRACE_STOP_LIMIT, or no time is left to hand back")
        return self

    @property
    def openai_key(self) -> str:
        """Plain, for the SDK only; empty without one."""
        return self.openai_api_key.get_secret_value() if self.openai_api_key else ""

    @property
    def gemini_key(self) -> str:
        """Plain, for the SDK only; empty without one."""
        return self.gemini_api_key.get_secret_value() if self.gemini_api_key else ""

    @property
    def usual_provider(self) -> str:
        """Who writes and paints for a job that does not say."""
        if self.provider:
            return self.provider
        if self.openai_key:
            return "openai"
        return "gemini" if self.gemini_key else "offline"
