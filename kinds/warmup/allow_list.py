"""The hosts that a job may ask."""

from collections.abc import Iterable

from httpx2 import URL


class AllowList:
    """`shop.example`, with any port; `shop.example:8080`; `*.shop.example`, for all below it. None: any host."""

    def __init__(self, hosts: Iterable[str] | None) -> None:
        self._hosts = None if hosts is None else frozenset(hosts)

    def allow(self, url: URL) -> bool:
        if self._hosts is None:
            return True
        labels = url.host.split(".")
        above = {f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels))}
        return not self._hosts.isdisjoint({url.host, url.netloc.decode("ascii"), *above})
