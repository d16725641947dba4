"""What an answer's headers say of the cache it came from."""

from collections.abc import Mapping
from typing import Literal

CacheState = Literal["hit", "miss", "bypass", "unknown"]

_CLOUDFLARE: dict[str, CacheState] = {
    "hit": "hit",
    "stale": "hit",
    "revalidated": "hit",
    "updating": "hit",
    "miss": "miss",
    "expired": "miss",
    "bypass": "bypass",
    "dynamic": "bypass",
}
"""Cloudflare, "Cloudflare cache responses"."""
_PLAIN = ("x-cache", "x-cache-status", "x-proxy-cache", "x-vercel-cache")
"""`HIT`, `Miss from cloudfront`, `TCP_MISS`, `HIT, MISS` ..."""


def cache_state(headers: Mapping[str, str]) -> CacheState:
    """`headers` has lower case names. `bypass`: it is not to be cached, and warming it is of no use."""
    if status := _CLOUDFLARE.get(headers.get("cf-cache-status", "").lower()):
        return status
    if status := headers.get("cache-status"):
        return _standard(status)
    for name in _PLAIN:
        value = headers.get(name, "").lower()
        if "hit" in value:
            return "hit"
        if "miss" in value:
            return "miss"
        if "bypass" in value or "pass" in value:
            return "bypass"
    age = headers.get("age", "")
    return "hit" if age.isdecimal() and age.strip("0") else "unknown"


def _standard(status: str) -> CacheState:
    """RFC 9211: a list of caches, each `name; hit` or `name; fwd=reason`."""
    parameters = {part.strip().lower() for cache in status.split(",") for part in cache.split(";")[1:]}
    if "hit" in parameters:
        return "hit"
    return "bypass" if "fwd=bypass" in parameters else "miss"
