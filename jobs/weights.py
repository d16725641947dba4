"""How much of a queue each user gets: `HEADRACE_FAIR_WEIGHTS`."""

import re

_WEIGHT = re.compile(r"([A-Za-z0-9._:@-]{1,128})=(\d+(?:\.\d+)?)")
_LEAST, _MOST = 0.01, 100


class Weights(dict[str, float]):
    """By user id. Who is not named has 1."""

    @classmethod
    def parse(cls, text: str) -> "Weights":
        """`ann=3,bob=0.5`. Raises ValueError, which names the part that is wrong."""
        weights = cls()
        for part in filter(None, map(str.strip, text.split(","))):
            match = _WEIGHT.fullmatch(part)
            if match is None:
                raise ValueError(f"HEADRACE_FAIR_WEIGHTS: {part!r} is no `user_id=weight`, such as ann=3")
            weight = float(match[2])
            if not _LEAST <= weight <= _MOST:
                raise ValueError(f"HEADRACE_FAIR_WEIGHTS: {part!r}: a weight is {_LEAST} to {_MOST}")
            weights[match[1]] = weight
        return weights
