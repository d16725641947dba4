"""How often a model may be called: the limits that an operator sets, shared by all workers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.prices import best_match

_LIMIT = re.compile(r"(\d+)(rpm|tpm)")
_FORM = "write provider/model=500rpm,200000tpm; several are separated by `;`, and `*` stands for any model"


@dataclass(frozen=True)
class Rate:
    """Requests and tokens a minute; 0 is no limit."""

    requests: int = 0
    tokens: int = 0


UNLIMITED = Rate()


@dataclass(frozen=True)
class Rates:
    """The rate of each model; of several patterns that match, the longest counts."""

    by_model: Mapping[str, Rate]

    @classmethod
    def parse(cls, text: str) -> "Rates":
        """Of `openai/gpt-5.4-mini=500rpm,200000tpm; gemini/*=60rpm`. Raises ValueError, which names the part."""
        rates: dict[str, Rate] = {}
        for part in filter(None, (piece.strip() for piece in text.split(";"))):
            model, _, limits = part.rpartition("=")
            model = model.strip()
            if "/" not in model or model in rates:
                raise ValueError(f"{part!r} names no model, or one twice: {_FORM}")
            rates[model] = _rate(part, limits)
        return cls(rates)

    def of(self, provider: str, model: str) -> Rate:
        return best_match(self.by_model, f"{provider}/{model}") or UNLIMITED


def _rate(part: str, limits: str) -> Rate:
    found: dict[str, int] = {}
    for limit in limits.split(","):
        match = _LIMIT.fullmatch(limit.strip())
        if match is None or match[2] in found or int(match[1]) == 0:
            raise ValueError(f"{limit.strip()!r} in {part!r} is not a rate: {_FORM}")
        found[match[2]] = int(match[1])
    return Rate(requests=found.get("rpm", 0), tokens=found.get("tpm", 0))
