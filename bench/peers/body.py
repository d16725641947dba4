"""A story in a peer's route: fewer fields than Headrace checks."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=200)]
    prompt: Annotated[str, Field(min_length=1, max_length=4000)]
    user_id: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    pages: Annotated[int, Field(ge=4, le=12)] = 6
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
