"""`Idempotency-Key`: a request that was sent twice makes one job."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header
from fastapi.exceptions import RequestValidationError

from jobs.new_job import Idempotency

IDEMPOTENCY_KEY = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY,
        description="1 to 255 visible ASCII characters, best a UUID. The same key with the same body is answered with "
        "the job that the first request made and `Idempotent-Replayed: true`; with another body, by 422.",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]


def parse_key(value: str | None) -> str | None:
    """The key, which may come as the structured-field string that the draft asks for, or bare, as most send it.

    Raises RequestValidationError.
    """
    if value is None:
        return None
    quoted = _QUOTED.fullmatch(value)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    if not _KEY.fullmatch(key) or (key.startswith('"') and not quoted):
        message = "must be 1 to 255 visible ASCII characters, in double quotes or bare"
        raise RequestValidationError([{"type": "value_error", "loc": ("header", IDEMPOTENCY_KEY), "msg": message}])
    return key


def idempotency(key: str | None, *, user_id: str | None, path: str, body: Mapping[str, Any]) -> Idempotency | None:
    """What the store compares requests by; None without a key. `body` is the validated one: its spelling is no part.

    Requests without a user share the owner "", which is nobody's name.
    """
    if key is None:
        return None
    canonical = json.dumps([path, body], sort_keys=True, separators=(",", ":"))
    return Idempotency(owner=user_id or "", key=key, fingerprint=hashlib.sha256(canonical.encode()).hexdigest())
