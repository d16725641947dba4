"""REDIS_URL: one Redis, or the sentinels that know which of several is the primary. Read here and nowhere else.

`redis://[user:password@]host:port/0`, or `rediss://` with TLS; with Sentinel
`sentinel://[user:password@]host1:26379,host2:26379,host3:26379/service/0`, or `sentinels://` with TLS to all of them.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jobs.settings import Settings

_PORTS = {"redis": 6379, "rediss": 6379, "sentinel": 26379, "sentinels": 26379}
_NO_OPTIONS = (
    "REDIS_URL takes no options after a ?. TLS is asked for by rediss:// and sentinels://; whom to trust and"
    " who we are is said in HEADRACE_REDIS_CA, HEADRACE_REDIS_CERT and HEADRACE_REDIS_KEY"
)


@dataclass(frozen=True)
class RedisAddress:
    """Where Redis is and how it is spoken to."""

    nodes: tuple[tuple[str, int], ...]
    """Hosts and ports: of Redis itself, or of its sentinels."""
    service: str | None
    """What the sentinels call it; None without sentinels."""
    db: int
    username: str | None
    password: str | None = field(repr=False)
    sentinel_password: str | None = field(repr=False)
    tls: Mapping[str, Any] | None
    """Options of redis-py's TLS connections; None without TLS. Both redis-py and Celery get these."""

    @classmethod
    def of(cls, settings: Settings) -> "RedisAddress":
        """Raises ValueError, whose message never has the password."""
        # Not urlsplit: newer Pythons refuse an IPv6 address that is one of several hosts.
        scheme, _, rest = settings.redis_url.get_secret_value().partition("://")
        authority, _, path = rest.partition("/")
        if scheme not in _PORTS or not authority:
            raise ValueError(
                "REDIS_URL: is no address of a Redis; write redis://[:password@]host:port/0"
                " or sentinel://[:password@]host:port,host:port/service/0"
            )
        if "?" in rest or "#" in rest:
            raise ValueError(_NO_OPTIONS)
        userinfo, _, hosts = authority.rpartition("@")
        username, _, password = userinfo.partition(":")
        service, db = _path(path, with_service=scheme.startswith("sentinel"))
        nodes = tuple(_node(host, _PORTS[scheme]) for host in hosts.split(","))
        if service is None and len(nodes) > 1:
            raise ValueError("REDIS_URL: several hosts are sentinels; write sentinel://host:port,host:port/service/0")
        secret = settings.sentinel_password
        return cls(
            nodes=nodes,
            service=service,
            db=db,
            username=unquote(username) or None,
            password=unquote(password) or None,
            sentinel_password=secret.get_secret_value() if secret else None,
            tls=_tls(settings) if scheme in {"rediss", "sentinels"} else None,
        )

    @property
    def place(self) -> str:
        """For people to read, without secrets."""
        hosts = ",".join(f"{host}:{port}" for host, port in self.nodes)
        return f"{hosts} (sentinels of {self.service})" if self.service else hosts

    @property
    def broker_url(self) -> str:
        """For Celery: of sentinels only the first, for `tasks.engine.broker` asks them all by itself."""
        plain = "rediss" if self.tls else "redis"
        scheme = "sentinel" if self.service else plain
        user = quote(self.username or "", safe="")
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        at = "@" if user or secret else ""
        host, port = self.nodes[0]
        return f"{scheme}://{user}{secret}{at}{_bracketed(host)}:{port}/{self.db}"

    @property
    def sentinel_options(self) -> dict[str, Any]:
        """What redis-py wants to know to connect to the sentinels themselves."""
        return {"password": self.sentinel_password, "ssl": self.tls is not None, **(self.tls or {})}


def _tls(settings: Settings) -> dict[str, Any]:
    return {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
        "ssl_ca_certs": str(settings.redis_ca) if settings.redis_ca else None,
        "ssl_certfile": str(settings.redis_cert) if settings.redis_cert else None,
        "ssl_keyfile": str(settings.redis_key) if settings.redis_key else None,
    }


def _path(path: str, *, with_service: bool) -> tuple[str | None, int]:
    service, _, db = path.strip("/").rpartition("/")
    if with_service and not service:
        # One part alone is the service, as in sentinel://host/mymaster.
        service, db = db, ""
    if with_service != bool(service) or "/" in service or (db and not db.isdecimal()):
        wanted = "/service/0, the service as the sentinels call it" if with_service else "/0"
        raise ValueError(f"REDIS_URL: must end with {wanted}, and the number of the database")
    return unquote(service) or None, int(db or 0)


def _node(host: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{host}")
        found = parts.hostname, parts.port or port
    except ValueError:
        found = None, port
    if not found[0]:
        raise ValueError("REDIS_URL: has a host or a port that cannot be; write host:port")
    return found[0], found[1]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
