"""Who writes and paints a job: its own choice or the deployment's, and what becomes of answers of no use."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from headrace.provider import Image, ImageRequest
from jobs import kinds
from jobs.leases import Claim
from jobs.model import Job, JobError
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from kinds.story import StoryInput
from tasks.engine.attempt import Attempt
from tasks.engine.backend import Tools
from tasks.engine.lease import LeaseThread
from tasks.providers.openai import OpenAIProvider
from tasks.providers.registry import Providers
from tests.support.counting_provider import CountingProvider, Fault, choice
from tests.support.waiting import wait_until

STORY = {"title": "My Story", "prompt": "A magical adventure", "pages": 4}
Make = Callable[..., Awaitable[Job]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[CountingProvider]:
    server = CountingProvider(ledger=tmp_path / "ledger", log=tmp_path / "log")
    await wait_until(server.answers, within=15, what="the counting provider answers")
    yield server
    server.end()


@pytest.fixture
async def make(tools: Tools, store: JobStore) -> AsyncIterator[Make]:
    """Runs one attempt at a story with such settings and such an input."""
    opened: list[Providers] = []
    leases = LeaseThread(tools.settings)

    async def make(changes: dict[str, Any], **asked: Any) -> Job:  # noqa: ANN401  # any JSON value
        settings = Settings.model_validate(tools.settings.model_dump() | {"concurrency": 1} | changes)
        opened.append(Providers(settings))
        created = await store.create(NewJob(kinds.get("story"), STORY | asked))
        claim = await store.claim(created.job_id, worker="tests", token="tests")  # noqa: S106  # not a secret
        assert isinstance(claim, Claim)
        mine = replace(tools, settings=settings, providers=opened[-1])
        await Attempt(claim, kinds.get("story"), mine).run(leases)
        return await store.get(created.job_id)

    yield make
    leases.close()
    for providers in opened:
        await providers.aclose()


def openai_at(server: CountingProvider) -> dict[str, Any]:
    return {"openai_api_key": SecretStr("sk-any"), "openai_base_url": server.url}


async def test_a_job_chooses_its_provider_and_models(make: Make, server: CountingProvider) -> None:
    asked = {"provider": "openai", "model": "mine", "image_model": "gpt-image-2.5-flare"}
    job = await make({"provider": "offline", **openai_at(server)}, **asked)
    assert job.state is State.COMPLETED
    assert job.result is not None
    assert job.result["provider"] == "openai"
    assert sorted((item.provider, item.model) for item in job.usage) == [
        ("openai", "gpt-image-2.5-flare"),
        ("openai", "mine"),
    ]


async def test_a_job_may_stay_offline_where_a_key_is_set(make: Make, server: CountingProvider) -> None:
    job = await make(openai_at(server), provider="offline")
    assert (job.state, {item.provider for item in job.usage}) == (State.COMPLETED, {"offline"})
    assert server.calls(job.id) == []


@pytest.mark.parametrize(
    ("changes", "asked", "told"),
    [
        ({}, {"provider": "openai"}, "OPENAI_API_KEY is not set"),
        ({}, {"provider": "gemini"}, "GEMINI_API_KEY is not set"),
        ({}, {"provider": "local"}, "HEADRACE_LOCAL_MODEL is not set"),
        ({"local_model": "/nowhere/model.gguf"}, {"provider": "local"}, "/nowhere/model.gguf, which is not a file"),
        ({}, {"model": "gpt-5.4-mini"}, "offline provider has no choice of models"),
    ],
)
async def test_a_provider_that_cannot_be_used_fails_the_job_with_the_remedy(
    make: Make, changes: dict[str, Any], asked: dict[str, Any], told: str
) -> None:
    job = await make({"provider": "offline", **changes}, **asked)
    error = failure(job)
    assert error.reason is Reason.PROVIDER_REJECTED
    assert told in error.message


async def test_the_extra_that_is_not_installed_is_named(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing(_name: str) -> None:
        return None

    monkeypatch.setattr("tasks.providers.builtin.find_spec", find_nothing)
    model = tmp_path / "model.gguf"
    model.touch()
    job = await make({"local_model": model}, provider="local")
    error = failure(job)
    assert error.reason is Reason.PROVIDER_REJECTED
    assert "pip install 'headrace[local]'" in error.message


@pytest.mark.parametrize("field", ["model", "image_model"])
@pytest.mark.parametrize("provider", ["offline", "local"])
def test_a_model_of_a_provider_without_choice_is_refused_at_once(provider: str, field: str) -> None:
    with pytest.raises(ValidationError, match=f"the {provider} provider has no choice of models") as refused:
        StoryInput.model_validate(STORY | {"provider": provider, field: "any"})
    assert refused.value.errors()[0]["loc"] == (field,)


async def test_a_malformed_answer_is_asked_for_again_and_both_are_paid(make: Make, server: CountingProvider) -> None:
    server.fail_next(malformed('{"title": "My'))
    job = await make(openai_at(server))
    assert job.state is State.COMPLETED
    assert server.calls(job.id)[:2] == ["outline", "outline"]
    [text] = [item for item in job.usage if not item.images]
    assert (text.calls, text.input_tokens) == (2, 120 + 7)


async def test_a_second_malformed_answer_fails_the_job_and_both_are_kept(
    make: Make, server: CountingProvider, tools: Tools
) -> None:
    server.fail_next(malformed('{"title": "First'))
    server.fail_next(malformed('{"title": "Second', finish_reason="length"))
    job = await make(openai_at(server))
    error = failure(job)
    assert (error.reason, error.stage) == (Reason.INVALID_ANSWER, "outline")
    assert "truncated" in error.message
    assert server.calls(job.id) == ["outline", "outline"]
    [kept] = job.files
    assert kept.name == "rejected-outline.txt"
    text = (await tools.files.get(kept)).decode()
    assert '{"title": "First' in text
    assert '{"title": "Second' in text
    assert [(item.calls, item.input_tokens) for item in job.usage] == [(2, 14)]


async def test_every_picture_has_the_same_hero_and_style(
    make: Make, server: CountingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []
    image = OpenAIProvider.image

    async def noted(provider: OpenAIProvider, request: ImageRequest) -> Image:
        prompts.append(request.words)
        return await image(provider, request)

    monkeypatch.setattr(OpenAIProvider, "image", noted)
    job = await make(openai_at(server))
    assert (job.state, len(prompts)) == (State.COMPLETED, 4)
    for prompt in prompts:
        assert "Some hero" in prompt
        assert "Some style" in prompt


async def test_a_wait_told_is_capped(make: Make, server: CountingProvider) -> None:
    server.fail_next(Fault(status=429, retry_after=86400))
    job = await make(openai_at(server) | {"retry_max": timedelta(seconds=30)})
    assert job.state is State.SCHEDULED
    assert job.retry_at is not None
    assert job.started_at is not None
    assert job.retry_at - job.started_at <= timedelta(seconds=40)


def failure(job: Job) -> JobError:
    assert job.state is State.FAILED
    assert job.error is not None
    return job.error


def malformed(content: str, *, finish_reason: str = "stop") -> Fault:
    """A paid answer."""
    used = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-5.4-mini"}
    return Fault(
        status=200, body=json.dumps({**head, "choices": [choice(content, finish_reason=finish_reason)], "usage": used})
    )
