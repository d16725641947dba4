"""Whether a server of ours is up. Without httpx: its every client reads the certificates of all authorities, 20 ms."""

from contextlib import suppress
from urllib.request import urlopen


def answers(url: str) -> bool:
    """With a status that is no error, within a second."""
    with suppress(OSError), urlopen(url, timeout=1):  # noqa: S310  # the loopback addresses of tests
        return True
    return False
