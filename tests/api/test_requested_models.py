"""api/requested_models.py: whom a job may ask, as far as its kind tells from the input."""

from typing import Any

import pytest

from api.requested_models import requested_models
from jobs import kinds
from jobs.settings import Settings

TEXT, IMAGE = "openai/writes", "openai/paints"
UPLOAD = "8e03978e-40d5-43e8-bc93-6894a57f9324"


@pytest.mark.parametrize(
    ("kind", "content", "asked"),
    [
        ("story", {"title": "t", "prompt": "p"}, [TEXT, IMAGE]),
        ("report", {"topic": "Bees"}, [TEXT]),
        ("lesson", {"topic": "Bees"}, [TEXT]),
        ("lesson", {"topic": "Bees", "modality": "video"}, [TEXT, IMAGE]),
        ("coloring_page", {"prompt": "A dragon"}, [TEXT, IMAGE]),
        ("coloring_page", {"image": UPLOAD}, [IMAGE]),
        ("warmup", {"urls": ["https://example.com/"]}, []),
    ],
)
def test_a_job_may_ask_what_its_input_needs(kind: str, content: dict[str, Any], asked: list[str]) -> None:
    settings = Settings(provider="openai", openai_text_model="writes", openai_image_model="paints")
    found = kinds.get(kind)
    parsed = found.input.model_validate(content).model_dump(mode="json")

    assert requested_models(found, parsed, settings) == asked


def test_a_provider_without_a_choice_of_models_stands_for_them() -> None:
    report = kinds.get("report")
    content = report.input.model_validate({"topic": "Bees"}).model_dump(mode="json")

    assert requested_models(report, content, Settings(provider="offline")) == ["offline"]
