"""Which private hosts are allowed: none, or exactly those that were named."""

from ipaddress import ip_address

import pytest
from pydantic import ValidationError

from jobs.private_hosts import PrivateHosts
from jobs.settings import Settings


def _allowed(monkeypatch: pytest.MonkeyPatch, text: str) -> PrivateHosts:
    monkeypatch.setenv("HEADRACE_ALLOW_PRIVATE_HOSTS", text)
    return Settings().allow_private_hosts


def test_none_is_allowed_unless_named() -> None:
    assert not Settings().allow_private_hosts.allow("localhost", 80, ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("text", "host", "port", "address", "expected"),
    [
        ("10.0.0.0/8", "wiki", 80, "10.1.2.3", True),
        ("10.0.0.0/8", "wiki", 80, "11.1.2.3", False),
        ("127.0.0.1", "localhost", 99, "127.0.0.1", True),
        ("wiki.corp:8080", "Wiki.corp", 8080, "10.1.2.3", True),
        ("wiki.corp:8080", "wiki.corp", 80, "10.1.2.3", False),
        ("wiki.corp:8080", "other.corp", 8080, "10.1.2.3", False),
        ("fd00::/8, [::1]:80", "::1", 80, "::1", True),
        ("fd00::/8, [::1]:80", "six", 443, "fd12::1", True),
        (" , ", "localhost", 80, "127.0.0.1", False),
    ],
)
def test_what_is_named_is_allowed(
    monkeypatch: pytest.MonkeyPatch, text: str, host: str, port: int, address: str, *, expected: bool
) -> None:
    assert _allowed(monkeypatch, text).allow(host, port, ip_address(address)) is expected


@pytest.mark.parametrize("text", ["wiki.corp", "10.0.0.1/8", "wiki.corp:http", ":80"])
def test_what_cannot_be_meant_refuses_to_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(ValidationError, match="host:port, separated by commas"):
        _allowed(monkeypatch, text)
