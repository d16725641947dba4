"""What one call to a model used."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """`cost` is USD. A provider leaves it None: it is set by the price of the model, and stays None without one."""

    provider: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    calls: int = 1
    cost: float | None = None
