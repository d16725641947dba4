"""The vendors' wire formats, as a loopback server speaks them: what each answers, refuses, and is asked in."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pytest
from werkzeug import Request

from headrace.provider import Provider
from headrace.usage import Usage
from kinds.offline import OfflineProvider
from tasks.providers.gemini import GeminiProvider
from tasks.providers.local import LocalProvider
from tasks.providers.openai import OpenAIProvider
from tests.support.counting_provider import choice

KEY = "sk-proj-abcdefghijklmnop"
INPUT_TOKENS, OUTPUT_TOKENS = 120, 340


@dataclass(frozen=True)
class Reply:
    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, body: Mapping[str, Any], status: int = 200, **headers: str) -> "Reply":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(json.dumps(body), status, {"Content-Type": "application/json", **named})


@dataclass(frozen=True)
class Asked:
    """What a vendor read out of a request."""

    model: str
    key: str
    conversation: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Who and what: `instructions`, `asker` or `model`."""
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    shape: str = ""
    """Of the picture."""
    source: tuple[str, bytes] | None = None
    """Media type and picture to redraw."""


class Vendor(Protocol):
    name: str
    text_model: str
    image_model: str
    shape: str
    """How a picture of 1024x768 is asked for."""
    paints: bool

    def open(self, url: str, timeout: timedelta) -> Provider: ...
    def text(self, content: str) -> Reply: ...
    def truncated(self, content: str) -> Reply: ...
    def picture(self, data: bytes) -> Reply: ...
    def busy(self) -> Reply:
        """Asked too often; told to wait for 7 seconds."""
        ...

    def bad_key(self) -> Reply: ...
    def refusals(self) -> list[tuple[Reply, Usage | None]]: ...
    def image_refusals(self) -> list[Reply]: ...
    def error(self, status: int, message: str, **headers: str) -> Reply: ...
    def asked(self, request: Request) -> Asked: ...


class OpenAI:
    name = "openai"
    text_model = "gpt-5.4-mini"
    image_model = "gpt-image-2"
    shape = "1024x768"
    paints = True

    def open(self, url: str, timeout: timedelta) -> Provider:
        return OpenAIProvider(
            api_key=KEY,
            base_url=f"{url}/v1",
            text_model=self.text_model,
            image_model=self.image_model,
            timeout=timeout,
        )

    def text(self, content: str) -> Reply:
        return self._completion(choice(content))

    def truncated(self, content: str) -> Reply:
        return self._completion(choice(content, finish_reason="length"))

    def picture(self, data: bytes) -> Reply:
        used = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS, "total_tokens": 460}
        picture = {"b64_json": base64.b64encode(data).decode()}
        return Reply.of({"created": 1, "data": [picture], "usage": used})

    def refusals(self) -> list[tuple[Reply, Usage | None]]:
        used = Usage(self.name, self.text_model, INPUT_TOKENS, OUTPUT_TOKENS)
        return [
            (self._error(400, "Rejected by our safety system", "content_policy_violation"), None),
            (self._completion(choice(None, refusal="I cannot help with that.")), used),
            (self._completion(choice("", finish_reason="content_filter")), used),
        ]

    def image_refusals(self) -> list[Reply]:
        return [self._error(400, "Rejected by our safety system", "moderation_blocked")]

    def busy(self) -> Reply:
        return self.error(429, "Slow down", Retry_After="7")

    def bad_key(self) -> Reply:
        return self._error(401, f"Incorrect API key provided: {KEY}", "invalid_api_key")

    def error(self, status: int, message: str, **headers: str) -> Reply:
        return self._error(status, message, None, **headers)

    def asked(self, request: Request) -> Asked:
        key = request.headers["Authorization"].removeprefix("Bearer ")
        if request.path == "/v1/images/edits":
            form, source = request.form, request.files["image"]
            picture = (source.mimetype, source.read())
            source.close()
            return Asked(form["model"], key, [("asker", form["prompt"])], shape=form["size"], source=picture)
        body = request.get_json()
        if request.path == "/v1/images/generations":
            return Asked(body["model"], key, [("asker", body["prompt"])], shape=body["size"])
        assert request.path == "/v1/chat/completions"
        who = {"system": "instructions", "user": "asker", "assistant": "model"}
        conversation = [(who[message["role"]], message["content"]) for message in body["messages"]]
        return Asked(body["model"], key, conversation, body["response_format"]["json_schema"]["schema"])

    def _completion(self, answer: Mapping[str, Any]) -> Reply:
        used = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": 460}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": self.text_model}
        return Reply.of({**head, "choices": [answer], "usage": used})

    def _error(self, status: int, message: str, code: str | None, **headers: str) -> Reply:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        return Reply.of({"error": error}, status, **headers)


