"""The private hosts that an operator lets jobs reach: none, unless named."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address

_FORM = "must be networks or host:port, separated by commas: 10.0.0.0/8, wiki.corp:8080"


@dataclass(frozen=True)
class PrivateHosts:
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """On any port."""
    hosts: frozenset[tuple[str, int]] = frozenset()
    """Names, as they stand in a URL, each with its one port."""

    @classmethod
    def parse(cls, text: object) -> object:
        """`10.0.0.0/8, wiki.corp:8080` -> PrivateHosts; what is no text goes on to pydantic. Raises ValueError."""
        if not isinstance(text, str):
            return text
        networks: list[IPv4Network | IPv6Network] = []
        hosts: set[tuple[str, int]] = set()
        for entry in filter(None, (part.strip() for part in text.split(","))):
            try:
                networks.append(ip_network(entry))
            except ValueError:
                host, _, port = entry.rpartition(":")
                if not host or not port.isdecimal():
                    raise ValueError(f"{_FORM}; not {entry!r}") from None
                hosts.add((host.strip("[]").lower(), int(port)))
        return cls(tuple(networks), frozenset(hosts))

    def allow(self, host: str, port: int, address: Address) -> bool:
        """Whether `host`, which resolved to `address`, was named."""
        return (host.lower(), port) in self.hosts or any(address in network for network in self.networks)
