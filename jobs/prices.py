"""What calls cost, by provider and model. Money is counted in whole micro-dollars, so that sums are exact."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

T = TypeVar("T")

MICROS = 1_000_000
"""Micro-dollars in a dollar."""

Charge = Annotated[Decimal, Field(ge=0, le=1_000_000)]


class Price(BaseModel):
    """USD per million tokens, and for each image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Charge = Decimal(0)
    output: Charge = Decimal(0)
    image: Charge = Decimal(0)
    expect_output: Annotated[int, Field(ge=0)] = 2000

    def micros(self, *, input_tokens: int, output_tokens: int, images: int) -> int:
        """What a call costs, in micro-dollars, rounded up."""
        # A dollar per million tokens is a micro-dollar per token.
        cost = self.input * input_tokens + self.output * output_tokens + self.image * images * MICROS
        return int(cost.to_integral_value(ROUND_CEILING))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    updated: date
    models: dict[str, Price]


@dataclass(frozen=True)
class Prices:
    """Price tables in the order in which they are asked."""

    tables: tuple[Mapping[str, Price], ...]

    @classmethod
    def load(cls, own: Path | None = None) -> "Prices":
        """The table that comes with Headrace, after the operator's own. Raises ValueError, which names the fault."""
        tables = [_parse(files("jobs").joinpath("prices.toml").read_text(), "prices.toml")]
        if own:
            try:
                text = own.read_text()
            except OSError as error:
                raise ValueError(f"{own} cannot be read: {error.strerror}") from error
            tables.insert(0, _parse(text, str(own)))
        return cls(tuple(tables))

    def of(self, provider: str, model: str) -> Price | None:
        """None when no table has the model."""
        for table in self.tables:
            price = best_match(table, f"{provider}/{model}")
            if price is not None:
                return price
        return None


def best_match(table: Mapping[str, T], name: str) -> T | None:
    """The entry of the longest pattern that matches."""
    matching = [pattern for pattern in table if fnmatchcase(name, pattern)]
    return table[max(matching, key=len)] if matching else None


def to_micros(usd: Decimal) -> int:
    return int((usd * MICROS).to_integral_value(ROUND_CEILING))


def to_usd(micros: int) -> float:
    return micros / MICROS


def _parse(text: str, name: str) -> Mapping[str, Price]:
    try:
        return _File.model_validate(tomllib.loads(text, parse_float=Decimal)).models
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name} is not TOML: {error}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ValueError(f"{name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
