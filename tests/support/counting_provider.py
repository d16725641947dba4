"""A provider that counts: OpenAI's protocol on the loopback interface, every call noted as it arrives and as it ends.

python -m tests.support.counting_provider --port 8400 --ledger FILE --delay 0.5

POST /faults with a `Fault` makes the next calls fail; DELETE /faults takes back those that have not come to pass.
"""

import argparse
import asyncio
import base64
import json
import os
import struct
import sys
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import httpx
import uvicorn
from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.liveness import answers
from tests.support.ports import free_port
from tests.support.processes import Process, complete_lines

Kind = Literal["text", "image"]
Event = Literal["arrived", "answered", "failed", "aborted"]
ROOT = Path(__file__).parents[2]


class Fault(BaseModel):
    """What the next `count` calls of a kind, or of any, get instead of an answer."""

    model_config = ConfigDict(extra="forbid")

    count: int = 1
    kind: Kind | None = None
    status: int = 500
    retry_after: int | str | None = None
    code: str | None = None
    message: str = "told to fail"
    body: str | None = None
    """The whole body, as it is; None: an error in OpenAI's form."""
    delay: float = 0.0
    """Seconds, on top of the usual ones."""

    def response(self) -> Response:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.body is not None:
            return Response(self.body, self.status, headers, media_type="application/json")
        error = {"message": self.message, "type": "told", "param": None, "code": self.code}
        return JSONResponse({"error": error}, self.status, headers)


class Call(BaseModel):
    """A line of the ledger."""

    job: str
    step: str
    kind: Kind
    key: str
    """The Idempotency-Key."""
    event: Event
    """`answered` was paid for; `failed` was told to; `aborted` by the client, which does not say that it was free."""
    at: str


