"""One shared token for all clients, when `HEADRACE_API_TOKEN` is set."""

from secrets import compare_digest

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Unauthorized
from api.problems import of_error

OPEN_TO_ALL = "/health/"
"""Probes have no token."""


class BearerAuth:
    """ASGI middleware: nothing but the probes is reached without the token, documentation included."""

    def __init__(self, app: ASGIApp, *, token: SecretStr) -> None:
        self._app = app
        self._expected = f"Bearer {token.get_secret_value()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OPEN_TO_ALL) or self._authorized(scope):
            await self._app(scope, receive, send)
            return
        response = of_error(Unauthorized(), instance=scope["path"]).response(
            {"WWW-Authenticate": 'Bearer realm="headrace"'}
        )
        await response(scope, receive, send)

    def _authorized(self, scope: Scope) -> bool:
        given = Headers(scope=scope).get("authorization", "").encode("latin-1")
        scheme, _, token = given.partition(b" ")
        return compare_digest(scheme.capitalize() + b" " + token.strip(), self._expected)
