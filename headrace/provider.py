"""What a provider of generated text and pictures looks like to a step.

A provider answers two kinds of question, one call each, and never retries by itself: retries belong to the step that
makes the call (`headrace.step`), so that nothing multiplies. Failures are the classes of `headrace.errors`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from headrace.metered import Estimate
from headrace.usage import Usage
from jobs.settings import Settings

Answer = TypeVar("Answer", bound=BaseModel)

Offline = Callable[[Mapping[str, Any], int], BaseModel] | str
"""What the offline provider answers, from the facts and a seed; or where that function is: `podcast.offline:script`."""

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English; what was really used replaces it."""
SOURCE_TOKENS = 1500
"""What a picture to redraw is taken to be."""

Style = Literal["picture", "line_art"]
"""A full picture, or black outlines on white to colour in."""

_STYLES: Mapping[Style, str] = {
    "picture": "",
    "line_art": (
        "\n\nDraw it as a page of a colouring book: clean, closed black outlines of even width on a pure white"
        " background. No colour, no grey, no shading, no hatching, no filled areas, no words, no frame."
    ),
}


@dataclass(frozen=True)
class Call:
    """Who asks: the job and the step. Together the idempotency key of the call."""

    job_id: str
    step: str

    @property
    def key(self) -> str:
        return f"{self.job_id}:{self.step}"


@dataclass(frozen=True)
class Correction:
    """An earlier answer to the same request, and why it could not be used."""

    answer: str
    fault: str

    @property
    def words(self) -> str:
        """What a model is told."""
        return f"That answer cannot be used: {self.fault}\nAnswer again, the whole answer in the form asked for."


@dataclass(frozen=True)
class TextRequest(Generic[Answer]):
    """Structured text: `facts` under `instructions`, answered as one validated `answer` model.

    A model reads the instructions; `offline` writes for the offline provider, which is no model. `model` None is the
    provider's usual one.
    """

    call: Call
    instructions: str
    facts: Mapping[str, Any]
    answer: type[Answer]
    seed: int = 0
    model: str | None = None
    offline: Offline | None = None
    correction: Correction | None = None

    @property
    def estimate(self) -> Estimate:
        """What it is taken to use before it is asked."""
        characters = len(self.instructions) + len(to_json(dict(self.facts))) + _schema_length(self.answer)
        return Estimate(input_tokens=_tokens(characters))


@dataclass(frozen=True)
class Text(Generic[Answer]):
    value: Answer
    usage: Usage


@dataclass(frozen=True)
class ImageRequest:
    """A picture of `prompt`. `scene` is the same in parts, for illustrators that draw instead of reading.

    `source` is a picture (PNG or JPEG bytes) to redraw; without one the picture is made from the words alone.
    `width` and `height` are pixels; a model with sizes of its own comes as near to their shape as it can. `model` None
    is the provider's usual one.
    """

    call: Call
    prompt: str
    scene: Mapping[str, Any]
    style: Style = "picture"
    source: bytes | None = None
    width: int = 1024
    height: int = 768
    seed: int = 0
    model: str | None = None

    @property
    def words(self) -> str:
        """The prompt with its style, for a model that reads."""
        return self.prompt + _STYLES[self.style]

    @property
    def estimate(self) -> Estimate:
        """What it is taken to use before it is asked."""
        source = SOURCE_TOKENS if self.source else 0
        return Estimate(input_tokens=_tokens(len(self.prompt)) + source, images=1)


@dataclass(frozen=True)
class Image:
    """PNG bytes. `stand_ins` lists what could not be drawn as itself and was drawn as something plausible instead."""

    png: bytes
    usage: Usage
    stand_ins: list[str] = field(default_factory=list[str])


class Provider(Protocol):
    """Both calls raise `headrace.errors.ProviderError`, with the usage that the vendor told of a failed call."""

    @property
    def name(self) -> str: ...

    @property
    def text_model(self) -> str: ...

    @property
    def image_model(self) -> str: ...

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]: ...

    async def image(self, request: ImageRequest) -> Image: ...

    async def aclose(self) -> None: ...


def lacks_nothing(_: Settings) -> None:
    """Of a provider that every deployment can use."""


@dataclass(frozen=True)
class ProviderPlugin:
    """What an entry point of the group `headrace.providers` names; the name of the entry point is the provider's.

    Both are called in workers only, `missing` when one starts, too: so the module imports an SDK in `open`, not before.
    """

    open: Callable[[Settings], Provider]
    """The provider; may block. What it raises is told in the error of the job that asked for it."""
    missing: Callable[[Settings], str | None] = lacks_nothing
    """What it lacks to be opened here, such as a key, and the remedy; None when it has all."""


@dataclass(frozen=True)
class Chosen:
    """Who writes and paints one job. `model` and `image_model` are None for the provider's usual ones."""

    name: str
    open: Callable[[], Awaitable[Provider]]
    """The provider itself. Raises Rejected when this deployment has no key or no model for it."""
    model: str | None = None
    image_model: str | None = None


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


@cache
def _schema_length(answer: type[BaseModel]) -> int:
    return len(to_json(answer.model_json_schema()))