class Local(OpenAI):
    """The server in this process, which speaks OpenAI's protocol; the offline illustrator draws for it."""

    name = "local"
    text_model = "gemma"
    paints = False

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def open(self, url: str, timeout: timedelta) -> Provider:
        def serve(_model: Path, _key: str) -> SimpleNamespace:
            return SimpleNamespace(listening_address=url)

        self._monkeypatch.setattr("tasks.providers.local._serve", serve)
        self._monkeypatch.setattr("secrets.token_urlsafe", lambda: KEY)
        return LocalProvider(Path("gemma.gguf"), illustrator=OfflineProvider(), timeout=timeout)


class Gemini:
    name = "gemini"
    text_model = "gemini-3.8-flash"
    image_model = "gemini-3.1-flash-image"
    shape = "4:3"
    paints = True

    def open(self, url: str, timeout: timedelta) -> Provider:
        return GeminiProvider(
            api_key=KEY, base_url=url, text_model=self.text_model, image_model=self.image_model, timeout=timeout
        )

    def text(self, content: str) -> Reply:
        return self._answer({"content": {"role": "model", "parts": [{"text": content}]}, "finishReason": "STOP"})

    def truncated(self, content: str) -> Reply:
        return self._answer({"content": {"role": "model", "parts": [{"text": content}]}, "finishReason": "MAX_TOKENS"})

    def picture(self, data: bytes) -> Reply:
        inline = {"mimeType": "image/png", "data": base64.b64encode(data).decode()}
        content = {"role": "model", "parts": [{"text": "Here it is."}, {"inlineData": inline}]}
        return self._answer({"content": content, "finishReason": "STOP"}, model=self.image_model)

    def refusals(self) -> list[tuple[Reply, Usage | None]]:
        used = Usage(self.name, self.text_model, INPUT_TOKENS, OUTPUT_TOKENS)
        blocked = {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": INPUT_TOKENS, "totalTokenCount": INPUT_TOKENS},
            "modelVersion": self.text_model,
        }
        return [
            (Reply.of(blocked), Usage(self.name, self.text_model, INPUT_TOKENS)),
            (self._answer({"finishReason": "SAFETY"}), used),
        ]

    def image_refusals(self) -> list[Reply]:
        return [
            self._answer({"finishReason": "IMAGE_SAFETY", "finishMessage": "The picture was filtered."}),
            self._answer({"finishReason": "IMAGE_PROHIBITED_CONTENT"}),
        ]

    def busy(self) -> Reply:
        return self._error(429, "Slow down", _detail("RetryInfo", retryDelay="7s"))

    def bad_key(self) -> Reply:
        invalid = _detail("ErrorInfo", reason="API_KEY_INVALID", domain="googleapis.com")
        return self._error(400, f"API key not valid: {KEY}", invalid)

    def error(self, status: int, message: str, **headers: str) -> Reply:
        return self._error(status, message, **headers)

    def asked(self, request: Request) -> Asked:
        body = request.get_json()
        assert request.path.startswith("/v1beta/models/"), request.path
        assert request.path.endswith(":generateContent"), request.path
        who = {"user": "asker", "model": "model"}
        parts = [(who[content["role"]], part) for content in body["contents"] for part in content["parts"]]
        said = [(role, part["text"]) for role, part in parts if "text" in part]
        if "systemInstruction" in body:
            said.insert(0, ("instructions", "".join(part["text"] for part in body["systemInstruction"]["parts"])))
        sources = [part["inlineData"] for _, part in parts if "inlineData" in part]
        config = body["generationConfig"]
        # As the SDK spells it; the API reads both spellings.
        source = [(each["mime_type"], base64.urlsafe_b64decode(each["data"])) for each in sources]
        return Asked(
            request.path.removeprefix("/v1beta/models/").removesuffix(":generateContent"),
            request.headers["x-goog-api-key"],
            said,
            config.get("responseSchema", {}),
            config.get("imageConfig", {}).get("aspectRatio", ""),
            source[0] if source else None,
        )

    def _answer(self, candidate: Mapping[str, Any], *, model: str | None = None) -> Reply:
        used = {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": OUTPUT_TOKENS - 40,
            "thoughtsTokenCount": 40,
            "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
        }
        body = {"candidates": [{"index": 0, **candidate}], "usageMetadata": used}
        return Reply.of({**body, "modelVersion": model or self.text_model})

    def _error(self, status: int, message: str, *details: Mapping[str, Any], **headers: str) -> Reply:
        error = {"code": status, "message": message, "status": "TOLD", "details": list(details)}
        return Reply.of({"error": error}, status, **headers)


def _detail(name: str, **values: str) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{name}", **values}
