"""No way in through the way out: private addresses are refused wherever they come from."""

from collections.abc import Iterable, Sequence

import pytest
from httpcore2 import SOCKET_OPTION, AsyncMockStream, AsyncNetworkBackend, AsyncNetworkStream, ConnectError

from jobs.private_hosts import PrivateHosts
from kinds.warmup.outbound import Outbound, Refused

PUBLIC = "93.184.215.14"


class Connections(AsyncNetworkBackend):
    """Notes where a connection would go."""

    def __init__(self, *, dead: Sequence[str] = ()) -> None:
        self.made: list[str] = []
        self._dead = dead

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        del timeout, local_address, socket_options
        self.made.append(f"{host} {port}")
        if host in self._dead:
            raise ConnectError("dead")
        return AsyncMockStream([])


class Names:
    """A name server that gives each answer once, then the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked = 0
        self._answers = answers

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        del host, port
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]


def outbound(names: Names, connections: Connections, allowed: str = "") -> Outbound:
    hosts = PrivateHosts.parse(allowed)
    assert isinstance(hosts, PrivateHosts)
    return Outbound(hosts, resolve=names, backend=connections)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104  # an address to refuse
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
async def test_what_is_not_public_is_refused(address: str) -> None:
    connections = Connections()
    with pytest.raises(Refused, match="which"):
        await outbound(Names([address]), connections).connect_tcp("a.example", 80)
    assert connections.made == []


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
async def test_what_is_public_is_connected_to_by_its_checked_address(address: str) -> None:
    connections = Connections()
    await outbound(Names([address]), connections).connect_tcp("a.example", 443)
    assert connections.made == [f"{address} 443"]


async def test_one_private_address_among_public_ones_is_enough() -> None:
    connections = Connections()
    with pytest.raises(Refused):
        await outbound(Names([PUBLIC, "10.0.0.1"]), connections).connect_tcp("a.example", 80)
    assert connections.made == []


async def test_a_name_that_changes_its_mind_is_checked_again_or_not_asked_again() -> None:
    """DNS rebinding: each connection goes to an address from the very answer that was checked."""
    names, connections = Names([PUBLIC], ["127.0.0.1"]), Connections()
    guard = outbound(names, connections)
    await guard.connect_tcp("a.example", 80)
    await guard.connect_tcp("a.example", 80)
    assert (names.asked, connections.made) == (1, [f"{PUBLIC} 80"] * 2)


async def test_a_name_that_changed_its_mind_is_refused_when_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinds.warmup.outbound.REMEMBERED", 0.0)
    names, connections = Names([PUBLIC], ["127.0.0.1"]), Connections()
    guard = outbound(names, connections)
    await guard.connect_tcp("a.example", 80)
    with pytest.raises(Refused):
        await guard.connect_tcp("a.example", 80)
    assert connections.made == [f"{PUBLIC} 80"]


async def test_a_dead_address_is_followed_by_the_next() -> None:
    connections = Connections(dead=[PUBLIC])
    await outbound(Names([PUBLIC, "1.1.1.1"]), connections).connect_tcp("a.example", 80)
    assert connections.made == [f"{PUBLIC} 80", "1.1.1.1 80"]


async def test_a_named_private_host_is_reached_and_no_other_port_of_it() -> None:
    connections = Connections()
    guard = outbound(Names(["127.0.0.1"]), connections, "a.example:8080")
    await guard.connect_tcp("a.example", 8080)
    with pytest.raises(Refused, match="HEADRACE_ALLOW_PRIVATE_HOSTS"):
        await guard.connect_tcp("a.example", 80)


@pytest.mark.parametrize("host", ["metadata.google.internal", "METADATA.google.internal."])
async def test_metadata_is_refused_by_name(host: str) -> None:
    with pytest.raises(Refused, match="credentials"):
        await outbound(Names([PUBLIC]), Connections()).connect_tcp(host, 80)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "fd20:ce::254",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "192.0.0.192",
    ],
)
async def test_metadata_is_refused_whatever_is_allowed(address: str) -> None:
    with pytest.raises(Refused, match="credentials"):
        await outbound(Names([address]), Connections(), "0.0.0.0/0,::/0,a.example:80").connect_tcp("a.example", 80)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0"])
async def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    """By the real resolver, which reads them as the C library does."""
    connections = Connections()
    with pytest.raises(Refused):
        await Outbound(PrivateHosts(), backend=connections).connect_tcp(host, 80)
    assert connections.made == []
