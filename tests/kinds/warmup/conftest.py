"""A web site, and visitors that reach it as other names too."""

from collections.abc import AsyncIterator, Callable

import pytest

from bench.website import Website, serving
from jobs.private_hosts import PrivateHosts
from kinds.warmup.allow_list import AllowList
from kinds.warmup.client import Client
from kinds.warmup.outbound import Outbound, resolve
from kinds.warmup.visitor import Visitor

NewVisitor = Callable[..., Visitor]


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with serving(Website()) as site:
        yield site


@pytest.fixture
async def new_visitor(site: Website) -> AsyncIterator[NewVisitor]:
    """Visitors that may ask the site by its address and as `shop.example`; nothing else that is private."""
    clients: list[Client] = []

    async def names(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host.endswith(".example") else list(await resolve(host, port))

    def new(*, allow: list[str] | None = None, robots: bool = True, seconds: float = 5) -> Visitor:
        hosts = frozenset({("127.0.0.1", site.port), ("shop.example", site.port)})
        outbound = Outbound(PrivateHosts(hosts=hosts), resolve=names)
        clients.append(Client(outbound, user_agent="headrace-warmup/1.0", seconds=seconds))
        return Visitor(clients[-1], AllowList(allow), user_agent="headrace-warmup/1.0", respect_robots=robots)

    yield new
    for client in clients:
        await client.aclose()


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor()
