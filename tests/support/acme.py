"""A vendor of voices that nobody knows, as its SDK: calls over HTTP, and exceptions of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Response:
    headers: Mapping[str, str]


class AcmeError(Exception):
    """Has the status and the response, as with many SDKs."""

    def __init__(self, message: str, status_code: int, response: Response) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.response = response


class OutOfVoices(Exception):
    """Says nothing of HTTP."""


async def speak(url: str, text: str) -> int:
    """The tokens that it took."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(url, json={"text": text})
    if answer.is_error:
        raise AcmeError(answer.text, answer.status_code, Response(dict(answer.headers)))
    if "tokens" not in answer.json():
        raise OutOfVoices(answer.text)
    return answer.json()["tokens"]
