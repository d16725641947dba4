"""One call to a model, of whichever vendor: what it is expected to use, and what it used."""

from dataclasses import dataclass

from headrace.usage import Usage


@dataclass(frozen=True)
class Estimate:
    """What is reserved for a call before it is made.

    `output_tokens` None: as many as the price of the model expects (`expect_output`). `cost` in USD; None: what the
    price of the model makes of the rest.
    """

    input_tokens: int = 0
    output_tokens: int | None = None
    images: int = 0
    cost: float | None = None


class MeteredCall:
    """A call under way, which may be made now."""

    def __init__(self, provider: str, model: str) -> None:
        self.provider = provider
        self.model = model
        self.usage: Usage | None = None
        """What it used; None as long as nobody has said."""

    def used(
        self, *, input_tokens: int = 0, output_tokens: int = 0, images: int = 0, cost: float | None = None
    ) -> None:
        """Says what the whole call used; said twice, the last counts. `cost` in USD; None: by the model's price."""
        self.usage = Usage(
            self.provider,
            self.model,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            images=images,
            cost=cost,
        )
