"""docs/providers.md: every Python snippet runs; the call is metered and the provider answers."""

import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from headrace import JobContext, Kind, Step
from headrace.provider import Call, ImageRequest, TextRequest
from headrace.testing import run_kind
from jobs.settings import Settings
from tests.support.makefile import ROOT

GUIDE = ROOT / "docs/providers.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL)


class Topic(BaseModel):
    topic: str


class Words(BaseModel):
    words: str


class Acme:
    """A vendor's SDK, as the snippets call it."""

    def key(self) -> str:
        return "key"

    async def speak(self, text: str) -> tuple[bytes, int]:
        return text.encode(), 7

    async def write(self, _instructions: str, facts: dict[str, Any]) -> SimpleNamespace:
        return SimpleNamespace(json=Words(words=str(facts["topic"])).model_dump_json(), read=5, written=6)

    async def paint(self, words: str, width: int, height: int) -> bytes:
        return f"{words} {width}x{height}".encode()

    async def close(self) -> None:
        """Nothing is held open."""


@pytest.fixture
def guide(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the snippets have defined, read one after the other."""
    module = ModuleType("guide")
    monkeypatch.setitem(sys.modules, "guide", module)
    vars(module)["acme"] = Acme()
    assert len(SNIPPETS) == 2
    for number, snippet in enumerate(SNIPPETS, 1):
        exec(compile(snippet, f"{GUIDE.name}, snippet {number}", "exec"), vars(module))  # noqa: S102  # our own guide
    return vars(module)


async def test_a_call_of_any_sdk_is_metered(guide: dict[str, Any]) -> None:
    async def make(job: JobContext, input: Topic) -> Words:  # noqa: A002  # what it is called everywhere
        return Words(words=(await guide["speak"](job, input.topic)).decode())

    kind = Kind(name="spoken", path="/spoken", input=Topic, result=Words, summary="A snippet", make=make)
    run = await run_kind(kind, {"topic": "Tides"}, resume=True)
    assert run.result == Words(words="speech.wav")
    assert run.files["speech.wav"] == b"Tides"
    assert [(call.step, call.provider, call.model) for call in run.calls] == [("voice", "acme", "voice-2")]


async def test_a_provider_of_one_s_own_writes_and_paints(guide: dict[str, Any]) -> None:
    plugin = guide["ACME"]
    assert plugin.missing(Settings()) is None
    provider = plugin.open(Settings())
    call = Call("a-job", "a-step")
    text = await provider.text(TextRequest(call, "Write.", {"topic": "Tides"}, Words))
    assert (text.value, text.usage.input_tokens) == (Words(words="Tides"), 5)
    image = await provider.image(ImageRequest(call, "a wave", {}, width=64, height=48))
    assert image.png == b"a wave 64x48"
    await provider.aclose()

    async def make(job: JobContext, input: Topic) -> Words:  # noqa: A002  # what it is called everywhere
        async def write(step: Step) -> Words:
            return await step.text("Write.", facts={"topic": input.topic}, answer=Words)

        return await job.step("words", write)

    kind = Kind(name="written", path="/written", input=Topic, result=Words, summary="A snippet", make=make)
    assert (await run_kind(kind, {"topic": "Tides"}, provider=provider)).result == Words(words="Tides")
