"""Which providers and models a job may ask."""

from collections.abc import Mapping
from typing import Any

from headrace.generated import GeneratedInput
from jobs.kind import Kind
from jobs.settings import Settings


def requested_models(kind: Kind, content: Mapping[str, Any], settings: Settings) -> list[str]:
    """`provider/model` for text and for pictures, or the provider alone, if it has no choice of models."""
    if not issubclass(kind.input, GeneratedInput):
        return []
    provider = content.get("provider") or settings.usual_provider
    usual = {
        "openai": (settings.openai_text_model, settings.openai_image_model),
        "gemini": (settings.gemini_text_model, settings.gemini_image_model),
    }.get(provider, (None, None))
    wanted = [content.get("model") or usual[0], content.get("image_model") or usual[1]]
    return [f"{provider}/{model}" for model in dict.fromkeys(filter(None, wanted))] or [provider]
