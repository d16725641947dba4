"""The names of the providers there are: those that installed packages announce, Headrace's own included.

A package announces one as an entry point of the group `headrace.providers`. Names are read from the packages' metadata:
no provider is imported for them.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "headrace.providers"


@cache
def announced() -> dict[str, EntryPoint]:
    """By name. Raises ValueError when two announce one name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise ValueError(f"two providers are named {point.name!r}, {other.value} and {point.value}: uninstall one")
    return dict(sorted(found.items()))


def check_name(name: str) -> str:
    """The name, if there is one such provider. Raises ValueError, which names those there are."""
    if name not in announced():
        raise ValueError(f"there is no provider {name!r} here; there are {', '.join(announced())}")
    return name
