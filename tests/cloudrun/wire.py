"""What Google's APIs have in common on the wire: requests, errors, conditions, operations."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

Json = dict[str, Any]
REGION = "us-central1"


class ApiError(Exception):
    """An answer other than 2xx, in Google's form."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.body = {"error": {"code": code, "status": status, "message": message}}


def not_found(what: str) -> ApiError:
    return ApiError(404, "NOT_FOUND", f"{what} was not found.")


@dataclass(frozen=True)
class Request:
    """What gcloud asks its proxy: the URL is absolute, so the host says which API it is for."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    raw: bytes

    @classmethod
    def parse(cls, method: str, target: str, raw: bytes) -> "Request":
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        return cls(method, url.netloc, unquote(url.path), query, raw)

    @property
    def body(self) -> Json:
        return json.loads(self.raw or b"{}")


Handler = Callable[..., Json]
"""Takes the request and the groups of the route's pattern."""


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler

    @classmethod
    def of(cls, method: str, pattern: str, handler: Handler) -> "Route":
        return cls(method, re.compile(pattern), handler)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def condition(kind: str, *, ok: bool | None, message: str = "") -> Json:
    """A Knative condition; None: not known yet."""
    status = {True: "True", False: "False", None: "Unknown"}[ok]
    said = {"message": message, "reason": "HealthCheckContainerError"} if message else {}
    return {"type": kind, "status": status, "lastTransitionTime": now(), **said}


def stamped(body: Json, *, project: str, earlier: Json | None) -> Json:
    """A resource that was sent to be stored, with the metadata that the server gives it."""
    kept: Json = earlier["metadata"] if earlier else {"generation": 0, "uid": str(uuid4()), "creationTimestamp": now()}
    labels = {**body["metadata"].get("labels", {}), "cloud.googleapis.com/location": REGION}
    metadata = {
        **body["metadata"],
        "namespace": project,
        "labels": labels,
        "uid": kept["uid"],
        "creationTimestamp": kept["creationTimestamp"],
        "generation": kept["generation"] + 1,
        "resourceVersion": uuid4().hex[:8],
    }
    return {**body, "metadata": metadata}


def done(response: Json, *, parent: str = "") -> Json:
    """A long-running operation that is over already."""
    return {"name": f"{parent}operations/{uuid4().hex}", "done": True, "response": response}
