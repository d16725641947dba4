"""A language model on this machine's CPU: llama.cpp in this process, from a GGUF file of the operator's."""

import importlib
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from headrace.provider import Answer, Image, ImageRequest, Provider, Text, TextRequest
from tasks.providers.openai import OpenAIProvider

CONTEXT = 8192
"""Tokens of one conversation, question and answer together."""


_WARNINGS = 2
"""llama.cpp's verbosity: 3, its own, logs every request."""


class LocalProvider:
    """Text from the model of a GGUF file; pictures are drawn by the offline illustrator, which is no model.

    The model is loaded once, when the provider is opened: seconds, and about the size of the file in memory. Its server
    listens on the loopback interface only, and wants a key that no other process knows.
    Raises RuntimeError for a file that llama.cpp cannot load.
    """

    def __init__(self, model: Path, *, illustrator: Provider, timeout: timedelta) -> None:
        key = secrets.token_urlsafe()
        self._server = _serve(model, key)
        self._illustrator = illustrator
        self._writer = _Writer(
            api_key=key,
            base_url=f"{self._server.listening_address}/v1",
            text_model=model.stem,
            image_model="none",
            timeout=timeout,
        )

    @property
    def name(self) -> str:
        return "local"

    @property
    def text_model(self) -> str:
        return self._writer.text_model

    @property
    def image_model(self) -> str:
        return self._illustrator.image_model

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        """The model's answer. Raises ProviderError."""
        return await self._writer.text(request)

    async def image(self, request: ImageRequest) -> Image:
        """The scene as the offline illustrator draws it; its usage says so. Raises ProviderError."""
        return await self._illustrator.image(request)

    async def aclose(self) -> None:
        await self._writer.aclose()
        await self._illustrator.aclose()


class _Writer(OpenAIProvider):
    """The same protocol, spoken by our own server."""

    @property
    def name(self) -> str:
        return "local"


def _serve(model: Path, key: str) -> Any:  # noqa: ANN401  # an extra that is not always installed, and untyped
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {model.stem}
    params.api_keys = [key]
    params.n_ctx = CONTEXT
    params.n_predict = CONTEXT // 2
    params.n_parallel = 1
    params.verbosity = _WARNINGS
    try:
        return xllamacpp.Server(params)
    except RuntimeError:
        raise RuntimeError(f"llama.cpp cannot load {model}; it must be a GGUF model") from None
