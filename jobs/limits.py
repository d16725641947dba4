"""How many jobs may run at once: with the same key, which a client or a kind gives, and of each kind."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

MOST = 1000
ConcurrencyKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")]
"""Visible ASCII."""
OnLimit = Literal["queue", "reject", "cancel_running"]

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_KIND = re.compile(r"([a-z][a-z0-9_]{0,39})=(\d{1,4})")


@dataclass(frozen=True)
class Concurrency:
    """At most `limit` jobs with this key run at once. Raises ValueError for what is no key."""

    key: str
    limit: int = 1
    on_limit: OnLimit = "queue"

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"{self.key[:140]!r} is no key: it must be 1 to 128 visible ASCII characters")


class KindLimits(dict[str, int]):
    """By name of the kind. One that is not named has no limit."""

    @classmethod
    def parse(cls, text: str) -> "KindLimits":
        """`report=2,lesson=1`. Raises ValueError, which names the part that is wrong."""
        limits = cls()
        for part in filter(None, map(str.strip, text.split(","))):
            match = _KIND.fullmatch(part)
            if match is None or not 1 <= int(match[2]) <= MOST:
                raise ValueError(f"HEADRACE_MAX_RUNNING_PER_KIND: {part!r} is no `kind=1` to `kind={MOST}`")
            limits[match[1]] = int(match[2])
        return limits