class CountingProvider(Process):
    """The server in a process of its own, `delay` seconds for every answer. Its ledger outlives it."""

    def __init__(self, *, ledger: Path, log: Path, delay: float = 0.0, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.ledger = ledger
        options = ["--port", str(self.port), "--ledger", str(ledger), "--delay", str(delay)]
        command = [sys.executable, "-m", "tests.support.counting_provider", *options]
        super().__init__(command, environment=os.environ, log=log, folder=ROOT)

    def answers(self) -> bool:
        return answers(f"{self.url}/models")

    def fail_next(self, fault: Fault) -> None:
        httpx.post(self._faults, json=fault.model_dump()).raise_for_status()

    def heal(self) -> None:
        httpx.delete(self._faults).raise_for_status()

    @property
    def _faults(self) -> str:
        return f"http://127.0.0.1:{self.port}/faults"

    def noted(self, job_id: str) -> list[Call]:
        """What happened to the calls of a job, in order."""
        if not self.ledger.exists():
            return []
        calls = (Call.model_validate_json(line) for line in complete_lines(self.ledger))
        return [call for call in calls if call.job == job_id]

    def calls(self, job_id: str) -> list[str]:
        """The steps of a job that were asked for, in order, repeats included."""
        return self._steps(job_id, "arrived")

    def answered(self, job_id: str) -> list[str]:
        """The steps of a job that were answered, and so paid for, in order, repeats included."""
        return self._steps(job_id, "answered")

    def aborted(self, job_id: str) -> list[str]:
        """The steps of a job whose client went away before the answer."""
        return self._steps(job_id, "aborted")

    def _steps(self, job_id: str, event: Event) -> list[str]:
        return [call.step for call in self.noted(job_id) if call.event == event]


# -- The server -------------------------------------------------------------------------------------------------------


class Server:
    def __init__(self, ledger: Path, delay: float) -> None:
        self._ledger = ledger
        self._delay = delay
        self._faults: list[Fault] = []
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._text, methods=["POST"]),
                Route("/v1/images/generations", self._image, methods=["POST"]),
                Route("/v1/models", _models),
                Route("/faults", self._add_fault, methods=["POST"]),
                Route("/faults", self._heal, methods=["DELETE"]),
            ]
        )

    async def _text(self, request: Request) -> Response:
        return await self._answer(request, "text", completion(await request.json()))

    async def _image(self, request: Request) -> Response:
        return await self._answer(request, "image", picture(await request.json()))

    async def _answer(self, request: Request, kind: Kind, answer: Mapping[str, Any]) -> Response:
        call = {
            "job": request.headers.get("x-headrace-job", ""),
            "step": request.headers.get("x-headrace-step", ""),
            "kind": kind,
            "key": request.headers.get("idempotency-key", ""),
        }
        self._note(call, "arrived")
        fault = self._next_fault(kind)
        if await _left(request, within=self._delay + (fault.delay if fault else 0)):
            self._note(call, "aborted")
            return Response(status_code=499)
        self._note(call, "failed" if fault else "answered")
        return fault.response() if fault else JSONResponse(answer)

    def _next_fault(self, kind: Kind) -> Fault | None:
        fault = next((fault for fault in self._faults if fault.kind in {None, kind}), None)
        if fault:
            fault.count -= 1
            self._faults = [fault for fault in self._faults if fault.count > 0]
        return fault

    async def _add_fault(self, request: Request) -> Response:
        self._faults.append(Fault.model_validate(await request.json()))
        return Response(status_code=204)

    async def _heal(self, _: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    def _note(self, call: Mapping[str, str], event: Event) -> None:
        """Before the answer is sent: who has it finds it noted."""
        with self._ledger.open("a") as ledger:
            ledger.write(json.dumps({**call, "event": event, "at": datetime.now(UTC).isoformat()}) + "\n")


async def _left(request: Request, *, within: float) -> bool:
    """Waits so many seconds for the client to go away."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return True
    return False


async def _models(_: Request) -> Response:
    return JSONResponse({"object": "list", "data": []})


# -- Its answers ------------------------------------------------------------------------------------------------------


def completion(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion whose content is of the JSON schema asked for."""
    facts = json.loads(next(said["content"] for said in asked["messages"] if said["role"] == "user"))
    schema = asked["response_format"]["json_schema"]["schema"]
    return {
        "id": "chatcmpl-counted",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked["model"],
        "choices": [choice(json.dumps(_Filled(schema, facts).value()))],
        "usage": {"prompt_tokens": 120, "completion_tokens": 340, "total_tokens": 460},
    }


def choice(content: str | None, *, finish_reason: str = "stop", refusal: str | None = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {"index": 0, "finish_reason": finish_reason, "logprobs": None, "message": message}


def picture(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A grey picture of an eighth of the size asked for."""
    width, height = (int(side) // 8 for side in str(asked["size"]).split("x"))
    return {
        "created": int(time.time()),
        "data": [{"b64_json": base64.b64encode(_grey_png(width, height)).decode()}],
        "usage": {
            "input_tokens": 30,
            "output_tokens": 1056,
            "total_tokens": 1086,
            "input_tokens_details": {"text_tokens": 30, "image_tokens": 0},
        },
    }


class _Filled:
    """A value of a JSON schema: facts where the names agree, as many list items as the fact of that name says."""

    def __init__(self, schema: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        self._schema = schema
        self._facts = facts

    def value(self) -> Any:  # noqa: ANN401  # any JSON value
        return self._of(self._schema, "answer")

    def _of(self, schema: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  # any JSON value
        if "$ref" in schema:
            return self._of(self._schema["$defs"][schema["$ref"].rsplit("/", 1)[1]], name)
        match schema["type"]:
            case "object":
                return {name: self._of(inner, name) for name, inner in schema["properties"].items()}
            case "array":
                fact = self._facts.get(name)
                return [self._of(schema["items"], name)] * (fact if isinstance(fact, int) else 2)
            case "string":
                return str(self._facts.get(name, f"Some {name}"))
            case other:
                return _OTHERS[other]


_OTHERS = {"integer": 1, "number": 1.0, "boolean": True}


def _grey_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\x00" + b"\x99" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Options(argparse.Namespace):
    port: int
    ledger: Path
    delay: float

    @classmethod
    def parse(cls) -> Self:
        parser = argparse.ArgumentParser(description="A provider that counts its calls")
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--ledger", type=Path, required=True)
        parser.add_argument("--delay", type=float, default=0.0)
        return parser.parse_args(namespace=cls())


if __name__ == "__main__":
    options = Options.parse()
    uvicorn.run(Server(options.ledger, options.delay).app, port=options.port, access_log=False)
