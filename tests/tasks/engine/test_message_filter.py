"""What the worker takes off the broker's lists, and what it drops."""

import base64
import json
from typing import Any

import pytest

from jobs.celery_app import create_celery
from jobs.messages import Renderer
from jobs.settings import Settings
from tasks.engine.message_filter import fault_of

BOMB = base64.b64encode(b"x" * 5000).decode()


@pytest.fixture
def message() -> dict[str, Any]:
    """A message as the API renders it."""
    rendered = Renderer(create_celery(Settings())).message("a-job", kind="story", queue="default", priority=3, tag="1")
    return json.loads(rendered.text)


def test_our_own_message_is_taken(message: dict[str, Any]) -> None:
    assert fault_of(message) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"content-type": "application/x-python-serialize"}, "foreign form"),
        ({"headers": {"task": "story"}}, "foreign form"),
        ({"headers": {"task": "os.system", "id": "a-job"}}, "unknown task"),
        ({"body": BOMB}, "foreign body"),
        ({"body": "no base64!"}, "foreign body"),
        ({"body": base64.b64encode(b'[["rm"], {}, {}]').decode()}, "foreign body"),
        ({"properties": {}}, "foreign form"),
    ],
)
def test_a_foreign_message_is_not(message: dict[str, Any], change: dict[str, Any], why: str) -> None:
    assert fault_of(message | change) == why


@pytest.mark.parametrize("foreign", [[], {}, None, 7, "text"])
def test_neither_is_what_is_no_message_at_all(foreign: object) -> None:
    assert fault_of(foreign) == "foreign form"


def test_a_compressed_message_is_not_unpacked(message: dict[str, Any]) -> None:
    message["headers"]["compression"] = "application/x-gzip"
    assert fault_of(message) == "foreign body"


def test_a_job_of_an_unknown_kind_is_taken_to_be_handed_on(message: dict[str, Any]) -> None:
    message["headers"]["task"] = "podcast"
    assert fault_of(message) is None
