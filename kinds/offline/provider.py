"""The offline provider: composes and draws without a network; can be told to be slow, to fail and to keep a ledger."""

import asyncio
import itertools
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pydantic import BaseModel

from headrace import Busy, ProviderError, Reason, Rejected, Unavailable
from headrace.provider import Answer, Call, Image, ImageRequest, Offline, Text, TextRequest
from headrace.usage import Usage
from kinds.offline.drawing.pictures import picture

_FAULTS: dict[str, Callable[[], ProviderError]] = {
    "busy": lambda: Busy("told to be busy", retry_after=timedelta(seconds=1)),
    "unavailable": lambda: Unavailable("told to be unavailable"),
    "rejected": lambda: Rejected("told to reject"),
}


class OfflineProvider:
    """Stories from the offline composer and pictures from the offline illustrator; neither is a model.

    `delay` is waited before the work of each call. `faults` makes the Nth call of this provider (from 1, text and image
    together) fail: see `parse_faults`. `ledger` gets one JSON line for every call that starts, in whichever process.
    """

    def __init__(
        self, *, delay: timedelta = timedelta(0), faults: Mapping[int, str] | None = None, ledger: Path | None = None
    ) -> None:
        self._delay = delay
        self._faults = {number: _FAULTS[fault] for number, fault in (faults or {}).items()}
        self._ledger = ledger
        self._numbers = itertools.count(1)

    @property
    def name(self) -> str:
        return "offline"

    @property
    def text_model(self) -> str:
        return "composer-1"

    @property
    def image_model(self) -> str:
        return "illustrator-1"

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        """What the step has its `offline` answer. Raises Rejected for a step without, and what `faults` ask for."""
        await self._begin(request.call, "text")
        if request.offline is None:
            message = (
                f"step {request.call.step!r} has no offline answer: pass `offline`, or choose a provider with a model"
            )
            raise Rejected(message, reason=Reason.PROVIDER_REJECTED)
        written = await asyncio.to_thread(_write, request.offline, request.facts, request.seed)
        return Text(request.answer.model_validate(written.model_dump()), Usage(self.name, self.text_model))

    async def image(self, request: ImageRequest) -> Image:
        """The drawn scene, or the line art of a source. Raises Rejected, and what `faults` ask for."""
        await self._begin(request.call, "image")
        drawn = await asyncio.to_thread(picture, request)
        return Image(drawn.png, Usage(self.name, self.image_model, images=1), drawn.stand_ins)

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _begin(self, call: Call, kind: str) -> None:
        number = next(self._numbers)
        if self._ledger:
            _append(self._ledger, call, kind)
        await asyncio.sleep(self._delay.total_seconds())
        fault = self._faults.get(number)
        if fault:
            raise fault()


def _write(offline: Offline, facts: Mapping[str, Any], seed: int) -> BaseModel:
    write = resolve_name(offline) if isinstance(offline, str) else offline
    return write(facts, seed)


def parse_faults(text: str) -> dict[int, str]:
    """Faults from "3:busy,5:unavailable". Raises ValueError for anything but positive numbers and known faults."""
    faults: dict[int, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        number, _, fault = part.partition(":")
        if not (number.isascii() and number.isdigit() and int(number) > 0) or fault not in _FAULTS:
            raise ValueError(f"{part!r} is not a fault: write call:fault, the fault one of {', '.join(_FAULTS)}")
        faults[int(number)] = fault
    return faults


def _append(ledger: Path, call: Call, kind: str) -> None:
    """One line in one write: lines of several processes never mix."""
    entry = {
        "job": call.job_id,
        "step": call.step,
        "kind": kind,
        "at": datetime.now(UTC).isoformat(),
        "pid": os.getpid(),
    }
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, (json.dumps(entry) + "\n").encode())
    finally:
        os.close(file)
