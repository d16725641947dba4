"""Who may call: OAuth tokens for gcloud's service account, identity tokens for services, and their IAM policies."""

import base64
import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from tests.cloudrun.wire import Json, Request, Route

INVOKER = "roles/run.invoker"
HEADERS = ("x-serverless-authorization", "authorization")
"""Where an identity token may stand; the second is looked at only when the first is not there."""


def _part(content: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


class Identity:
    def __init__(self) -> None:
        self._audiences: dict[str, str] = {}
        self._policies: dict[str, Json] = {}

    def routes(self) -> list[Route]:
        resource = r"/v1/(projects/[^/]+/locations/[^/]+/services/[^/:]+)"
        return [
            Route.of("POST", r"/token", self._token),
            Route.of("GET", rf"{resource}:getIamPolicy", self._policy),
            Route.of("POST", rf"{resource}:setIamPolicy", self._set_policy),
            Route.of("POST", rf"{resource}:testIamPermissions", self._allow),
        ]

    def refuses(self, resource: str, audiences: set[str], headers: Mapping[str, str]) -> HTTPStatus | None:
        """What a caller with such headers is answered instead; None when it may call."""
        bindings = self._policies.get(resource, {}).get("bindings", [])
        if any(one["role"] == INVOKER and "allUsers" in one["members"] for one in bindings):
            return None
        given = next((headers[name] for name in HEADERS if name in headers), None)
        if given is None:
            return HTTPStatus.FORBIDDEN
        audience = self._audiences.get(given.removeprefix("Bearer "))
        return None if audience in audiences else HTTPStatus.UNAUTHORIZED

    def _token(self, request: Request) -> Json:
        assertion = parse_qs(request.raw.decode())["assertion"][0].split(".")[1]
        claims: Json = json.loads(base64.urlsafe_b64decode(assertion + "=" * (-len(assertion) % 4)))
        if "target_audience" not in claims:
            return {"access_token": "loopback", "expires_in": 3600, "token_type": "Bearer"}
        issued = int(time.time())
        content = {"aud": claims["target_audience"], "email": claims["iss"], "iat": issued, "exp": issued + 3600}
        token = f"{_part({'alg': 'none'})}.{_part(content)}.loopback"
        self._audiences[token] = claims["target_audience"]
        return {"id_token": token}

    def _allow(self, request: Request, _: str) -> Json:
        return request.body

    def _policy(self, _: Request, resource: str) -> Json:
        return self._policies.get(resource, {"version": 1, "etag": "ACAB"})

    def _set_policy(self, request: Request, resource: str) -> Json:
        self._policies[resource] = request.body["policy"]
        return self._policies[resource]
