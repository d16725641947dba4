"""What the exceptions of vendors' SDKs and of HTTP clients mean."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import httpx2
import openai
import pytest
import requests
from google.genai import errors as genai

from headrace import Busy, PipelineError, ProviderError, Reason, Rejected, Unavailable
from headrace.sdk_errors import SdkErrors

REQUEST = httpx2.Request("POST", "http://127.0.0.1/")


def translate(error: Exception, own: Any = None) -> Exception:  # noqa: ANN401  # a table or a function
    with pytest.raises(Exception) as raised, SdkErrors(own).translated():  # noqa: PT011  # which one is the question
        raise error
    return raised.value


def knows_nothing(_: Exception) -> None:
    """As a kind's function answers for what it does not know."""


def means_a_fault(_: Exception) -> Exception:
    return ValueError()


def by_openai(status: int, headers: dict[str, str] | None = None, body: object = None) -> Exception:
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    return openai.APIStatusError("no", response=response, body=body)


def by_httpx(status: int) -> Exception:
    request = httpx.Request("POST", "http://127.0.0.1/")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, request=request))


def by_requests(status: int) -> Exception:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError("no", response=response)


def by_google(status: int) -> Exception:
    return genai.APIError(status, {"error": {"message": "no", "status": "NO"}})


@pytest.mark.parametrize("error_of", [by_openai, by_httpx, by_requests, by_google])
@pytest.mark.parametrize(
    ("status", "means"), [(429, Busy), (500, Unavailable), (529, Unavailable), (408, Unavailable), (400, Rejected)]
)
def test_a_status_decides(error_of: Callable[[int], Exception], status: int, means: type[ProviderError]) -> None:
    assert type(translate(error_of(status))) is means


@pytest.mark.parametrize(
    "error",
    [
        openai.APITimeoutError(httpx2.Request("POST", "http://127.0.0.1/")),
        openai.APIConnectionError(request=httpx2.Request("POST", "http://127.0.0.1/")),
        httpx.ConnectError("refused"),
        httpx2.ReadTimeout("late"),
        requests.ConnectionError("refused"),
        requests.Timeout("late"),
        TimeoutError(),
        ConnectionResetError(),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)
def test_no_answer_is_unavailable(error: Exception) -> None:
    assert type(translate(error)) is Unavailable


def test_anthropic_is_known_by_its_names() -> None:
    """It need not be installed."""
    error = type("APIConnectionError", (Exception,), {"__module__": "anthropic._exceptions"})
    assert type(translate(error("refused"))) is Unavailable


def test_the_wait_is_the_one_told() -> None:
    busy = translate(by_openai(429, {"Retry-After": "7"}))
    assert isinstance(busy, Busy)
    assert busy.retry_after == timedelta(seconds=7)
    body = {"error": {"message": "no", "status": "NO", "details": [{"retryDelay": "37s"}]}}
    busy = translate(genai.APIError(429, body))
    assert isinstance(busy, Busy)
    assert busy.retry_after == timedelta(seconds=37)


def test_no_waiting_helps_an_account_without_money() -> None:
    rejected = translate(by_openai(429, body={"code": "insufficient_quota"}))
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.PROVIDER_REJECTED


def test_a_text_is_told_without_secrets_and_not_at_any_length() -> None:
    told = str(translate(TimeoutError("token=abcdefghijkl " + "x" * 10_000)))
    assert told.startswith("TimeoutError: token=[secret] xxx")
    assert len(told) < 600


@pytest.mark.parametrize("error", [ValueError("a fault"), KeyError("a fault"), Rejected("ours")])
def test_what_no_table_knows_stays_as_it_is(error: Exception) -> None:
    assert translate(error) is error


def test_a_table_comes_before_ours_and_holds_for_subclasses() -> None:
    assert type(translate(TimeoutError(), {OSError: Rejected})) is Rejected
    assert type(translate(TimeoutError(), {"builtins.OSError": Rejected})) is Rejected
    assert type(translate(TimeoutError(), {ValueError: Rejected})) is Unavailable
    assert type(translate(TimeoutError(), knows_nothing)) is Unavailable


@pytest.mark.parametrize("own", [{TimeoutError: ValueError}, means_a_fault])
def test_a_table_that_means_something_else_is_a_fault_of_the_kind(own: Any) -> None:  # noqa: ANN401  # as above
    assert "not ValueError" in str(translate(TimeoutError(), own))
    assert isinstance(translate(TimeoutError(), own), PipelineError)
