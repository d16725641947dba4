"""What the input of every kind has whose jobs ask a provider for text or pictures."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, ValidationInfo, field_validator

from jobs.settings import ProviderName

FIXED_MODELS = frozenset({"offline", "local"})
"""Providers without a choice of models: one has none, the other the one that its worker has loaded."""

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$")]


class GeneratedInput(BaseModel):
    """Who writes and paints a job, if not whom the deployment's settings name."""

    provider: Annotated[
        ProviderName | None,
        Field(
            description="Who writes and paints; null: the deployment's usual provider. A job whose provider has no key"
            " or model in the deployment fails with `provider_rejected`.",
        ),
    ] = None
    model: Annotated[
        ModelName | None,
        Field(
            description="The provider's model for text; null: its usual one. `offline` and `local` have no choice of"
            " models: with them a model is refused, with 422 when the job names the provider, else as"
            " `provider_rejected`.",
        ),
    ] = None
    image_model: Annotated[
        ModelName | None, Field(description="The provider's model for pictures; as `model` in all else")
    ] = None

    @field_validator("model", "image_model")
    @classmethod
    def _can_be_asked_for(cls, model: str | None, info: ValidationInfo) -> str | None:
        provider = info.data.get("provider")
        if model and provider in FIXED_MODELS:
            raise ValueError(f"the {provider} provider has no choice of models: leave it out, or name another provider")
        return model
