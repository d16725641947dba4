"""The order of a job's saved steps: what follows from a step, and so is made anew with it."""

from collections.abc import Mapping

from pydantic import BaseModel


class Placed(BaseModel):
    """What every saved step tells of its place. The worker keeps more; prelude.lua reads the `files` of it."""

    phase: int = 0
    """Phases are what steps' names have before the colon, numbered in the order in which the pipeline came to them."""


def from_step_on(steps: Mapping[str, str], step: str) -> list[str]:
    """The step and those of all later phases, which may be made from it. `steps` are the saved ones, name -> JSON."""
    phases = {name: Placed.model_validate_json(text).phase for name, text in steps.items()}
    return [name for name, phase in phases.items() if name == step or phase > phases[step]]
