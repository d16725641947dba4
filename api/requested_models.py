"""Which providers and models a job may ask."""

from collections.abc import Mapping
from typing import Any

from headrace.generated import GeneratedInput
from jobs.kind import Kind
from jobs.settings import Settings


def requested_models(kind: Kind, content: Mapping[str, Any], settings: Settings) -> list[str]:
    """`provider/model` of each that it may ask, the first one first; the provider alone without a choice of models."""
    if not issubclass(kind.input, GeneratedInput):
        return []
    provider = content.get("provider") or settings.usual_provider
    usual = {
        "openai": (settings.openai_text_model, settings.openai_image_model),
        "gemini": (settings.gemini_text_model, settings.gemini_image_model),
    }.get(provider, (None, None))
    by_modality = {
        "text": content.get("model") or usual[0],
        "image": content.get("image_model") or usual[1],
    }
    wanted = [by_modality[modality] for modality in kind.asks_for(content)]
    return [f"{provider}/{model}" for model in dict.fromkeys(filter(None, wanted))] or [provider]
