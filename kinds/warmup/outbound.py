"""The guard on the way out: no connection to a private address, whatever a URL, a redirect or a name server says.

Names are resolved and checked here, where the connection is made, and the connection goes to the checked address: there
is no second look-up that could answer differently (DNS rebinding).
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from httpcore2 import SOCKET_OPTION, AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError, ConnectTimeout

from headrace import PrivateHosts

Address = IPv4Address | IPv6Address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses. Raises OSError."""

METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Google, Azure and others
            "169.254.170.2",  # AWS ECS
            "fd00:ec2::254",  # AWS over IPv6
            "fd20:ce::254",  # Google over IPv6
            "168.63.129.16",  # Azure's WireServer, a public address
            "192.0.0.192",  # Oracle
            "100.100.100.200",  # Alibaba
        ),
    )
)
"""Where clouds hand credentials to whoever asks from within."""
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog"})
_NAT64 = IPv6Network("64:ff9b::/96")

REMEMBERED = 30.0
"""Seconds that the checked addresses of a host are used for further connections."""
MAX_ADDRESSES = 4
"""Addresses of one host that are tried."""


class Refused(Exception):
    """The host is at an address that jobs may not reach."""


async def resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outbound(AsyncNetworkBackend):
    """A network backend for httpcore2. `connect_tcp` raises Refused."""

    def __init__(
        self, allowed: PrivateHosts, *, resolve: Resolve = resolve, backend: AsyncNetworkBackend | None = None
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._backend = backend or AnyIOBackend()
        self._checked: dict[tuple[str, int], tuple[float, list[Address]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        failure: Exception = ConnectError(f"{host} has no address")
        for address in (await self._addresses(host, port))[:MAX_ADDRESSES]:
            try:
                return await self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (ConnectError, ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> list[Address]:
        until, addresses = self._checked.get((host, port), (0.0, []))
        if time.monotonic() < until:
            return addresses
        if host.rstrip(".").lower() in METADATA_NAMES:
            raise Refused(f"{host} hands out credentials")
        try:
            addresses = [ip_address(text) for text in await self._resolve(host, port)]
        except OSError as error:
            raise ConnectError(f"{host} cannot be resolved: {error.strerror or error}") from error
        except UnicodeError as error:
            raise ConnectError(f"{host} cannot be a host's name: {error}") from error
        for address in addresses:
            self._check(host, port, address)
        self._checked[host, port] = (time.monotonic() + REMEMBERED, addresses)
        return addresses

    def _check(self, host: str, port: int, address: Address) -> None:
        """One bad address among good ones is enough: whoever owns the name put it there."""
        inner = embedded(address)
        if inner in METADATA:
            raise Refused(f"{host} is at {address}, which hands out credentials")
        if not is_public(inner) and not self._allowed.allow(host, port, inner):
            raise Refused(f"{host} is at {address}, which is not public; HEADRACE_ALLOW_PRIVATE_HOSTS could allow it")


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or IPv6Address(int(address))


def is_public(address: Address) -> bool:
    """Whether it is anybody's on the internet. Teredo, site-local and reserved ranges are not."""
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not special and not site_local
